package review

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/identity"
)

// ReleaseAssignments takes the questions of open reviews that were assigned to a person back,
// within the caller's transaction, and returns how many for each team. It does not authorise:
// notices call it for somebody who can no longer sign in.
func ReleaseAssignments(ctx context.Context, tx pgx.Tx, who identity.Actor, person uuid.UUID, now time.Time) (map[uuid.UUID]int, error) {
	const sql = `
		with gone as (
			delete from answer_assignments a using reviews r
			where r.id = a.review_id and r.state = 'open' and a.person_id = $1
			returning a.review_id, a.questionnaire_key || '/' || a.question_id as key)
		select r.id, r.workload_id, w.team_id, string_agg(g.key, ' ' order by g.key), count(*)::int
		from gone g join reviews r on r.id = g.review_id join workloads w on w.id = r.workload_id
		group by r.id, r.workload_id, w.team_id order by r.workload_id, r.id`
	type taken struct {
		Review, Workload, Team uuid.UUID
		Keys                   string
		Count                  int
	}
	rows, err := tx.Query(ctx, sql, person)
	if err != nil {
		return nil, fmt.Errorf("release assignments: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[taken])
	if err != nil {
		return nil, fmt.Errorf("release assignments: %w", err)
	}
	teams := map[uuid.UUID]int{}
	for _, t := range list {
		teams[t.Team] += t.Count
		err := audit.Record(ctx, tx, who, audit.Act{
			Stream: audit.WorkloadStream(t.Workload), Verb: "answers.assigned", TargetKind: "review", TargetID: t.Review.String(), At: now,
			Details: []audit.Detail{{Name: "person", Value: "nobody"}, {Name: "questions", Value: t.Keys}},
		})
		if err != nil {
			return nil, err
		}
	}
	return teams, nil
}
