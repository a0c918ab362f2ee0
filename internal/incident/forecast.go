package incident

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
)

// What a workload would answer today.
const (
	Fails      = "fails"
	Holds      = "holds"
	CannotTell = "cannot_tell"
)

// Forecast says of each workload that a lesson concerns how it would stand today.
type Forecast struct {
	Lesson     Lesson
	Question   *questionnaire.Question
	Lines      []ForecastLine // those that the reader may read: that fail first
	Fails      int
	Holds      int
	CannotTell int
}

// ForecastLine is one workload.
type ForecastLine struct {
	Place
	Outcome string
	Because string // a whole sentence
}

// WouldFail says who would fail the question of an accepted lesson today: from evidence, also
// where its checks are new, and from answers that were given to the same question, scored anew.
// Curators may. Workloads that they may not read are left out. Conflict before the lesson is
// accepted, and when its question was taken out of the draft.
func (s *Service) WouldFail(ctx context.Context, who identity.Actor, id uuid.UUID) (Forecast, error) {
	l, err := s.Lesson(ctx, who, id)
	if err != nil {
		return Forecast{}, err
	}
	if err := mayJudge(l, who); err != nil {
		return Forecast{}, err
	}
	out := Forecast{Lesson: l}
	if out.Question, err = s.inDraft(ctx, l); err != nil {
		return out, err
	}
	places, err := s.concerned(ctx, s.db, l)
	if err != nil {
		return out, err
	}
	given, err := givenAnswers(ctx, s.db, l)
	if err != nil {
		return out, err
	}
	by := map[string][]ForecastLine{}
	for _, p := range places {
		if !who.CanRead(p.Target()) || !out.Question.AppliesTo(p.Tier) {
			continue
		}
		line := ForecastLine{Place: p}
		if line.Outcome, line.Because, err = s.foresee(ctx, out.Question, p, given[p.ID]); err != nil {
			return out, err
		}
		by[line.Outcome] = append(by[line.Outcome], line)
	}
	out.Fails, out.Holds, out.CannotTell = len(by[Fails]), len(by[Holds]), len(by[CannotTell])
	for _, outcome := range []string{Fails, CannotTell, Holds} {
		out.Lines = append(out.Lines, by[outcome]...)
	}
	return out, nil
}

// inDraft is the question of the lesson as the draft of its set has it, or else as it is
// published.
func (s *Service) inDraft(ctx context.Context, l Lesson) (*questionnaire.Question, error) {
	if l.State != Accepted {
		return nil, fault.New(fault.Conflict, "Accept the lesson first: then it is a question that workloads can be held against.")
	}
	d, err := questionnaire.DraftOf(ctx, s.db, l.PutSet)
	if err != nil {
		return nil, err
	}
	if d.Set != nil {
		if q, ok := d.Set.Question(l.PutQuestion); ok {
			return ready(d, q)
		}
	}
	q, err := s.question(ctx, s.db, l.PutSet, l.PutQuestion)
	if err == nil && q == nil {
		return nil, fault.New(fault.Conflict, "The question was taken out of the draft.")
	}
	return q, err
}

// ready is a question of a draft with its rules made, so that answers can be scored.
func ready(d questionnaire.Draft, q *questionnaire.Question) (*questionnaire.Question, error) {
	p, err := questionnaire.InputOf(q).Preview(d.Set)
	if err == nil && p.Question == nil {
		err = fault.New(fault.Conflict, "The question is not complete yet. Open the draft of its set and finish it there.")
	}
	return p.Question, err
}

// foresee judges one workload. Evidence comes before what people said.
func (s *Service) foresee(ctx context.Context, q *questionnaire.Question, p Place, a *given) (outcome, because string, err error) {
	now, supported := s.now(), []string{}
	verdicts, err := evidence.Foresee(ctx, s.db, p.ID, q.Checks, now)
	if err != nil {
		return "", "", err
	}
	for i := range q.Checks {
		c := &q.Checks[i]
		v, read := verdicts[c.Digest()]
		if !read {
			continue
		}
		switch v.At(now, c.MaxAge) {
		case evidence.Contradicts, evidence.Mixed:
			return Fails, "Evidence speaks against it: " + c.Claim, nil
		case evidence.Supports:
			supported = append(supported, c.Choice)
		}
	}
	if len(supported) > 0 && q.Score(questionnaire.Selection{Chosen: supported}) == questionnaire.RiskNone {
		return Holds, "Evidence supports all that is needed.", nil
	}
	if a == nil {
		return CannotTell, "No evidence bears on it, and it was never answered.", nil
	}
	on := a.at.UTC().Format("2 January 2006")
	switch risk := q.Score(a.Selection); {
	case a.NotApplicable:
		return Holds, "It was answered on " + on + ": it does not apply.", nil
	case risk.CountsAsHigh():
		return Fails, "Its answer of " + on + " would now be a high.", nil
	default:
		return Holds, "Its answer of " + on + " would be: " + risk.Label() + ".", nil
	}
}

