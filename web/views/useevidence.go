package views

import "orrery/internal/review"

// UseEvidence adds to a form the choices that evidence supports. Nothing is saved: a person
// confirms the form by saving it.
func (f *QuestionForm) UseEvidence(q review.QuestionPage) {
	supported := q.Entry.Supported()
	if len(supported) == 0 {
		return
	}
	f.FromEvidence = supported
	f.Unknown = false
	f.Chosen = append(append([]string{}, withoutNone(q, f.Chosen)...), supported...)
}

func withoutNone(q review.QuestionPage, chosen []string) (list []string) {
	none, ok := q.Entry.Question.NoneChoice()
	for _, id := range chosen {
		if !ok || id != none.ID {
			list = append(list, id)
		}
	}
	return list
}

// useLink is where the form comes with what evidence supports; empty when it supports
// nothing more, or nothing can be saved.
func (f QuestionForm) useLink(q review.QuestionPage) string {
	if f.ReadOnly || f.OnSection || len(f.FromEvidence) > 0 || len(q.Entry.Supported()) == 0 {
		return ""
	}
	return q.QuestionPath(q.Entry) + "?view=one&use=evidence"
}
