package review

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/discussion"
	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
)

// Sheet is a review with every question that is asked, its answer, and the evidence.
type Sheet struct {
	Review
	Sections []Section
	Talk     discussion.Tally // what is said and brought about the review itself
	entries  []Entry          // all of them; the sections hold parts of it
}

// Section is a section of a questionnaire with the questions that are asked.
type Section struct {
	Questionnaire string // key
	ID            string
	Name          string
	Entries       []Entry
}

// Entry is one question with its answer and the evidence beside it.
type Entry struct {
	Questionnaire string // key
	Question      *questionnaire.Question
	Answer        Answer
	Proofs        []Proof
	Assignee      Assignee            // who should answer it
	SavedHere     bool                // in a later round: saved in it, not only carried on
	Acceptance    remediation.Bearing // see Accepted and AskedToAccept

	discussion.Tally // what people say and bring beside it; filled in a Sheet
}

// Key names the question within the review; it is also the key of its item's cause.
func (e *Entry) Key() string { return e.Questionnaire + "/" + e.Question.ID }

// Answered reports whether somebody answered in this round, be it with "do not know": what
// was carried counts once it is confirmed.
func (e *Entry) Answered() bool {
	return e.Answer.Risk != questionnaire.RiskUnanswered && !e.Answer.ToConfirm
}

// Contradicted reports whether evidence stands against what was ticked.
func (e *Entry) Contradicted() bool {
	return slices.ContainsFunc(e.Proofs, func(p Proof) bool { return p.Against })
}

// Proof is what the evidence says to one check of a question, at the time it was read.
type Proof struct {
	Check   questionnaire.Check
	Verdict evidence.Verdict
	State   evidence.State // the verdict, or stale
	Read    bool           // whether evidence was ever collected for this check
	Against bool           // it stands against a ticked choice
}

// Counts sums up a list of entries.
type Counts struct {
	Questions, Answered, ToConfirm, High, Medium, None, NotApplicable, Contradicted int

	Accepted   int // of High and Medium, those with a running acceptance
	Unaccepted int // of High, those without one
}

// Count sums up the entries.
func Count(entries []Entry) Counts {
	c := Counts{Questions: len(entries)}
	for i := range entries {
		e := &entries[i]
		if e.Answered() {
			c.Answered++
		}
		if e.Answer.ToConfirm {
			c.ToConfirm++
		}
		if e.Contradicted() {
			c.Contradicted++
		}
		accepted := e.Accepted() != nil
		if accepted {
			c.Accepted++
		}
		switch {
		case e.Answer.Risk.CountsAsHigh():
			c.High++
			if !accepted {
				c.Unaccepted++
			}
		case e.Answer.Risk == questionnaire.RiskMedium:
			c.Medium++
		case e.Answer.Risk == questionnaire.RiskNone:
			c.None++
		case e.Answer.Risk == questionnaire.RiskNotApplicable:
			c.NotApplicable++
		}
	}
	return c
}

// Entries lists all questions in their order. The slice is shared: do not change it.
func (s Sheet) Entries() []Entry { return s.entries }

// Highs lists the questions whose answer counts as high.
func (s Sheet) Highs() []Entry {
	var highs []Entry
	for i := range s.entries {
		if s.entries[i].Answer.Risk.CountsAsHigh() {
			highs = append(highs, s.entries[i])
		}
	}
	return highs
}

// Sheet reads a review with all its questions; not found when who may not read it.
func (s *Service) Sheet(ctx context.Context, who identity.Actor, id uuid.UUID) (Sheet, error) {
	r, err := load(ctx, s.db, who, id)
	if err != nil {
		return Sheet{}, err
	}
	return s.sheet(ctx, s.db, r)
}

