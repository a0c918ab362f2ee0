package remediation

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// OfEvidence lists the items of a workload that evidence is the cause of, whatever their
// state. It does not authorise: evidence calls it for a workload it has read.
func OfEvidence(ctx context.Context, q postgres.Querier, workloadID uuid.UUID) ([]Item, error) {
	rows, err := q.Query(ctx, `select`+from+` where i.workload_id = $1 and i.cause_kind = 'evidence' order by i.id`, workloadID)
	if err != nil {
		return nil, fmt.Errorf("list items: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Item])
}

// VerifyByEvidence closes an item of evidence within the caller's transaction: a collection
// found it mended. It does not authorise: evidence calls it at the end of a run, after
// LockItems.
func VerifyByEvidence(ctx context.Context, tx pgx.Tx, who identity.Actor, it Item, found string, now time.Time) error {
	const sql = `
		update items set state = 'verified', verified_at = $2, verified_by = null, done_at = coalesce(done_at, $2),
			resolution = case when resolution = '' then $3 else resolution || E'\n\n' || $3 end, version = version + 1
		where id = $1`
	if _, err := tx.Exec(ctx, sql, it.ID, now, found); err != nil {
		return fmt.Errorf("verify item: %w", err)
	}
	return record(ctx, tx, who, "item.verified", it.WorkloadID, it.ID, now)
}

// ReopenByEvidence opens a closed item of evidence again within the caller's transaction,
// with its owner and a new due day: it fails anew. It does not authorise: evidence calls it
// at the end of a run, after LockItems.
func ReopenByEvidence(ctx context.Context, tx pgx.Tx, who identity.Actor, it Item, detail string, due, now time.Time) error {
	const sql = `
		update items set state = 'open', detail = $2, due_on = $3, opened_at = $4, opened_by = null, resolution = '',
			done_by = null, done_at = null, verified_by = null, verified_at = null, version = version + 1
		where id = $1`
	if _, err := tx.Exec(ctx, sql, it.ID, detail, due, now); err != nil {
		return fmt.Errorf("reopen item: %w", err)
	}
	return record(ctx, tx, who, "item.reopened", it.WorkloadID, it.ID, now)
}

// Locked reads an item for a change, within the caller's transaction; not found when its
// workload is not readable by who. It does not authorise more: evidence calls it.
func Locked(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID) (Item, error) {
	return lock(ctx, tx, who, id)
}

// CloseUnasked closes an item of evidence that nothing asks for any more, within the caller's
// transaction: it was not mended, and stays closed when its workload comes back. It does not
// authorise: evidence calls it, after Locked.
func CloseUnasked(ctx context.Context, tx pgx.Tx, who identity.Actor, it Item, reason string, now time.Time) error {
	const sql = `
		update items set state = 'closed', closed_at = $2, closed_by = $3, closed_reason = $4, closed_alone = true, version = version + 1
		where id = $1`
	if _, err := tx.Exec(ctx, sql, it.ID, now, nullable(who.PersonID), reason); err != nil {
		return fmt.Errorf("close item: %w", err)
	}
	return record(ctx, tx, who, "item.closed", it.WorkloadID, it.ID, now)
}