// given is what a workload answered to the question before.
type given struct {
	questionnaire.Selection
	at time.Time
}

// givenAnswers reads the newest answer of each workload to the question of the lesson.
func givenAnswers(ctx context.Context, q postgres.Querier, l Lesson) (map[uuid.UUID]*given, error) {
	const sql = `
		select distinct on (g.workload_id) g.* from (
			select r.workload_id, a.chosen, a.na_choices, a.unknown, a.not_applicable, a.saved_at as at
			from answers a
			join rounds d on d.id = a.round_id
			join reviews r on r.id = d.review_id
			join questionnaire_versions v on v.id = a.version_id
			where v.questionnaire_key = $1 and a.question_id = $2 and a.risk <> 'unanswered' and a.saved_at is not null
			union all
			select f.workload_id, f.chosen, '{}', f.unknown, f.state = 'not_applicable', f.answered_at
			from follow_ups f where f.set_key = $1 and f.question_id = $2 and f.answered_at is not null) g
		order by g.workload_id, g.at desc`
	rows, err := q.Query(ctx, sql, l.PutSet, l.PutQuestion)
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	out := map[uuid.UUID]*given{}
	var id uuid.UUID
	var g given
	_, err = pgx.ForEachRow(rows, []any{&id, &g.Chosen, &g.ChoicesNotApplicable, &g.Unknown, &g.NotApplicable, &g.at}, func() error {
		one := g
		g.Chosen, g.ChoicesNotApplicable = nil, nil // scanned in place: the next row needs its own
		out[id] = &one
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	return out, nil
}

// Year is how much of the lessons of the last year is asked, answered and mended.
type Year struct {
	Since    time.Time
	Proposed int // lessons proposed
	Accepted int // of these, accepted
	Asked    int // of these, published
	Waiting  int // still to be judged
	Lessons  []YearLine
}

// YearLine is one accepted lesson of the year, counted over the workloads that the reader may read.
type YearLine struct {
	ID        uuid.UUID
	Title     string
	Published bool
	Asked     int
	Answered  int
	Highs     int // answers that found a high
	Mended    int // of these, mended and verified
}

// LastYear sums up the lessons that were proposed in the last 365 days and that who may read.
func (s *Service) LastYear(ctx context.Context, who identity.Actor) (Year, error) {
	y := Year{Since: s.now().AddDate(-1, 0, 0)}
	if err := signedIn(who); err != nil {
		return y, err
	}
	named := lessonReader(who)
	named["since"] = y.Since
	const counts = `
		select count(*), count(*) filter (where l.state = 'accepted'), count(*) filter (where l.state = 'proposed'),
			count(*) filter (where exists (select from lesson_questions k where k.lesson_id = l.id and k.version_id is not null))
		from lessons l where l.proposed_at >= @since and ` + visibleLesson
	if err := s.db.QueryRow(ctx, counts, named).Scan(&y.Proposed, &y.Accepted, &y.Waiting, &y.Asked); err != nil {
		return y, fmt.Errorf("count lessons: %w", err)
	}
	const sql = `
		select l.id, l.title, bool_or(k.version_id is not null) as published, count(f.id) as asked,
			count(f.id) filter (where f.state <> 'open') as answered, count(f.item_id) as highs,
			count(f.id) filter (where i.state = 'verified') as mended
		from lessons l
		left join lesson_questions k on k.lesson_id = l.id
		left join lateral (
			select f.* from follow_ups f join workloads w on w.id = f.workload_id where f.lesson_id = l.id and ` + readable + `) f on true
		left join items i on i.id = f.item_id
		where l.proposed_at >= @since and l.state = 'accepted'
		group by l.id, l.title order by l.id desc limit 200`
	rows, err := s.db.Query(ctx, sql, workloadReader(who, pgx.StrictNamedArgs{"since": y.Since}))
	if err != nil {
		return y, fmt.Errorf("count follow-ups: %w", err)
	}
	y.Lessons, err = pgx.CollectRows(rows, pgx.RowToStructByName[YearLine])
	if err != nil {
		return y, fmt.Errorf("count follow-ups: %w", err)
	}
	return y, nil
}