// sheet completes a loaded review.
func (s *Service) sheet(ctx context.Context, q postgres.Batcher, r Review) (Sheet, error) {
	var answers []Answer
	verdicts, assignees := map[string]evidence.Verdict{}, map[string]Assignee{}
	var savedHere []answerRef
	batch := &pgx.Batch{}
	postgres.Collect(batch, &answers, scanAnswer, answersSQL, r.Round.ID)
	evidence.QueueVerdicts(batch, r.Workload.ID, verdicts)
	queueAssigned(batch, r, assignees)
	queueSavedHere(batch, r, &savedHere)
	var acceptances []remediation.Acceptance
	remediation.QueueAcceptances(batch, r.Workload.ID, &acceptances)
	tallies := map[string]discussion.Tally{}
	discussion.QueueTallies(batch, r.ID, tallies)
	if err := q.SendBatch(ctx, batch).Close(); err != nil {
		return Sheet{}, fmt.Errorf("read answers and verdicts: %w", err)
	}
	sheet := Sheet{Review: r, Talk: tallies[discussion.ReviewTally], entries: make([]Entry, len(answers))}
	now, first := s.now(), 0
	bearings := remediation.Bearings(acceptances, now)
	for i, a := range answers {
		e, section, err := s.entry(ctx, q, r, a, verdicts, now)
		if err != nil {
			return Sheet{}, err
		}
		e.Assignee = assignees[e.Key()]
		e.SavedHere = slices.Contains(savedHere, answerRef{a.VersionID, a.QuestionID})
		e.Acceptance = bearings[e.Key()]
		e.Tally = tallies[e.Key()]
		sheet.entries[i] = e
		if n := len(sheet.Sections); n == 0 || sheet.Sections[n-1].Questionnaire != e.Questionnaire || sheet.Sections[n-1].ID != section.ID {
			sheet.Sections = append(sheet.Sections, Section{Questionnaire: e.Questionnaire, ID: section.ID, Name: section.Name})
			first = i
		}
		sheet.Sections[len(sheet.Sections)-1].Entries = sheet.entries[first : i+1]
	}
	return sheet, nil
}

// entry joins an answer with its pinned question and the evidence.
func (s *Service) entry(ctx context.Context, q postgres.Querier, r Review, a Answer, verdicts map[string]evidence.Verdict, now time.Time) (Entry, *questionnaire.Section, error) {
	set, err := s.library.Version(ctx, q, a.VersionID)
	if err != nil {
		return Entry{}, nil, err
	}
	question, ok := set.Question(a.QuestionID)
	if !ok {
		return Entry{}, nil, fault.New(fault.Internal, "The question %s is missing from its version.", a.QuestionID)
	}
	section := sectionOf(set, question.Section)
	e := Entry{Questionnaire: r.pinOf(a.VersionID).Key, Question: question, Answer: a}
	e.Proofs = proofs(question, a, verdicts, now)
	return e, section, nil
}

func sectionOf(q *questionnaire.Questionnaire, id string) *questionnaire.Section {
	for i := range q.Sections {
		if q.Sections[i].ID == id {
			return &q.Sections[i]
		}
	}
	return &questionnaire.Section{ID: id, Name: id}
}

// proofs puts each check of the question beside what was found.
func proofs(q *questionnaire.Question, a Answer, verdicts map[string]evidence.Verdict, now time.Time) []Proof {
	if len(q.Checks) == 0 {
		return nil
	}
	list := make([]Proof, 0, len(q.Checks))
	for _, c := range q.Checks {
		v, read := verdicts[c.Digest()]
		p := Proof{Check: c, Verdict: v, Read: read, State: evidence.CannotTell}
		if read {
			p.State = v.At(now, c.MaxAge)
		}
		p.Against = a.Has(c.Choice) && !a.NotApplicable && (p.State == evidence.Contradicts || p.State == evidence.Mixed)
		list = append(list, p)
	}
	return list
}

// Challenged lists the questions with a challenge that is not resolved.
func (s Sheet) Challenged() []Entry {
	var list []Entry
	for i := range s.entries {
		if s.entries[i].OpenChallenges > 0 {
			list = append(list, s.entries[i])
		}
	}
	return list
}

// Blocker is one thing that must be mended before submission.
type Blocker struct {
	Text      string
	Path      string // where to mend it, a path of ours
	ToConfirm bool   // it was answered in an earlier round and waits to be confirmed
	Unowned   bool   // a high: submission asks who mends it
}

// Words say what is wrong with it, after its text.
func (b Blocker) Words() string {
	switch {
	case b.Unowned:
		return "is a high: name who mends it and until when, or ask to have it accepted."
	case b.ToConfirm:
		return "is to be confirmed."
	}
	return "is unanswered."
}

// Blockers lists what blocks submission, in the order of the questions.
func (s Sheet) Blockers() []Blocker {
	var list []Blocker
	for i := range s.entries {
		if e := &s.entries[i]; e.Answer.Required && !e.Answered() {
			list = append(list, Blocker{Text: e.Question.Title, Path: s.QuestionPath(*e), ToConfirm: e.Answer.ToConfirm})
		}
	}
	return list
}

// Unowned lists the highs that submission refuses without an owner and a due day, each with
// the place where these are given.
func (s Sheet) Unowned() []Blocker {
	var list []Blocker
	for _, e := range s.Highs() {
		if e.needsStep(FirstStep{}) {
			list = append(list, Blocker{Text: e.Question.Title, Path: s.Path() + "/check#first-steps", Unowned: true})
		}
	}
	return list
}

// Path is the address of the review's home.
func (r Review) Path() string { return "/reviews/" + r.ID.String() }

// QuestionPath is the address of a question of the review.
func (r Review) QuestionPath(e Entry) string { return r.Path() + "/q/" + e.Key() }
