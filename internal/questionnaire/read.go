package questionnaire

import "strings"

// Totals count what a set holds.
type Totals struct {
	Questions, Choices int // choices without none-of-these
	CorePath           int // questions on the core path
	Checked            int // questions with evidence checks
	Checks             int
}

// Totals counts the questions of the set.
func (q *Questionnaire) Totals() Totals {
	t := Totals{Questions: len(q.list)}
	for _, question := range q.list {
		t.Choices += question.practices()
		t.Checks += len(question.Checks)
		if question.CorePath {
			t.CorePath++
		}
		if len(question.Checks) > 0 {
			t.Checked++
		}
	}
	return t
}

// MinutesFor is how long so many of the set's questions take, 0 when the set does not say.
func (q *Questionnaire) MinutesFor(questions int) int {
	if len(q.list) == 0 {
		return 0
	}
	return q.Minutes * questions / len(q.list)
}

// Ladder returns the rules of the question in words, best risk first.
func (q *Question) Ladder() []Rung { return q.rungs() }

// Filter narrows the questions of a set. The zero Filter keeps all.
type Filter struct {
	Text     string // in any of the texts and ids, whatever the case; each word must occur
	Phase    Phase
	CorePath bool // only questions on the core path
	Checked  bool // only questions with evidence checks
}

// Keep returns the questions of a section that the filter keeps.
func (f Filter) Keep(s *Section) []*Question {
	words := strings.Fields(strings.ToLower(f.Text))
	var out []*Question
	for i := range s.Questions {
		q := &s.Questions[i]
		if f.Phase != "" && q.Phase != f.Phase || f.CorePath && !q.CorePath || f.Checked && len(q.Checks) == 0 {
			continue
		}
		if q.mentions(words) {
			out = append(out, q)
		}
	}
	return out
}

// mentions reports whether each word, in lower case, occurs in the question.
func (q *Question) mentions(words []string) bool {
	if len(words) == 0 {
		return true
	}
	var b strings.Builder
	add := func(texts ...string) {
		for _, text := range texts {
			b.WriteString(text)
			b.WriteByte('\n')
		}
	}
	add(q.ID, q.Title, q.Description, q.Why, q.Good, q.NotApplicableWhen)
	add(q.Bring...)
	add(q.Tags...)
	add(q.Lineage...)
	for i := range q.Choices {
		c := &q.Choices[i]
		add(c.ID, c.Title, c.Why, c.Good, c.FirstStep.Text)
		add(c.Lineage...)
	}
	for _, c := range q.Checks {
		add(c.Key, c.Claim)
	}
	text := strings.ToLower(b.String())
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
