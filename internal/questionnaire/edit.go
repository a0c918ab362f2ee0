package questionnaire

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"orrery/internal/fault"
)

// Edit changes a set that is being written. It returns an Invalid fault, with a message
// per field, and changes nothing, when the input breaks a rule of the form. What makes a
// set publishable is judged when it is published: a draft may be incomplete.
type Edit func(*Questionnaire) error

// SetInput is what a form says of the set as a whole.
type SetInput struct {
	Name, Description string
	Minutes           int
}

// Apply returns the edit. Fields: name, description, minutes.
func (in SetInput) Apply() Edit {
	return func(q *Questionnaire) error {
		var bad []fault.Field
		bad = needText(bad, "name", in.Name, "Give the set a name.", maxTitle)
		bad = fitText(bad, "description", in.Description, maxText)
		if in.Minutes < 0 || in.Minutes > 10_000 {
			bad = append(bad, fault.Field{Name: "minutes", Message: "Say how many minutes answering takes, or leave it empty."})
		}
		if len(bad) == 0 {
			q.Name, q.Description, q.Minutes = in.Name, in.Description, in.Minutes
		}
		return fault.InvalidFields(bad...)
	}
}

// AddSection returns the edit that adds an empty section at the end. Field: section.
func AddSection(name string) Edit {
	return func(q *Questionnaire) error {
		if bad := needText(nil, "section", name, "Give the section a name.", maxTitle); len(bad) > 0 {
			return fault.InvalidFields(bad...)
		}
		taken := sectionIDs(q)
		q.Sections = append(q.Sections, Section{ID: freeID(name, "section", taken), Name: name})
		return nil
	}
}

// RemoveSection returns the edit that removes a section without questions.
func RemoveSection(id string) Edit {
	return func(q *Questionnaire) error {
		i := slices.IndexFunc(q.Sections, func(s Section) bool { return s.ID == id })
		if i < 0 {
			return fault.New(fault.NotFound, "There is no such section.")
		}
		if len(q.Sections[i].Questions) > 0 {
			return fault.New(fault.Invalid, "A section with questions is not removed. Move or remove its questions first.")
		}
		q.Sections = slices.Delete(q.Sections, i, i+1)
		return nil
	}
}

// find returns the places of a question, -1 when it is not there.
func (q *Questionnaire) find(id string) (section, question int) {
	for i := range q.Sections {
		for j := range q.Sections[i].Questions {
			if q.Sections[i].Questions[j].ID == id {
				return i, j
			}
		}
	}
	return -1, -1
}

func noQuestion() error { return fault.New(fault.NotFound, "There is no such question in the draft.") }

// RemoveQuestion returns the edit that takes a question out.
func RemoveQuestion(id string) Edit {
	return func(q *Questionnaire) error {
		i, j := q.find(id)
		if i < 0 {
			return noQuestion()
		}
		q.Sections[i].Questions = slices.Delete(q.Sections[i].Questions, j, j+1)
		return nil
	}
}

// MoveQuestion returns the edit that moves a question one place up or down in its section.
// At the end of the section it stays where it is.
func MoveQuestion(id string, up bool) Edit {
	return func(q *Questionnaire) error {
		i, j := q.find(id)
		if i < 0 {
			return noQuestion()
		}
		swap(q.Sections[i].Questions, j, up)
		return nil
	}
}

// swap moves the member one place up or down.
func swap[T any](list []T, at int, up bool) {
	other := at + 1
	if up {
		other = at - 1
	}
	if other >= 0 && other < len(list) {
		list[at], list[other] = list[other], list[at]
	}
}

// ChoiceInput is one row of a question's form. A row without a title is left out.
type ChoiceInput struct {
	ID        string // of a choice that was there; empty for a new one, which gets an id from its title
	Title     string
	Weight    Weight
	Group     string
	FirstStep string
}

// QuestionInput is what a form says of a question. What it does not show (lineage, links,
// tags, tiers, evidence checks) stays as it was.
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
	Choices           []ChoiceInput
	Rules             string // written out, one "risk: condition" on a line; empty: from the weights
}

