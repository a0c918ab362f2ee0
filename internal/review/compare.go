package review

import (
	"slices"
	"strconv"
	"strings"

	"orrery/internal/questionnaire"
	"orrery/internal/text"
)

// Comparison is what changed from one round to another: sections and questions in the order
// of the later round, what is gone after them. What is the same is left out.
type Comparison struct {
	Improved int // questions asked in both, by risk
	Worse    int
	Answered int          // questions that nobody had answered before
	New      int          // questions that only the later round asks
	Gone     int          // questions that only the earlier round asks
	Edited   int          // questions with another answer, evidence or wording and the same risk
	Frame    []TextChange // of the workload and of what is asked
	Sections []SectionChange
}

// Empty reports whether nothing changed.
func (c Comparison) Empty() bool { return len(c.Frame)+len(c.Sections) == 0 }

// Sentence sums the comparison up: "2 improved, 1 worse, 1 new question."
func (c Comparison) Sentence() string {
	if c.Empty() {
		return "Nothing changed."
	}
	var parts []string
	add := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+plural(n, one, many))
		}
	}
	add(c.Improved, "improved", "improved")
	add(c.Worse, "worse", "worse")
	add(c.Answered, "newly answered", "newly answered")
	add(c.New, "new question", "new questions")
	add(c.Gone, "question gone", "questions gone")
	add(c.Edited, "changed with the same risk", "changed with the same risk")
	if len(parts) == 0 {
		return "No answer changed, only what stands around them."
	}
	return strings.Join(parts, ", ") + "."
}

// SectionChange is a section in which something changed.
type SectionChange struct {
	Questionnaire string
	ID            string
	Name          string
	Was           string // its earlier name, when it has another
	Questions     []QuestionChange
}

// How the risk of a question moved.
const (
	Improved = "improved"
	Worse    = "worse"
	Answered = "answered" // nobody had answered it before
	New      = "new"
	Gone     = "gone"
)

// QuestionChange is a question of which something changed.
type QuestionChange struct {
	Key        string // Entry.Key
	Title      string
	Move       string   // Improved, Worse, Answered, New, Gone; empty when the risk weighs the same
	RiskBefore string   // empty for a new question
	Risk       string   // empty for one that is gone
	MovedFrom  string   // the name of the section it was in, when it is in another
	Ticked     []string // titles of choices that are ticked now and were not
	Unticked   []string
	Answer     []TextChange // what was said instead of ticks, and the notes
	Evidence   []EvidenceChange
	Asked      []TextChange // the words of the question and its choices
}

// TextChange is a text that changed, word by word.
type TextChange struct {
	What   string // "Notes", "Title of choice X"
	Pieces []text.Piece
}

// EvidenceChange is a check that says something else. A verdict is empty when the check was
// not there.
type EvidenceChange struct {
	Check   string
	Claim   string
	Before  string
	Now     string
	Against bool // it stands against the answer now
}

// CompareRounds returns what changed from the earlier round to the later one. Questions are
// matched by questionnaire and id, choices and checks by id within their question, so a
// question that moved to another section stays the same question. White space, who saved an
// answer, when evidence was read and how many resources it counted are no change.
func CompareRounds(earlier, later Snapshot) Comparison {
	c := Comparison{Frame: frameChanges(earlier, later)}
	before, after := placed(earlier), placed(later)
	for _, s := range later.Sections {
		change := SectionChange{Questionnaire: s.Questionnaire, ID: s.ID, Name: s.Name}
		if was, ok := sectionNamed(earlier, s); ok && was != s.Name {
			change.Was = was
		}
		for i := range s.Questions {
			old, asked := before[s.Questionnaire+"/"+s.Questions[i].ID]
			q, changed := compareQuestion(old, place{s, &s.Questions[i]}, asked)
			if accepted := acceptanceChange(earlier, later, q.Key); len(accepted) > 0 && asked {
				q.Answer, changed = append(q.Answer, accepted...), true
			}
			if changed {
				change.Questions = append(change.Questions, q)
			}
		}
		c.add(change)
	}
	for _, s := range earlier.Sections {
		change := SectionChange{Questionnaire: s.Questionnaire, ID: s.ID, Name: s.Name}
		for _, q := range s.Questions {
			if _, still := after[s.Questionnaire+"/"+q.ID]; !still {
				change.Questions = append(change.Questions, QuestionChange{Key: s.Questionnaire + "/" + q.ID, Title: q.Title, Move: Gone, RiskBefore: q.Risk})
			}
		}
		c.add(change)
	}
	return c
}

