package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"orrery/internal/fault"
	"orrery/internal/postgres"
)

// Queue is the River queue of reports. One is made at a time, so that pages keep the other
// processors.
const Queue = "reports"

const (
	makeAttempts  = 3
	makeTime      = 5 * time.Minute // with the wait for those before it
	sweepInterval = time.Hour
)

// MakeArgs is the job that makes the report of an order.
type MakeArgs struct {
	OrderID uuid.UUID `json:"order_id"`
}

// Kind names the job.
func (MakeArgs) Kind() string { return "report.make" }

// InsertOpts puts the job in its queue.
func (MakeArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: makeAttempts}
}

// SweepArgs is the job that forgets the reports whose day is over.
type SweepArgs struct{}

// Kind names the job.
func (SweepArgs) Kind() string { return "report.sweep" }

// InsertOpts puts the job in its queue. The next comes by the clock.
func (SweepArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: 1}
}

// RegisterWorkers adds the workers of this room.
func RegisterWorkers(w *river.Workers, s *Service) {
	river.AddWorker(w, postgres.WorkWithin(makeTime, func(ctx context.Context, job *river.Job[MakeArgs]) error {
		return s.Make(ctx, job.Args.OrderID, job.Attempt >= job.MaxAttempts)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, _ *river.Job[SweepArgs]) error { return s.Sweep(ctx) }))
}

// PeriodicJobs are the jobs of this room that a server runs by the clock.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(sweepInterval),
		func() (river.JobArgs, *river.InsertOpts) { return SweepArgs{}, nil },
		&river.PeriodicJobOpts{RunOnStart: true})}
}

// insertOrder writes an order, unless the person has a hundred that are kept.
func insertOrder(ctx context.Context, tx pgx.Tx, o Order) error {
	const sql = `
		insert into report_orders (id, review_id, round, extent, comments, state, problem, name, size, order_by, asked_at, ends_at)
		select @id, @review, @round, @extent, @comments, @state, '', '', 0, @by, @asked, @ends
		where (select count(*) from report_orders where order_by = @by and ends_at > @asked) < @most`
	tag, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"id": o.ID, "review": o.ReviewID, "round": o.Round, "extent": string(o.Extent), "comments": o.Comments, "state": o.State, "by": o.OrderBy,
		"asked": o.AskedAt, "ends": o.EndsAt, "most": mostOrders,
	})
	if err != nil {
		return fmt.Errorf("insert order: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.TooMany, "You asked for %d reports within a day. Fetch those, or try again tomorrow.", mostOrders)
	}
	return nil
}

func orderByID(ctx context.Context, q postgres.Querier, id uuid.UUID) (Order, error) {
	rows, err := q.Query(ctx, `
		select id, review_id, round, extent, comments, state, problem, name, size, order_by, asked_at, done_at, ends_at
		from report_orders where id = $1`, id)
	if err != nil {
		return Order{}, fmt.Errorf("read order: %w", err)
	}
	o, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Order])
	if errors.Is(err, pgx.ErrNoRows) {
		return o, errNoOrder()
	}
	return o, err
}
