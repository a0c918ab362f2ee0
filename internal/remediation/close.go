package remediation

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
)

// CloseAll closes every unfinished item of a workload within the caller's transaction, with
// the reason, and returns how many. They stay in every list of all items, and can be
// reopened by hand. It does not authorise: reviews call it when a workload retires.
func CloseAll(ctx context.Context, tx pgx.Tx, who identity.Actor, workloadID uuid.UUID, reason string, now time.Time) (int, error) {
	if err := LockItems(ctx, tx, workloadID); err != nil {
		return 0, err
	}
	const sql = `
		update items i set state = 'closed', closed_at = $2, closed_by = $3, closed_reason = $4, version = version + 1
		where i.workload_id = $1 and not ` + finished + ` returning i.id`
	rows, err := tx.Query(ctx, sql, workloadID, now, nullable(who.PersonID), reason)
	if err != nil {
		return 0, fmt.Errorf("close items: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, fmt.Errorf("close items: %w", err)
	}
	for _, id := range ids {
		if err := record(ctx, tx, who, "item.closed", workloadID, id, now); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// ReopenAll opens what CloseAll closed, within the caller's transaction, and returns how
// many: what was done waits for its verification again, the rest is open. It does not
// authorise: reviews call it when a workload comes back.
func ReopenAll(ctx context.Context, tx pgx.Tx, who identity.Actor, workloadID uuid.UUID, now time.Time) (int, error) {
	if err := LockItems(ctx, tx, workloadID); err != nil {
		return 0, err
	}
	const sql = `
		update items set state = case when done_at is null then 'open' else 'done' end,
			closed_at = null, closed_by = null, closed_reason = '', version = version + 1
		where workload_id = $1 and state = 'closed' and not closed_alone returning id`
	rows, err := tx.Query(ctx, sql, workloadID)
	if err != nil {
		return 0, fmt.Errorf("reopen items: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, fmt.Errorf("reopen items: %w", err)
	}
	for _, id := range ids {
		if err := record(ctx, tx, who, "item.reopened", workloadID, id, now); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// EndAcceptances withdraws every acceptance of a workload that is asked for or granted,
// within the caller's transaction, and returns how many. It does not authorise: reviews call
// it when a workload retires, after LockStanding.
func EndAcceptances(ctx context.Context, tx pgx.Tx, who identity.Actor, workloadID uuid.UUID, reason string, now time.Time) (int, error) {
	list, err := AcceptancesOf(ctx, tx, workloadID)
	if err != nil {
		return 0, err
	}
	ended := 0
	for _, a := range list {
		if state := a.StateAt(now); state != Asked && state != Granted {
			continue
		}
		if err := closeAcceptance(ctx, tx, who, a.ID, Withdrawn, reason, now); err != nil {
			return 0, fmt.Errorf("end acceptance: %w", err)
		}
		if err := recordAcceptance(ctx, tx, who, "acceptance.withdrawn", a, now); err != nil {
			return 0, err
		}
		ended++
	}
	return ended, nil
}
