package notify

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
)

// outsideRecorded tells the approvers that a decision made elsewhere waits for a word; in tier
// 1 only those from outside the team, who alone may confirm it.
func (s *Service) outsideRecorded(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	people, err := approversOf(ctx, tx, e.WorkloadID(), e.ActorID)
	if err != nil || len(people) == 0 {
		return err
	}
	var name, key string
	if err := tx.QueryRow(ctx, `select name, key from workloads where id = $1`, e.WorkloadID()).Scan(&name, &key); err != nil {
		return err
	}
	const sql = `
		select p from unnest($2::uuid[]) as p join workloads w on w.id = $1
		where w.tier <> 1 or not exists (select from memberships m where m.team_id = w.team_id and m.person_id = p)`
	rows, err := tx.Query(ctx, sql, e.WorkloadID(), people)
	if err != nil {
		return err
	}
	if people, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
		return err
	}
	return tell(ctx, tx, people, told{
		Decide, "outside/" + e.TargetID, "A decision on " + name + " that was made elsewhere waits for you to confirm it.",
		"/workloads/" + key + "/elsewhere", e.WorkloadID(), e.At,
	})
}

// settleOutside marks as read that decisions made elsewhere on the event's workload wait: the
// one of the key, or all of them when it is empty, for what Orrery decides comes before them.
func settleOutside(ctx context.Context, tx pgx.Tx, e audit.Event, key string) error {
	const sql = `
		update notices set read_at = $2
		where workload_id = $1 and kind = 'decide' and read_at is null and at < $2 and key like 'outside/%' and ($3 = '' or key = $3)`
	_, err := tx.Exec(ctx, sql, e.WorkloadID(), e.At, key)
	return err
}
