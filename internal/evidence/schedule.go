package evidence

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

const (
	scheduleInterval = 10 * time.Minute // between looks for what is due
	startsAtOnce     = 20               // runs that one look starts, at most
)

// ScheduleArgs is the job that starts the daily runs that are due.
type ScheduleArgs struct{}

// Kind names the job.
func (ScheduleArgs) Kind() string { return "evidence.schedule" }

// InsertOpts puts it beside the sweep; the next comes by the clock.
func (ScheduleArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: 1}
}

// Daily is the job by the clock of a server that collects every day.
func Daily() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(scheduleInterval),
		func() (river.JobArgs, *river.InsertOpts) { return ScheduleArgs{}, nil },
		&river.PeriodicJobOpts{RunOnStart: true})
}

// StartDue starts the daily run of every workload that is due, some at a time. Workloads are
// due at a minute of the day of their own, so that they do not all ask AWS at once; only
// those count whose scope names a connected account. A periodic job calls it; several at
// once start nothing twice.
func (s *Service) StartDue(ctx context.Context) error {
	now := s.now()
	list, err := scheduled(ctx, s.db)
	if err != nil {
		return fmt.Errorf("look for due collections: %w", err)
	}
	var failed error
	started := 0
	for _, w := range list {
		if w.last != nil && !w.last.Before(slot(w.id, now)) {
			continue
		}
		_, _, err := s.start(ctx, identity.SystemActor("schedule"), w.id, func(identity.Target) error { return nil })
		if err != nil && !fault.Is(err, fault.Conflict) { // nothing to collect is no failure
			failed = errors.Join(failed, err)
		}
		if started++; started == startsAtOnce {
			break
		}
	}
	return failed
}

// slot is the last moment at or before now at which the workload was due.
func slot(id uuid.UUID, now time.Time) time.Time {
	h := fnv.New32a()
	_, _ = h.Write(id[:]) // a hash takes everything
	day := now.UTC().Truncate(24 * time.Hour)
	at := day.Add(time.Duration(h.Sum32()%(24*60)) * time.Minute)
	if at.After(now) {
		at = at.AddDate(0, 0, -1)
	}
	return at
}

// planned is a workload that is collected for every day.
type planned struct {
	id   uuid.UUID
	last *time.Time // when its newest run was asked for
}

func scheduled(ctx context.Context, q postgres.Querier) ([]planned, error) {
	const sql = `
		select w.id, (select max(r.requested_at) from runs r where r.workload_id = w.id)
		from workloads w join scopes s on s.workload_id = w.id and s.production
		where w.stage <> 'retired' and s.regions <> '{}'
			and exists (select from connections c where c.removed_at is null and c.account = any(s.accounts))
		order by 2 nulls first, 1`
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p planned, err error) {
		return p, row.Scan(&p.id, &p.last)
	})
}
