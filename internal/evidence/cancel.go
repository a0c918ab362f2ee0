package evidence

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/workload"
)

// CancelRun stops a run that goes on, for those who may start one. What was read stays and
// counts; what was not is told as not read, never as a pass. A conflict when the run is
// over, not found when its workload is not readable by who.
func (s *Service) CancelRun(ctx context.Context, who identity.Actor, id uuid.UUID) error {
	checks, err := s.checks(ctx)
	if err != nil {
		return fmt.Errorf("cancel collection: %w", err)
	}
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		run, open, err := lockRun(ctx, tx, id)
		if err != nil {
			return err
		}
		w, err := workload.Load(ctx, tx, who, run.WorkloadID)
		if fault.Is(err, fault.NotFound) {
			return errNoRun()
		}
		if err != nil {
			return err
		}
		if err := who.May(identity.CollectEvidence, w.Target()); err != nil {
			return err
		}
		if !open {
			return fault.New(fault.Conflict, "This collection is over already.")
		}
		return s.cancel(ctx, tx, who, run, checks)
	})
	if err != nil {
		return fmt.Errorf("cancel collection: %w", err)
	}
	return nil
}

// cancel ends what is left of the ledger, judges what there is, and stops the jobs.
func (s *Service) cancel(ctx context.Context, tx pgx.Tx, who identity.Actor, run Run, checks []questionnaire.Check) error {
	now := s.now()
	if err := endLines(ctx, tx, run.ID, who.Name+" stopped the collection before this was read.", now); err != nil {
		return err
	}
	jobs, err := unfinishedJobs(ctx, tx, run.ID)
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if _, err := s.jobs.JobCancelTx(ctx, tx, job); err != nil {
			return fmt.Errorf("cancel job %d: %w", job, err)
		}
	}
	if err := s.endIfLast(ctx, tx, run, checks, now); err != nil {
		return err
	}
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(run.WorkloadID), Verb: "evidence.run_cancelled", TargetKind: "run", TargetID: run.ID.String(), At: now,
	})
}

// unfinishedJobs are the ids of the jobs that still work for a run, or wait to.
func unfinishedJobs(ctx context.Context, tx pgx.Tx, runID uuid.UUID) ([]int64, error) {
	const sql = `
		select id from river.river_job
		where kind = $1 and args @> jsonb_build_object('run_id', $2::uuid)
			and state in ('available', 'pending', 'retryable', 'running', 'scheduled')
		order by id`
	rows, err := tx.Query(ctx, sql, CollectArgs{}.Kind(), runID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}
