package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"orrery/internal/postgres"
)

// Queue is the River queue of collections. A server that works them names it in its
// configuration, with as many workers as cells it may read at once. All cells together hold
// one connection of the pool; each takes another while it writes.
const Queue = "evidence"

// CellsAtOnce is how many cells one server reads at once. A cell mostly waits for AWS, and
// each has rate limits of its own.
const CellsAtOnce = 60

const (
	cellTimeout   = 30 * time.Minute // one attempt at a cell
	cellAttempts  = 3                // of one job
	cellJobs      = 4                // jobs for one cell, when those before died
	runTimeout    = 2 * time.Hour    // after it nothing dead is started again
	sweepInterval = 15 * time.Second
	startGrace    = 30 * time.Second // between a job's start and its lock
)

// CollectArgs is the job that reads one cell of a run.
type CollectArgs struct {
	RunID       uuid.UUID `json:"run_id"`
	Account     string    `json:"account"`
	Region      string    `json:"region"`
	Again       int       `json:"again"`        // how many jobs for this cell died before
	RequestedBy uuid.UUID `json:"requested_by"` // uuid.Nil: the system
}

// Kind names the job.
func (CollectArgs) Kind() string { return "evidence.collect" }

// InsertOpts puts the job in its queue, once for each cell of a run.
func (CollectArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: cellAttempts, Priority: 2, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

func (a CollectArgs) cell() Cell { return Cell{a.Account, a.Region} }

// SweepArgs is the job that starts the cells of dead workers again.
type SweepArgs struct{}

// Kind names the job.
func (SweepArgs) Kind() string { return "evidence.sweep" }

// InsertOpts lets a sweep go before the cells that wait. It is not tried again: the next
// comes by the clock.
func (SweepArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: 1}
}

// RegisterWorkers adds the workers of this room; c reads the cells.
func RegisterWorkers(w *river.Workers, s *Service, c Collector) {
	river.AddWorker(w, &collectWorker{service: s, collector: c})
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, _ *river.Job[SweepArgs]) error { return s.Sweep(ctx) }))
	river.AddWorker(w, postgres.WorkWithin(cellTimeout, func(ctx context.Context, _ *river.Job[ScheduleArgs]) error { return s.StartDue(ctx) }))
}

// PeriodicJobs are the jobs of this room that a server runs by the clock.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(sweepInterval),
		func() (river.JobArgs, *river.InsertOpts) { return SweepArgs{}, nil },
		&river.PeriodicJobOpts{RunOnStart: true})}
}

type collectWorker struct {
	river.WorkerDefaults[CollectArgs]
	service   *Service
	collector Collector
}

func (w *collectWorker) Timeout(*river.Job[CollectArgs]) time.Duration { return cellTimeout }

// NextRetry waits little: what AWS throttles was already waited for inside the cell.
func (w *collectWorker) NextRetry(job *river.Job[CollectArgs]) time.Time {
	return time.Now().Add(time.Duration(job.Attempt) * 5 * time.Second)
}

// Work reads one cell. When the last attempt fails the cell is marked as failed, so that
// the run still ends.
func (w *collectWorker) Work(ctx context.Context, job *river.Job[CollectArgs]) error {
	err := w.service.collect(ctx, w.collector, job.Args)
	var snooze *river.JobSnoozeError
	if err == nil || errors.As(err, &snooze) || job.Attempt < job.MaxAttempts || errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return errors.Join(err, w.service.giveUp(after, job.Args.RunID, job.Args.cell(), giveUpSentence(err)))
}

func giveUpSentence(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("Reading did not end within %d minutes.", int(cellTimeout.Minutes()))
	}
	return "Reading failed on our side, several times. The server's log says why."
}
