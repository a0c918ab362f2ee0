package questionnaire

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery/internal/fault"
)

// CheckInput is one evidence check of a question's form. A row without a source is left out.
type CheckInput struct {
	ID     string // of a check that was there; empty for a new one, which gets an id from its key
	Source string
	Key    string
	Choice string // id of the choice it speaks for, or RowRef of one that has no id yet
	Expect string
	Claim  string
	Level  string
	Within string // hours, or a span of time such as 90m or 30d
	MaxAge string // likewise
}

// CheckSources, CheckExpects and CheckLevels list what a check may say, in the order of a form.
func CheckSources() []string { return slices.Clone(checkSources) }

// CheckExpects lists the expectations.
func CheckExpects() []string { return slices.Clone(checkExpects) }

// CheckLevels lists the levels.
func CheckLevels() []string { return slices.Clone(checkLevels) }

// firstKeys are the keys that are meant where none is named.
var firstKeys = map[string]string{"config.recorder": "recorder", "cloudtrail.trail": "trail"}

// RowRef names the choice in the row numbered n while it has no id.
func RowRef(n int) string { return "#" + strconv.Itoa(n) }

// Empty reports whether nothing was written into the row.
func (in CheckInput) Empty() bool {
	return in.ID == "" && in.Source == "" && in.Key == "" && in.Claim == ""
}

func checkInputOf(c *Check) CheckInput {
	return CheckInput{
		ID: c.ID, Source: c.Source, Key: c.Key, Choice: c.Choice, Expect: c.Expect, Claim: c.Claim, Level: c.Level,
		Within: hoursOf(c.Within), MaxAge: hoursOf(c.MaxAge),
	}
}

// hoursOf writes a span as whole hours, or with its units where it has parts of an hour.
func hoursOf(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d%time.Hour == 0:
		return strconv.Itoa(int(d / time.Hour))
	}
	return shortDuration(d)
}

// spanOf reads hours, or a span such as 90m or 30d, above zero and at most ten years.
func spanOf(s string) (time.Duration, bool) {
	const most = 10 * 366 * 24
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n > 0 && n <= most/24
	}
	if hours, err := strconv.Atoi(s); err == nil {
		return time.Duration(hours) * time.Hour, hours > 0 && hours <= most
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0 && d <= most*time.Hour
}

// checks are the rows that have a source, each over the check that had its id. rows are the
// choices by the row they stand in.
func (in QuestionInput) checks(old []Check, rows []*Choice, question string) (out []Check, bad []fault.Field) {
	var taken []string
	for _, row := range in.Checks {
		taken = append(taken, row.ID)
	}
	for n, row := range in.Checks {
		if row.Source == "" {
			if row.ID == "" && !row.Empty() {
				bad = append(bad, fault.Field{Name: fmt.Sprintf("check_source_%d", n), Message: "Choose where it is read, or empty the check."})
			}
			continue
		}
		var c Check
		if i := slices.IndexFunc(old, func(c Check) bool { return c.ID == row.ID }); i >= 0 {
			c = old[i]
		}
		bad = append(bad, row.fill(&c, n, rows, question)...)
		if c.ID == "" {
			c.ID = freeID(c.Key, "check", taken)
			taken = append(taken, c.ID)
		}
		c.digest = ""
		out = append(out, c)
	}
	if len(out) > maxList {
		bad = append(bad, fault.Field{Name: "check_source_0", Message: fmt.Sprintf("A question has at most %d evidence checks.", maxList)})
	}
	return out, bad
}

// fill writes the row numbered n into the check and returns what is wrong with it.
func (in CheckInput) fill(c *Check, n int, rows []*Choice, question string) (bad []fault.Field) {
	at := func(name string) string { return fmt.Sprintf("check_%s_%d", name, n) }
	refuse := func(name, message string) { bad = append(bad, fault.Field{Name: at(name), Message: message}) }
	c.Source, c.Key, c.Expect, c.Claim, c.Level = in.Source, cmp.Or(in.Key, firstKeys[in.Source]), in.Expect, in.Claim, in.Level
	if !slices.Contains(checkSources, c.Source) && !IsOwn(c.Source) {
		refuse("source", "Choose where it is read.")
	}
	switch s, _ := sourceOf(c.Source); {
	case c.Key == "":
		refuse("key", "Say what is looked at: the control's id, the rule's name or the event's name.")
	case firstKeys[c.Source] != "" && !s.KnowsKey(c.Key):
		refuse("key", s.mend())
	}
	bad = fitText(bad, at("key"), c.Key, maxTitle)
	bad = fitText(bad, at("claim"), c.Claim, maxText)
	if c.Choice = in.choice(rows, question); c.Choice == "" {
		refuse("choice", "Choose the statement it speaks for.")
	}
	if !slices.Contains(checkExpects, c.Expect) {
		refuse("expect", "Choose what is expected.")
	}
	if !slices.Contains(checkLevels, c.Level) {
		refuse("level", "Choose whether it is about resources or about the account.")
	}
	var ok bool
	if c.MaxAge, ok = spanOf(in.MaxAge); !ok {
		refuse("max_age", "Say after how many hours a fact is stale, such as 30.")
	}
	switch c.Within = 0; {
	case !c.LooksBack() && in.Within != "":
		refuse("within", "Only seen within and not seen within look back. Empty this, or expect one of them.")
	case c.LooksBack():
		if c.Within, ok = spanOf(in.Within); !ok {
			refuse("within", "Say how many hours to look back, such as 720 for 30 days.")
		}
	}
	return bad
}

// choice is the id of the choice that the check speaks for, empty when there is none.
func (in CheckInput) choice(rows []*Choice, question string) string {
	for n, c := range rows {
		if c != nil && (in.Choice == c.ID || in.Choice == RowRef(n)) {
			return c.ID
		}
	}
	if in.Choice == question+noneSuffix {
		return in.Choice
	}
	return ""
}
