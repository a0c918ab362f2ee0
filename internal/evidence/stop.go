package evidence

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/identity"
)

// LockRunning locks the running collection of a workload, if there is one, until the end of the
// caller's transaction. Reviews call it before they lock the items of a workload that retires,
// for the end of a run locks them in this order.
func LockRunning(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID) error {
	if _, err := tx.Exec(ctx, `select from runs where workload_id = $1 and state = 'running' for no key update`, workloadID); err != nil {
		return fmt.Errorf("lock collection: %w", err)
	}
	return nil
}

// Stop ends the running collection of a workload within the caller's transaction, if there
// is one, and reports whether there was. What was read stays; what is still queued finds the
// run over and reads nothing. It does not authorise: reviews call it when a workload retires,
// with the workload locked, so that no other run starts, and after LockRunning.
func Stop(ctx context.Context, tx pgx.Tx, who identity.Actor, workloadID uuid.UUID, reason string, now time.Time) (bool, error) {
	id, found, err := runningRun(ctx, tx, workloadID)
	if err != nil || !found {
		return false, err
	}
	if _, open, err := lockRun(ctx, tx, id); err != nil || !open {
		return false, err
	}
	if err := endLines(ctx, tx, id, reason, now); err != nil {
		return false, err
	}
	if err := endRun(ctx, tx, id, Failed, now); err != nil {
		return false, fmt.Errorf("stop collection: %w", err)
	}
	return true, audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(workloadID), Verb: "evidence.run_stopped", TargetKind: "run", TargetID: id.String(), At: now,
	})
}

// endLines ends what is left of a ledger with the reason.
func endLines(ctx context.Context, tx pgx.Tx, runID uuid.UUID, reason string, now time.Time) error {
	const sql = `
		update run_cells set state = 'done', outcome = 'error', detail = $2, finished_at = $3
		where run_id = $1 and state <> 'done'`
	if _, err := tx.Exec(ctx, sql, runID, shorten(clean(reason), 1000), now); err != nil {
		return fmt.Errorf("stop collection: %w", err)
	}
	return nil
}
