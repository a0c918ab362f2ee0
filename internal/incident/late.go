package incident

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/identity"
)

// Take asks a workload what published lessons ask of its kind, within the caller's
// transaction, once it has come to be of that kind: it is new, was changed, came back, or has
// a review that asks a set. What a follow-up or a review asks already is not asked again. It
// does not authorise: the dispatcher of events calls it.
func (s *Service) Take(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	switch e.Verb {
	case "workload.created", "workload.changed", "workload.brought_back", "review.started":
	default:
		return nil
	}
	if err := s.catchUp(ctx, tx, e.WorkloadID()); err != nil {
		return fmt.Errorf("ask what was published before: %w", err)
	}
	return nil
}

func (s *Service) catchUp(ctx context.Context, tx pgx.Tx, workload uuid.UUID) error {
	missed, err := missedLessons(ctx, tx, workload)
	if err != nil || len(missed) == 0 {
		return err
	}
	places, err := readPlaces(ctx, tx, `where w.id = @id`, pgx.StrictNamedArgs{"id": workload})
	if err != nil || len(places) == 0 {
		return err
	}
	asked := map[string]bool{}
	for _, l := range missed { // the newest first: of several on one question it speaks
		if key := l.PutSet + "/" + l.PutQuestion; !asked[key] {
			asked[key] = true
			if err := s.askNewest(ctx, tx, l, places[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

// askNewest asks the question of a lesson as the newest version of its set has it, if it
// still does.
func (s *Service) askNewest(ctx context.Context, tx pgx.Tx, l Lesson, p Place) error {
	version, err := s.library.Newest(ctx, tx, l.PutSet, "")
	if err != nil {
		return err
	}
	set, err := s.library.Version(ctx, tx, version.ID)
	if err != nil {
		return err
	}
	q, ok := set.Question(l.PutQuestion)
	if !ok || !q.AppliesTo(p.Tier) {
		return nil
	}
	return ask(ctx, tx, l, []Place{p}, version.ID, l.askOn(s.now()))
}

// askOn is the day from which a lesson asks: today, or the first of the next month.
func (l Lesson) askOn(now time.Time) time.Time {
	if l.Monthly {
		return time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return today(now)
}

// concerns is the SQL condition on a workload w and a lesson l that says whether the lesson
// concerns it.
const concerns = `w.stage <> 'retired' and (cardinality(l.tiers) = 0 or w.tier = any(l.tiers))
	and (cardinality(l.tags) = 0 or exists (select from scopes c where c.workload_id = w.id and c.production and c.tags && l.tags))
	and (l.concerns_set = '' or exists (
		select from reviews r join review_questionnaires rq on rq.review_id = r.id where r.workload_id = w.id and rq.questionnaire_key = l.concerns_set))`

// missedLessons reads the published lessons that concern a workload and that neither a
// follow-up nor a review asks it since, the newest first.
func missedLessons(ctx context.Context, tx pgx.Tx, workload uuid.UUID) ([]Lesson, error) {
	named := lessonReader(identity.SystemActor("incident"))
	named["workload"] = workload
	const sql = lessonColumns + `
		and l.state = 'accepted' and k.version_id is not null
		and exists (select from workloads w where w.id = @workload and ` + concerns + `)
		and not exists (
			select from follow_ups f join questionnaire_versions fv on fv.id = f.version_id
			where f.workload_id = @workload and f.set_key = k.set_key and f.question_id = k.question_id
				and fv.published_at >= (select published_at from questionnaire_versions where id = k.version_id))
		and not exists (
			select from reviews r
			join review_questionnaires rq on rq.review_id = r.id and rq.questionnaire_key = k.set_key
			join questionnaire_versions rv on rv.id = rq.version_id
			where r.workload_id = @workload and r.state <> 'cancelled'
				and rv.published_at >= (select published_at from questionnaire_versions where id = k.version_id))
		order by k.published_at desc, l.id desc`
	rows, err := tx.Query(ctx, sql, named)
	if err != nil {
		return nil, fmt.Errorf("read lessons: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[lessonRow])
	if err != nil {
		return nil, fmt.Errorf("read lessons: %w", err)
	}
	list := make([]Lesson, len(found))
	for n, r := range found {
		list[n] = r.lesson()
	}
	return list, nil
}
