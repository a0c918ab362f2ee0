package questionnaire

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"orrery/internal/fault"
)

// ChoiceInput is one row of a question's form. A row without a title is left out.
type ChoiceInput struct {
	ID        string // of a choice that was there; empty for a new one, which gets an id from its title
	Title     string
	Weight    Weight
	Group     string
	Why, Good string
	FirstStep string
	StepURL   string
	Lineage   []string
}

// QuestionInput is what a form says of a question. What it does not show (what an AWS lens
// has beside a choice, the editions of checks) stays as it was.
type QuestionInput struct {
	ID                string // the id it has in the draft; empty for a new one, which gets an id from its title
	Section           string
	Title             string
	Description       string
	Why, Good         string
	NotApplicableWhen string
	Bring             []string
	Phase             Phase
	CorePath          bool
	MaxRisk           Risk
	Tiers             []int // empty: all
	Tags              []string
	Lineage           []string
	Links             []Link
	Choices           []ChoiceInput
	Checks            []CheckInput
	Rules             string // written out, one "risk: condition" on a line; empty: from the weights
}

// InputOf is the form of a question as it stands.
func InputOf(q *Question) QuestionInput {
	in := QuestionInput{
		ID: q.ID, Section: q.Section, Title: q.Title, Description: q.Description, Why: q.Why, Good: q.Good,
		NotApplicableWhen: q.NotApplicableWhen, Bring: q.Bring, Phase: q.Phase, CorePath: q.CorePath, MaxRisk: q.MaxRisk,
		Tiers: q.Tiers, Tags: q.Tags, Lineage: q.Lineage, Links: q.Links,
	}
	for i := range q.Choices {
		if c := &q.Choices[i]; !q.Weighted || !c.None || c.Title != noneTitle {
			in.Choices = append(in.Choices, ChoiceInput{
				ID: c.ID, Title: c.Title, Weight: c.Weight, Group: c.Group, Why: c.Why, Good: c.Good,
				FirstStep: c.FirstStep.Text, StepURL: c.FirstStep.URL, Lineage: c.Lineage,
			})
		}
	}
	for i := range q.Checks {
		in.Checks = append(in.Checks, checkInputOf(&q.Checks[i]))
	}
	if !q.Weighted {
		lines := make([]string, len(q.Rules))
		for i, r := range q.Rules {
			lines[i] = string(r.Risk) + ": " + r.Condition
		}
		in.Rules = strings.Join(lines, "\n")
	}
	return in
}

// Apply returns the edit that puts the question into the draft: in place of the one with
// its id, or at the end of its section. Fields: title, section, phase, max_risk, tiers,
// tags, lineage, links, rules, the texts by their names, and those of choices and checks
// with the number of their row, such as choice_0 and check_key_0.
func (in QuestionInput) Apply() Edit {
	return func(q *Questionnaire) error {
		to := slices.IndexFunc(q.Sections, func(s Section) bool { return s.ID == in.Section })
		question, bad := in.question(q)
		if to < 0 {
			bad = append(bad, fault.Field{Name: "section", Message: "Choose a section from the list."})
		}
		if len(bad) > 0 {
			return fault.InvalidFields(bad...)
		}
		i, j := q.find(in.ID)
		switch {
		case in.ID != "" && i < 0:
			return noQuestion()
		case i == to:
			q.Sections[i].Questions[j] = question
			return nil
		case i >= 0:
			q.Sections[i].Questions = slices.Delete(q.Sections[i].Questions, j, j+1)
		}
		q.Sections[to].Questions = append(q.Sections[to].Questions, question)
		return nil
	}
}

