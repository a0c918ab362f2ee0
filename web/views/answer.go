package views

import (
	"slices"
	"time"

	"orrery/internal/evidence"
	"orrery/internal/incident"
	"orrery/internal/review"
	"orrery/web/views/ui"
)

// QuestionForm is the form of an answer as it stands on the page.
type QuestionForm struct {
	review.AnswerInput
	Errors    ui.FieldErrors
	Conflict  *review.Answer // what somebody else saved meanwhile
	ReadOnly  bool
	WhyNot    string // why the form is read-only
	CanAsk    bool   // the reader may ask for the risk to be accepted
	Warn      bool   // saving makes this possible approver an author
	Talk      TalkPage
	Lessons   []incident.Lesson // that the question came from
	Now       time.Time
	Prefix    string      // before each id, where several forms stand on a page
	Back      string      // where saving leads; empty: the question's own page
	Person    string      // who writes: drafts in the browser are kept apart by it
	Keys      bool        // single keys act on the page
	People    []ui.Option // who may be asked to answer; empty: the reader may not ask
	OnSection bool        // the form stands on the page of its section

	FromEvidence []string // choices that evidence supports, ticked but not saved
}

// Ticked reports whether the choice is ticked in the form.
func (f QuestionForm) Ticked(id string) bool { return slices.Contains(f.Chosen, id) }

// NAReason returns the reason typed for a choice that does not apply.
func (f QuestionForm) NAReason(id string) string {
	for i, c := range f.NAChoices {
		if c == id && i < len(f.NAReasons) {
			return f.NAReasons[i]
		}
	}
	return ""
}

// id is the id of the field with the name.
func (f QuestionForm) id(name string) string { return ui.FieldID(f.Prefix + name) }

// Draft names what the browser keeps of the form until it is saved.
func (f QuestionForm) Draft(q review.QuestionPage) string {
	return f.Person + "/" + q.ID.String() + "/" + q.Entry.Key()
}

// hold says why the form does not save itself; empty when it does.
func (f QuestionForm) hold() string {
	switch {
	case f.Conflict != nil:
		return "conflict"
	case f.Warn:
		return "author"
	}
	return ""
}

// evidence is the page that the evidence stands on; empty when it is this one.
func (f QuestionForm) evidence(q review.QuestionPage) string {
	if f.OnSection {
		return alone(q)
	}
	return ""
}

// alone is the address of a question's own page, also for who likes sections on one page.
func alone(q review.QuestionPage) string { return q.QuestionPath(q.Entry) + "?view=one" }

// differs says beside a choice what the other person ticked, where the two differ.
func (f QuestionForm) differs(id string) string {
	if f.Conflict == nil || f.Conflict.Has(id) == f.Ticked(id) {
		return ""
	}
	if f.Conflict.Has(id) {
		return "ticked by " + f.otherAuthor()
	}
	return "not ticked by " + f.otherAuthor()
}

// otherAuthor names who saved the other version, which may be the reader in another window.
func (f QuestionForm) otherAuthor() string {
	if f.ownConflict() {
		return "you"
	}
	return f.Conflict.SavedBy
}

func (f QuestionForm) ownConflict() bool { return SavedByReader(*f.Conflict, f.Person) }

// SavedByReader reports whether a stored answer is the reader's own.
func SavedByReader(a review.Answer, reader string) bool {
	return a.SavedByID != nil && a.SavedByID.String() == reader
}

// riskLabel names the risk panel by its heading, and where there are several by the question.
func riskLabel(prefix string) string {
	if prefix == "" {
		return "risk-h"
	}
	return prefix + "risk-h " + prefix + "h"
}

// theirsMeta says when the other version was saved.
func theirsMeta(f QuestionForm) string {
	words := "version " + itoa(f.Conflict.Version)
	if f.Conflict.SavedAt != nil {
		words = f.Conflict.SavedAt.UTC().Format("2 January, 15:04") + " UTC, " + words
	}
	return words
}

// SavedWords is what a save state says of a stored answer.
func SavedWords(a review.Answer) string {
	if a.SavedAt == nil {
		return "Not answered yet"
	}
	return "Saved at " + a.SavedAt.UTC().Format("15:04") + " by " + a.SavedBy
}

// SectionView is a section on one page: a form for each question.
type SectionView struct {
	review.SectionPage
	Questions []SectionQuestion
	Keys      bool
	Warn      bool // saving makes this possible approver an author
}

// SectionQuestion is one question of a SectionView with its form.
type SectionQuestion struct {
	Page review.QuestionPage
	Form QuestionForm
}

// open reports whether the question is unfolded when the page comes: it waits for somebody.
func (s SectionQuestion) open() bool {
	return !s.Page.Entry.Answered() || s.Form.ReadOnly || s.Page.Entry.Contradicted()
}

// verdicts counts what the evidence says to the question, worst first.
func verdicts(list []review.Proof) []line {
	count := map[evidence.State]int{}
	for _, p := range list {
		if p.Read {
			count[p.State]++
		}
	}
	var lines []line
	for _, state := range []evidence.State{evidence.Contradicts, evidence.Mixed, evidence.Stale, evidence.CannotTell, evidence.Supports} {
		if n := count[state]; n > 0 {
			lines = append(lines, line{state: string(state), words: proofWords[state] + ", " + counted(n, "check", "checks")})
		}
	}
	return lines
}

// assigneeWords says who should answer.
func assigneeWords(a review.Assignee) string {
	if a.Name == "" {
		return "Nobody is asked to answer this."
	}
	return a.Name + " is asked to answer this."
}

func assigneeValue(a review.Assignee) string {
	if a.Name == "" {
		return ""
	}
	return a.ID.String()
}

// keyHelp lists what keys do on pages of questions.
var keyHelp = []struct{ key, does string }{
	{"j", "next question"}, {"k", "previous question"}, {"1 to 9", "tick the first to the ninth choice, or take the tick away"},
	{"u", "do not know"}, {"n", "write notes"}, {"c", "write a comment"}, {"?", "this help"}, {"Ctrl + Enter", "save and go to the next question, also while writing"},
}

func sectionPlace(s SectionView) string {
	n := len(s.Questions)
	if n == 1 {
		return "Question " + itoa(s.Place) + " of " + itoa(s.Of) + "."
	}
	return "Questions " + itoa(s.Place) + " to " + itoa(s.Place+n-1) + " of " + itoa(s.Of) + "."
}

// Asked says what became of an assignment.
func Asked(n int, somebody bool) string {
	if somebody {
		return counted(n, "question has", "questions have") + " somebody to answer now."
	}
	return counted(n, "question is", "questions are") + " nobody's to answer now."
}
