package workload

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"orrery/internal/fault"
	"orrery/internal/text"
)

var (
	keyForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,39}$`)
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	toolForm    = regexp.MustCompile(`^arn:[a-z-]+:wellarchitected:[a-z0-9-]+:[0-9]{12}:workload/[0-9a-f]{32}$`)
	arnForm     = regexp.MustCompile(`^arn:[a-z-]+:[a-z-]+:[a-z0-9-]*:[0-9]{12}:.{1,900}$`)
)

const (
	maxScopeEntries  = 50
	maxToolWorkloads = 10
)

// clean is the input after trimming and Unicode normalisation, with the launch date read.
type clean struct {
	Input
	launchOn *time.Time
}

// check returns the input in its stored form, or one Invalid fault with every message.
func (in Input) check() (clean, error) {
	c := clean{Input: in}
	var bad []fault.Field
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }

	c.Key = strings.TrimSpace(in.Key)
	if c.Key == "new" {
		add("key", "Choose another key: /workloads/new is a page.")
	} else if !keyForm.MatchString(c.Key) {
		add("key", "Write the key with 2 to 40 lower-case letters, digits and hyphens, beginning with a letter or digit.")
	}
	c.Name = text.Line(in.Name)
	if n := utf8.RuneCountInString(c.Name); n == 0 || n > 120 {
		add("name", "Give the workload a name of at most 120 characters.")
	}
	c.Description = text.Clean(in.Description)
	if utf8.RuneCountInString(c.Description) > 2000 {
		add("description", "Keep the description under 2,000 characters.")
	}
	if in.TeamKey == "" {
		add("team", "Choose the team that owns the workload.")
	}
	if in.Tier < 1 || in.Tier > 3 {
		add("tier", "Choose tier 1, 2 or 3.")
	}
	if !slices.Contains([]string{Planned, Live, Retired}, in.Stage) {
		add("stage", "Choose planned, live or retired.")
	}
	if in.LaunchOn != "" {
		day, err := time.Parse(time.DateOnly, in.LaunchOn)
		if err != nil || day.Year() < 2000 || day.Year() > 2200 {
			add("launch_on", "Write the launch date as year-month-day, for example 2026-11-30.")
		} else {
			c.launchOn = &day
		}
	}
	bad = append(bad, c.checkScope(in)...)
	return c, fault.InvalidFields(bad...)
}

// checkScope normalises the lists of the production scope.
func (c *clean) checkScope(in Input) (bad []fault.Field) {
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	c.Accounts, c.Regions, c.Tags = tidy(withoutHyphens(in.Accounts)), tidy(in.Regions), tidy(in.Tags)
	for _, a := range c.Accounts {
		if !accountForm.MatchString(a) {
			add("accounts", "An AWS account is twelve digits; \""+text.Cut(a)+"\" is not.")
			break
		}
	}
	for _, r := range c.Regions {
		if !regionForm.MatchString(r) {
			add("regions", "A Region looks like eu-west-1; \""+text.Cut(r)+"\" does not.")
			break
		}
	}
	for _, t := range c.Tags {
		if k, _, ok := strings.Cut(t, "="); !ok || k == "" || len(t) > 400 {
			add("tags", "Write each tag as key=value; \""+text.Cut(t)+"\" is not.")
			break
		}
	}
	if (len(c.Accounts) == 0) != (len(c.Regions) == 0) {
		missing, have := "regions", "accounts"
		if len(c.Accounts) == 0 {
			missing, have = "accounts", "regions"
		}
		add(missing, "Name the "+missing+" as well: "+have+" alone do not say where to look.")
	}
	for name, list := range map[string][]string{"accounts": c.Accounts, "regions": c.Regions, "tags": c.Tags} {
		if len(list) > maxScopeEntries {
			add(name, "Name at most 50.")
		}
	}
	c.ApplicationARN = text.Clean(in.ApplicationARN)
	if c.ApplicationARN != "" && !arnForm.MatchString(c.ApplicationARN) {
		add("application_arn", "Write the whole ARN of the application, or leave it empty.")
	}
	return append(bad, c.checkTool(in)...)
}

// checkTool normalises the workloads of the Well-Architected Tool. Names hold what people
// write, so that they stand on lines of their own.
func (c *clean) checkTool(in Input) (bad []fault.Field) {
	const field = "wa_workloads"
	c.WAWorkloads = tidy(in.WAWorkloads)
	for _, name := range c.WAWorkloads {
		switch n := utf8.RuneCountInString(name); {
		case strings.HasPrefix(name, "arn:") && !toolForm.MatchString(name):
			return []fault.Field{{Name: field, Message: "Write the whole ARN of the workload, as the Well-Architected Tool shows it, or its name."}}
		case n < 3 || n > 100:
			return []fault.Field{{Name: field, Message: "A name in the Well-Architected Tool has 3 to 100 characters; \"" + text.Cut(name) + "\" has not."}}
		}
	}
	switch {
	case len(c.WAWorkloads) > maxToolWorkloads:
		bad = append(bad, fault.Field{Name: field, Message: "Name at most 10."})
	case len(c.WAWorkloads) > 0 && len(c.Accounts) == 0:
		bad = append(bad, fault.Field{Name: field, Message: "Name the accounts and Regions as well: there the Well-Architected Tool is read."})
	}
	return bad
}

// withoutHyphens takes accounts as the console shows them: 1234-5678-9012.
func withoutHyphens(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, strings.ReplaceAll(s, "-", ""))
	}
	return out
}

// tidy drops empty and repeated entries and keeps the order. It never returns nil.
func tidy(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		if s = text.Clean(s); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