// InputOf is the form of a question as it stands.
func InputOf(q *Question) QuestionInput {
	in := QuestionInput{
		ID: q.ID, Section: q.Section, Title: q.Title, Description: q.Description, Why: q.Why, Good: q.Good,
		NotApplicableWhen: q.NotApplicableWhen, Bring: q.Bring, Phase: q.Phase, CorePath: q.CorePath, MaxRisk: q.MaxRisk,
	}
	for i := range q.Choices {
		if c := &q.Choices[i]; !q.Weighted || !c.None || c.Title != noneTitle {
			in.Choices = append(in.Choices, ChoiceInput{ID: c.ID, Title: c.Title, Weight: c.Weight, Group: c.Group, FirstStep: c.FirstStep.Text})
		}
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
// its id, or at the end of its section. Fields: title, section, phase, max_risk, choices,
// rules, and the texts by their names.
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
	old := out.Choices
	if out.ID = in.ID; out.ID == "" {
		var taken []string
		for i := range q.Sections {
			taken = append(taken, questionIDs(&q.Sections[i])...)
		}
		out.ID = freeID(in.Title, "question", append(taken, "new"))
	}
	out.Section, out.Title, out.Description, out.Why, out.Good = in.Section, in.Title, in.Description, in.Why, in.Good
	out.NotApplicableWhen, out.Bring, out.Phase, out.CorePath, out.MaxRisk = in.NotApplicableWhen, in.Bring, in.Phase, in.CorePath, in.MaxRisk
	var wrong []fault.Field
	if out.Choices, wrong = in.choices(old, out.ID); len(wrong) > 0 {
		bad = append(bad, wrong...)
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
	out.Checks = slices.DeleteFunc(slices.Clone(out.Checks), func(c Check) bool {
		return !slices.ContainsFunc(out.Choices, func(choice Choice) bool { return choice.ID == c.Choice })
	})
	return out, bad
}

// choices are the rows that have a title, each over the choice that had its id.
func (in QuestionInput) choices(old []Choice, question string) (out []Choice, bad []fault.Field) {
	taken := []string{question + noneSuffix}
	for _, row := range in.Choices {
		taken = append(taken, row.ID)
	}
	for n, row := range in.Choices {
		if row.Title == "" {
			continue
		}
		var c Choice
		if i := slices.IndexFunc(old, func(c Choice) bool { return c.ID == row.ID }); i >= 0 {
			c = old[i]
		} else {
			c.ID = freeID(strings.TrimPrefix(row.Title, "We "), "choice", taken)
			taken = append(taken, c.ID)
		}
		name := fmt.Sprintf("choice_%d", n)
		bad = needText(bad, name, row.Title, "", maxTitle)
		bad = fitText(bad, fmt.Sprintf("step_%d", n), row.FirstStep, maxText)
		c.Title, c.Weight, c.Group, c.FirstStep.Text, c.None = row.Title, row.Weight, "", row.FirstStep, isNone(c.ID, row.Title)
		switch {
		case c.None:
			c.Weight = ""
		case row.Weight == WeightAlternative:
			c.Group = cmp.Or(row.Group, "a")
		}
		out = append(out, c)
	}
	if len(out) > maxChoices-1 {
		bad = append(bad, fault.Field{Name: "choice_0", Message: fmt.Sprintf("A question has at most %d choices beside none of these.", maxChoices-1)})
	}
	return out, bad
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

var notInID = regexp.MustCompile(`[^a-z0-9]+`)

// freeID makes an id of the first words of a text, or of otherwise, that is not taken.
func freeID(text, otherwise string, taken []string) string {
	words := strings.FieldsFunc(notInID.ReplaceAllString(strings.ToLower(text), " "), func(r rune) bool { return r == ' ' })
	base := strings.Join(words[:min(len(words), 5)], "_")
	base = strings.TrimSuffix(base[:min(len(base), 48)], noneSuffix)
	if base = strings.Trim(base, "_"); len(base) < 3 {
		base = otherwise
	}
	id := base
	for n := 2; slices.Contains(taken, id); n++ {
		id = fmt.Sprintf("%s_%d", base, n)
	}
	return id
}

func needText(bad []fault.Field, name, value, missing string, most int) []fault.Field {
	if value == "" {
		return append(bad, fault.Field{Name: name, Message: missing})
	}
	return fitText(bad, name, value, most)
}

func fitText(bad []fault.Field, name, value string, most int) []fault.Field {
	if n := utf8.RuneCountInString(value); n > most {
		return append(bad, fault.Field{Name: name, Message: fmt.Sprintf("This has %d characters; at most %d are allowed.", n, most)})
	}
	return bad
}

// MoveChoice moves a row of the form one place up or down.
func (in *QuestionInput) MoveChoice(at int, up bool) {
	if at >= 0 && at < len(in.Choices) {
		swap(in.Choices, at, up)
	}
}

// Newest returns the id of the last question of a section, which a new one becomes.
func (d Draft) Newest(section string) string {
	for i := range d.Set.Sections {
		if s := &d.Set.Sections[i]; s.ID == section && len(s.Questions) > 0 {
			return s.Questions[len(s.Questions)-1].ID
		}
	}
	return ""
}