// add keeps a section in which something changed, what is gone with the rest of it, and
// counts.
func (c *Comparison) add(s SectionChange) {
	for _, q := range s.Questions {
		switch q.Move {
		case Improved:
			c.Improved++
		case Worse:
			c.Worse++
		case Answered:
			c.Answered++
		case New:
			c.New++
		case Gone:
			c.Gone++
		default:
			c.Edited++
		}
	}
	if len(s.Questions) == 0 && s.Was == "" {
		return
	}
	at := slices.IndexFunc(c.Sections, func(o SectionChange) bool { return o.Questionnaire == s.Questionnaire && o.ID == s.ID })
	if at < 0 {
		c.Sections = append(c.Sections, s)
		return
	}
	c.Sections[at].Questions = append(c.Sections[at].Questions, s.Questions...)
}

// place is a question with the section it stands in.
type place struct {
	section  SnapshotSection
	question *SnapshotQuestion
}

func placed(s Snapshot) map[string]place {
	all := map[string]place{}
	for _, section := range s.Sections {
		for i := range section.Questions {
			all[section.Questionnaire+"/"+section.Questions[i].ID] = place{section, &section.Questions[i]}
		}
	}
	return all
}

// sectionNamed returns the name a section had.
func sectionNamed(s Snapshot, like SnapshotSection) (string, bool) {
	for _, o := range s.Sections {
		if o.Questionnaire == like.Questionnaire && o.ID == like.ID {
			return o.Name, true
		}
	}
	return "", false
}

// compareQuestion compares a question with what it was, and says whether it changed.
func compareQuestion(was, is place, asked bool) (QuestionChange, bool) {
	q := is.question
	c := QuestionChange{Key: is.section.Questionnaire + "/" + q.ID, Title: q.Title, Risk: q.Risk}
	if !asked {
		c.Move = New
		return c, true
	}
	old := was.question
	c.RiskBefore, c.Move = old.Risk, moved(old.Risk, q.Risk)
	if was.section.ID != is.section.ID {
		c.MovedFrom = was.section.Name
	}
	c.Ticked, c.Unticked = ticks(old, q), ticks(q, old)
	c.Answer, c.Evidence, c.Asked = answerChanges(old, q), evidenceChanges(old, q), wordChanges(old, q)
	changed := old.Risk != q.Risk || c.MovedFrom != "" || len(c.Ticked)+len(c.Unticked)+len(c.Answer)+len(c.Evidence)+len(c.Asked) > 0
	return c, changed
}

// weight orders the risks. A question that nobody answered has none.
func weight(risk string) (n int, ok bool) {
	switch r := questionnaire.Risk(risk); {
	case r.CountsAsHigh():
		return 2, true
	case r == questionnaire.RiskMedium:
		return 1, true
	case r == questionnaire.RiskUnanswered:
		return 0, false
	}
	return 0, true
}

func moved(before, now string) string {
	was, had := weight(before)
	is, has := weight(now)
	switch {
	case !had && has:
		return Answered
	case had && !has, is > was:
		return Worse
	case is < was:
		return Improved
	}
	return ""
}

// ticks lists the titles of choices that are ticked in q and not in old.
func ticks(old, q *SnapshotQuestion) []string {
	var list []string
	for _, c := range q.Choices {
		if c.Chosen && !choiceOf(old, c.ID).Chosen {
			list = append(list, c.Title)
		}
	}
	return list
}

// choiceOf returns the choice with the id, or the zero choice.
func choiceOf(q *SnapshotQuestion, id string) SnapshotChoice {
	for _, c := range q.Choices {
		if c.ID == id {
			return c
		}
	}
	return SnapshotChoice{}
}
