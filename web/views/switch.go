package views

import "orrery/internal/questionnaire"

// SwitchPage is the form that switches a question off; Off is set while it is.
type SwitchPage struct {
	Set      *questionnaire.Questionnaire
	Question *questionnaire.Question
	Off      *questionnaire.SwitchedOff
	Reason   string
	ReviewOn string
}

func switchPath(key, question, to string) string {
	return "/questionnaires/" + key + "/q/" + question + "/" + to
}

// offQuestion is a question of the page of a set, whether it is switched off, and its marks.
type offQuestion struct {
	*questionnaire.Question
	Off       *questionnaire.SwitchedOff
	MaySwitch bool
	Version   string              // of the page
	Own       *questionnaire.Mark // the reader's open mark
	Marks     questionnaire.MarkCount
}

// state tells whether the question is off, and whether the reader may switch it.
func (p QuestionnairePage) state(q *questionnaire.Question) *offQuestion {
	s := &offQuestion{Question: q, MaySwitch: p.MayCurate && p.newest() && p.Origin == questionnaire.Shipped}
	s.Version, s.Marks = p.Version.Version, p.MarkCounts[q.ID]
	if own, ok := p.OwnMarks[q.ID]; ok {
		s.Own = &own
	}
	if off, ok := p.Off[q.ID]; ok {
		s.Off = &off
	}
	return s
}
