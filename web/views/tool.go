package views

import (
	"strings"

	"orrery/internal/questionnaire"
	"orrery/internal/review"
)

// ToolPage is what taking answers from the Well-Architected Tool would do.
type ToolPage struct {
	review.ToolDraft
	MayTake bool
	Problem string // why they were not taken
}

// toolGroup is the questions that meet the same.
type toolGroup struct {
	ID, Title, Meaning string
	Lines              []review.ToolLine
}

// groups are the questions that the tool says something to, those that get a draft first.
func (t ToolPage) groups() (list []toolGroup) {
	for _, g := range []toolGroup{
		{"drafts", "Get a draft", "The ticks are taken, to be confirmed. Notes and not-applicable marks are not: they stand beside the question.", t.Drafts},
		{"by-hand", "Answer by hand", "The tool has an answer that no draft can hold, such as \"not applicable\". It stands beside the question.", t.ByHand},
		{"left", "Stay as they are", "They are answered here, or wait to be confirmed. Nothing is overwritten.", t.Left},
	} {
		if len(g.Lines) > 0 {
			list = append(list, g)
		}
	}
	return list
}

// sum says in one sentence what would happen.
func (t ToolPage) sum() string {
	words := counted(len(t.Drafts), "question gets a draft", "questions get a draft") + ", " +
		counted(len(t.Left), "already has an answer and is left alone", "already have an answer and are left alone") + ", "
	if n := len(t.ByHand); n > 0 {
		words += counted(n, "is to be answered by hand", "are to be answered by hand") + ", "
	}
	return words + counted(t.Without, "has no counterpart with an answer there.", "have no counterpart with an answer there.")
}

// ticksWords names the choices of a draft.
func ticksWords(l review.ToolLine) string {
	if len(l.Ticks) == 0 {
		return ""
	}
	titles := make([]string, len(l.Ticks))
	for i, id := range l.Ticks {
		titles[i] = choiceTitle(l.Question, id)
	}
	return strings.Join(titles, " ")
}

// toolTitles are the titles of our choices with the ids.
func toolTitles(q *questionnaire.Question, ids []string) (list []string) {
	for _, id := range ids {
		list = append(list, choiceTitle(q, id))
	}
	return list
}

// apart are the titles of choices that are ticked there and not asked here; unasked those that
// do not apply there.
func apart(t review.ToolSaying) (list []string) {
	for _, c := range t.Apart {
		list = append(list, orElse(c.Title, c.ID))
	}
	return list
}

func unasked(t review.ToolSaying) (list []string) {
	for _, c := range t.Choices {
		if c.NotApplicable() {
			list = append(list, orElse(c.Title, c.ID))
		}
	}
	return list
}

// toolReason is a reason of the tool in words: OUT_OF_SCOPE, BUSINESS_PRIORITIES and the like.
func toolReason(reason string) string {
	if reason == "" || reason == "NONE" {
		return "no reason is given"
	}
	return strings.ToLower(strings.ReplaceAll(reason, "_", " "))
}

// toConfirmMeta says where answers to confirm come from.
func toConfirmMeta(h ReviewHome) string {
	carried, drafted := false, false
	for _, s := range h.ToConfirm {
		for _, e := range s.Entries {
			if e.Answer.Drafted.From != "" {
				drafted = true
			} else {
				carried = true
			}
		}
	}
	switch {
	case carried && drafted:
		return "Carried from before, or taken from the Well-Architected Tool."
	case drafted:
		return "Taken from the Well-Architected Tool."
	}
	return "Carried from before."
}