// question is the question of the form, over what the draft has under its id.
func (in QuestionInput) question(q *Questionnaire) (out Question, bad []fault.Field) {
	if i, j := q.find(in.ID); i >= 0 && in.ID != "" {
		out = q.Sections[i].Questions[j]
	}
	bad = in.judgeTexts()
	old, oldChecks := out.Choices, out.Checks
	if out.ID = in.ID; out.ID == "" {
		out.ID = freeID(in.Title, "question", append(allQuestionIDs(q), "new"))
	}
	out.Section, out.Title, out.Description, out.Why, out.Good = in.Section, in.Title, in.Description, in.Why, in.Good
	out.NotApplicableWhen, out.Bring, out.Phase, out.CorePath, out.MaxRisk = in.NotApplicableWhen, in.Bring, in.Phase, in.CorePath, in.MaxRisk
	out.Tiers, out.Tags, out.Lineage, out.Links = in.Tiers, in.Tags, in.Lineage, in.Links
	rows, wrong := in.choices(old, out.ID)
	bad = append(bad, wrong...)
	out.Choices = nil
	for _, c := range rows {
		if c != nil {
			out.Choices = append(out.Choices, *c)
		}
	}
	if len(out.Choices) > maxChoices-1 {
		bad = append(bad, fault.Field{Name: "choice_0", Message: fmt.Sprintf("A question has at most %d choices beside none of these.", maxChoices-1)})
	}
	if out.Weighted = strings.TrimSpace(in.Rules) == ""; out.Weighted {
		out.Rules = nil
	} else if out.Rules, wrong = writtenRules(in.Rules); len(wrong) > 0 {
		bad = append(bad, wrong...)
	} else {
		out.MaxRisk = worstDeclared(out.Rules)
		for i := range out.Choices {
			out.Choices[i].Weight, out.Choices[i].Group = "", ""
		}
	}
	out.Checks, wrong = in.checks(oldChecks, rows, out.ID)
	return out, append(bad, wrong...)
}

func allQuestionIDs(q *Questionnaire) (ids []string) {
	for i := range q.Sections {
		ids = append(ids, questionIDs(&q.Sections[i])...)
	}
	return ids
}

// judgeTexts finds what is wrong with the fields of the question itself.
func (in QuestionInput) judgeTexts() (bad []fault.Field) {
	bad = needText(bad, "title", in.Title, "Ask the question.", maxTitle)
	for _, f := range []struct{ name, value string }{
		{"description", in.Description}, {"why", in.Why}, {"good", in.Good}, {"not_applicable_when", in.NotApplicableWhen}, {"bring", strings.Join(in.Bring, "\n")},
	} {
		bad = fitText(bad, f.name, f.value, maxText)
	}
	if !slices.Contains([]Phase{PhaseDesign, PhaseBuild, PhaseLaunch}, in.Phase) {
		bad = append(bad, fault.Field{Name: "phase", Message: "Choose when it is asked."})
	}
	if in.MaxRisk != RiskHigh && in.MaxRisk != RiskMedium {
		bad = append(bad, fault.Field{Name: "max_risk", Message: "Choose the risk of an insufficient answer."})
	}
	for i, tier := range in.Tiers {
		if tier < 1 || tier > 3 || slices.Contains(in.Tiers[:i], tier) {
			bad = append(bad, fault.Field{Name: "tiers", Message: "Choose among the tiers 1, 2 and 3, each once."})
			break
		}
	}
	bad = fitList(bad, "tags", in.Tags, maxOwnID)
	bad = fitList(bad, "lineage", in.Lineage, maxTitle)
	return fitLinks(bad, "links", in.Links)
}

// fitList wants a short list of short texts.
func fitList(bad []fault.Field, name string, list []string, most int) []fault.Field {
	if len(list) > maxList {
		return append(bad, fault.Field{Name: name, Message: fmt.Sprintf("There are %d entries; at most %d are allowed.", len(list), maxList)})
	}
	for _, s := range list {
		if more := fitText(nil, name, s, most); len(more) > 0 {
			return append(bad, fault.Field{Name: name, Message: "The entry " + quote(s) + " is too long. " + more[0].Message})
		}
	}
	return bad
}

