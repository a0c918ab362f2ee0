package questionnaire

import (
	"fmt"
	"slices"

	"orrery/internal/fault"
)

// SectionInput is what a form says of a section.
type SectionInput struct{ Name, Description string }

// Section returns the section with the id.
func (q *Questionnaire) Section(id string) (*Section, bool) {
	i := slices.IndexFunc(q.Sections, func(s Section) bool { return s.ID == id })
	if i < 0 {
		return nil, false
	}
	return &q.Sections[i], true
}

func noSection() error { return fault.New(fault.NotFound, "There is no such section in the draft.") }

// Apply returns the edit that names the section with the id anew; the id stays. Fields:
// name, description.
func (in SectionInput) Apply(id string) Edit {
	return func(q *Questionnaire) error {
		s, ok := q.Section(id)
		if !ok {
			return noSection()
		}
		bad := needText(nil, "name", in.Name, "Give the section a name.", maxTitle)
		if bad = fitText(bad, "description", in.Description, maxText); len(bad) > 0 {
			return fault.InvalidFields(bad...)
		}
		s.Name, s.Description = in.Name, in.Description
		return nil
	}
}

// MoveSection returns the edit that moves a section one place up or down. At the end of the
// set it stays where it is.
func MoveSection(id string, up bool) Edit {
	return func(q *Questionnaire) error {
		i := slices.IndexFunc(q.Sections, func(s Section) bool { return s.ID == id })
		if i < 0 {
			return noSection()
		}
		swap(q.Sections, i, up)
		return nil
	}
}

// CopyQuestion returns the edit that puts a question of another set at the end of a
// section. Its id is kept where the draft has none like it. Field: section.
func CopyQuestion(from *Question, section string) Edit {
	return func(q *Questionnaire) error {
		s, ok := q.Section(section)
		if !ok {
			return fault.InvalidField("section", "Choose a section from the list.")
		}
		if len(s.Questions) >= maxQuestions {
			return fault.InvalidField("section", "A section has at most %d questions. Choose another.", maxQuestions)
		}
		c := *from
		c.Section = section
		if c.Weighted {
			c.Rules = nil // made from the weights anew
		}
		if n := len(c.Choices); c.Weighted && n > 0 && generatedNone(from, &c.Choices[n-1]) {
			c.Choices = c.Choices[:n-1] // it is made again, under the id that the copy gets
		}
		c.ID = freeCopyID(from.ID, append(allQuestionIDs(q), "new"))
		c.Checks = slices.Clone(from.Checks)
		for i := range c.Checks {
			if c.Checks[i].Choice == from.ID+noneSuffix {
				c.Checks[i].Choice = c.ID + noneSuffix
			}
		}
		s.Questions = append(s.Questions, c)
		return nil
	}
}

// freeCopyID is the id, or the id with a number where it is taken. It leaves room for the
// suffix of none-of-these.
func freeCopyID(id string, taken []string) string {
	base := id[:min(len(id), maxOwnID-len(noneSuffix)-3)]
	if len(id) <= maxOwnID-len(noneSuffix) {
		base = id
	}
	free := base
	for n := 2; slices.Contains(taken, free); n++ {
		free = fmt.Sprintf("%s_%d", id[:min(len(id), maxOwnID-len(noneSuffix)-3)], n)
	}
	return free
}
