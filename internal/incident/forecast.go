package incident

import (
	"context"
	"fmt"
	"slices"
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
	places = slices.DeleteFunc(places, func(p Place) bool { return !who.CanRead(p.Target()) || !out.Question.AppliesTo(p.Tier) })
	by := map[string][]ForecastLine{}
	for some := range slices.Chunk(places, 200) {
		seen, err := s.seen(ctx, out.Question, some)
		if err != nil {
			return out, err
		}
		for _, p := range some {
			line := ForecastLine{Place: p}
			line.Outcome, line.Because = s.foresee(out.Question, seen[p.ID], given[p.ID])
			by[line.Outcome] = append(by[line.Outcome], line)
		}
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

// seen reads the verdicts of workloads in one go. Checks that nobody asks yet are judged only where
// something was collected.
func (s *Service) seen(ctx context.Context, q *questionnaire.Question, places []Place) (map[uuid.UUID]map[string]evidence.Verdict, error) {
	out, ids, batch := map[uuid.UUID]map[string]evidence.Verdict{}, make([]uuid.UUID, len(places)), &pgx.Batch{}
	if len(q.Checks) == 0 {
		return out, nil
	}
	for n, p := range places {
		ids[n], out[p.ID] = p.ID, map[string]evidence.Verdict{}
		evidence.QueueVerdicts(batch, p.ID, out[p.ID])
	}
	if err := s.db.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("read verdicts: %w", err)
	}
	rows, err := s.db.Query(ctx, `select distinct workload_id from runs where workload_id = any($1) and state <> 'running'`, ids)
	if err != nil {
		return nil, fmt.Errorf("read collections: %w", err)
	}
	collected, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read collections: %w", err)
	}
	for _, id := range collected {
		if !slices.ContainsFunc(q.Checks, func(c questionnaire.Check) bool { _, stored := out[id][c.Digest()]; return !stored }) {
			continue
		}
		if out[id], err = evidence.Foresee(ctx, s.db, id, q.Checks, s.now()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// foresee judges one workload. Evidence comes before what people said, and fails it only where the
// answer would be a high whatever else is true.
func (s *Service) foresee(q *questionnaire.Question, verdicts map[string]evidence.Verdict, a *given) (outcome, because string) {
	now, supported, against := s.now(), []string{}, []*questionnaire.Check{}
	for i := range q.Checks {
		c := &q.Checks[i]
		v, read := verdicts[c.Digest()]
		if !read {
			continue
		}
		switch v.At(now, c.MaxAge) {
		case evidence.Contradicts, evidence.Mixed:
			against = append(against, c)
		case evidence.Supports:
			supported = append(supported, c.Choice)
		}
	}
	if fails, claim := failsWithout(q, against); fails {
		return Fails, "Evidence speaks against it: " + claim
	}
	if len(supported) > 0 && q.Score(questionnaire.Selection{Chosen: supported}) == questionnaire.RiskNone {
		return Holds, "Evidence supports all that is needed."
	}
	if a == nil {
		if len(against) > 0 {
			return CannotTell, "Evidence speaks against a part of it, which alone is no high, and it was never answered."
		}
		return CannotTell, "No evidence bears on it, and it was never answered."
	}
	on := a.at.UTC().Format("2 January 2006")
	switch risk := q.Score(a.Selection); {
	case a.NotApplicable:
		return Holds, "It was answered on " + on + ": it does not apply."
	case risk.CountsAsHigh():
		return Fails, "Its answer of " + on + " would now be a high."
	default:
		return Holds, "Its answer of " + on + " would be: " + risk.Label() + "."
	}
}

// failsWithout reports whether the answer is a high when what the checks are for is not true and all
// else is, and what speaks against it most.
func failsWithout(q *questionnaire.Question, checks []*questionnaire.Check) (fails bool, claim string) {
	if len(checks) == 0 {
		return false, ""
	}
	high := func(checks ...*questionnaire.Check) bool {
		var best []string
		for _, c := range q.Practices() {
			if !slices.ContainsFunc(checks, func(k *questionnaire.Check) bool { return k.Choice == c.ID }) {
				best = append(best, c.ID)
			}
		}
		if none, has := q.NoneChoice(); has && best == nil {
			best = []string{none.ID}
		}
		return best == nil || q.Score(questionnaire.Selection{Chosen: best}).CountsAsHigh()
	}
	for _, c := range checks {
		if high(c) {
			return true, c.Claim
		}
	}
	return high(checks...), checks[0].Claim
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
			where v.questionnaire_key = $1 and a.question_id = $2 and a.risk <> 'unanswered' and a.saved_at is not null and r.state <> 'cancelled'
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
			select f.* from follow_ups f join workloads w on w.id = f.workload_id where ` + readable + ` and (
				f.lesson_id = l.id or f.version_id = k.version_id and f.question_id = k.question_id)) f on true
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
