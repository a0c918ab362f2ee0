package questionnaire

import (
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

// Newest returns the id of the last question of a section, which a new one becomes.
func (d Draft) Newest(section string) string {
	for i := range d.Set.Sections {
		if s := &d.Set.Sections[i]; s.ID == section && len(s.Questions) > 0 {
			return s.Questions[len(s.Questions)-1].ID
		}
	}
	return ""
}