// fitLinks wants a text and a whole address of each link.
func fitLinks(bad []fault.Field, name string, links []Link) []fault.Field {
	if len(links) > maxList {
		return append(bad, fault.Field{Name: name, Message: fmt.Sprintf("There are %d links; at most %d are allowed.", len(links), maxList)})
	}
	for _, l := range links {
		switch {
		case !isAddress(l.URL):
			return append(bad, fault.Field{Name: name, Message: "End each line with an address that starts with http:// or https://, unlike " + quote(l.URL) + "."})
		case l.Text == "":
			return append(bad, fault.Field{Name: name, Message: "Put a text before the address " + quote(l.URL) + "."})
		}
		bad = fitText(fitText(bad, name, l.Text, maxText), name, l.URL, maxText)
	}
	return bad
}

// isAddress reports whether our own format takes the text as an address.
func isAddress(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	return ok && rest != "" && strings.TrimSpace(s) == s
}

// choices are the rows, each over the choice that had its id; nil for a row without a title.
func (in QuestionInput) choices(old []Choice, question string) (out []*Choice, bad []fault.Field) {
	taken := []string{question + noneSuffix}
	for _, row := range in.Choices {
		taken = append(taken, row.ID)
	}
	for n, row := range in.Choices {
		if row.Title == "" {
			out = append(out, nil)
			continue
		}
		c := &Choice{}
		if i := slices.IndexFunc(old, func(c Choice) bool { return c.ID == row.ID }); i >= 0 {
			*c = old[i]
		} else {
			c.ID = freeID(strings.TrimPrefix(row.Title, "We "), "choice", taken)
			taken = append(taken, c.ID)
		}
		bad = append(bad, row.judge(n)...)
		c.Title, c.Weight, c.Group, c.None = row.Title, row.Weight, "", isNone(c.ID, row.Title)
		c.Why, c.Good, c.FirstStep, c.Lineage = row.Why, row.Good, Step{row.FirstStep, row.StepURL}, row.Lineage
		switch {
		case c.None:
			c.Weight = ""
		case row.Weight == WeightAlternative:
			c.Group = cmp.Or(row.Group, "a")
		}
		out = append(out, c)
	}
	return out, bad
}

// judge finds what is wrong with the row numbered n.
func (row ChoiceInput) judge(n int) (bad []fault.Field) {
	at := func(name string) string { return fmt.Sprintf("%s_%d", name, n) }
	bad = needText(bad, at("choice"), row.Title, "", maxTitle)
	bad = fitText(bad, at("step"), row.FirstStep, maxText)
	bad = fitText(bad, at("why"), row.Why, maxText)
	bad = fitText(bad, at("good"), row.Good, maxText)
	bad = fitList(bad, at("practices"), row.Lineage, maxTitle)
	switch {
	case row.StepURL == "":
	case !isAddress(row.StepURL):
		bad = append(bad, fault.Field{Name: at("url"), Message: "Write a whole address that starts with http:// or https://."})
	default:
		bad = fitText(bad, at("url"), row.StepURL, maxText)
	}
	return bad
}

// writtenRules reads rules that are written out.
func writtenRules(text string) (rules []Rule, bad []fault.Field) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		risk, condition, ok := strings.Cut(line, ":")
		r := Rule{Risk: Risk(strings.TrimSpace(risk)), Condition: strings.TrimSpace(condition)}
		if !ok || r.Condition == "" || r.Risk != RiskNone && r.Risk != RiskMedium && r.Risk != RiskHigh {
			bad = append(bad, fault.Field{Name: "rules", Message: "Write each rule as a risk, a colon and a condition, such as none: backup && restore. The risks are none, medium and high."})
			return nil, bad
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// MoveChoice moves a row of the form one place up or down, and the checks that speak for it
// by its number with it.
func (in *QuestionInput) MoveChoice(at int, up bool) {
	other := at + 1
	if up {
		other = at - 1
	}
	if at < 0 || other < 0 || max(at, other) >= len(in.Choices) {
		return
	}
	swap(in.Choices, at, up)
	for i, c := range in.Checks {
		switch c.Choice {
		case RowRef(at):
			in.Checks[i].Choice = RowRef(other)
		case RowRef(other):
			in.Checks[i].Choice = RowRef(at)
		}
	}
}
