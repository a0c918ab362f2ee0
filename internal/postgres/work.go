package postgres

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// WorkWithin is river.WorkFunc for jobs that may take longer than others: until d is over. Only
// then is a job taken for one whose server died, and given to another.
func WorkWithin[T river.JobArgs](d time.Duration, do func(context.Context, *river.Job[T]) error) river.Worker[T] {
	return &timedWorker[T]{within: d, do: do}
}

type timedWorker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	within time.Duration
	do     func(context.Context, *river.Job[T]) error
}

func (w *timedWorker[T]) Timeout(*river.Job[T]) time.Duration { return w.within }

func (w *timedWorker[T]) Work(ctx context.Context, job *river.Job[T]) error { return w.do(ctx, job) }
