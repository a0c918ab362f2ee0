package tickets

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

const (
	pollInterval = 5 * time.Minute
	pollTime     = 4 * time.Minute  // of one poll
	pollAge      = 45 * time.Minute // how old a status may be before it is read again
	pollBatch    = 1000             // tickets of one tracker: 10,000 within an hour
	pollTrackers = 4                // asked at once
	pollReaders  = 3                // of one tracker
	pollOutages  = 3                // in a row, after which a tracker is left alone until the next poll
	keepMessages = 30 * 24 * time.Hour
)

// PollArgs is the job that reads the status of tickets that were not heard of for a while.
type PollArgs struct{}

// Kind names the job.
func (PollArgs) Kind() string { return "tickets.poll" }

// InsertOpts puts the job in its queue. The next comes by the clock.
func (PollArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueuePoll, MaxAttempts: 1}
}

// PeriodicJobs are the jobs of this room that a server runs by the clock.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(pollInterval),
		func() (river.JobArgs, *river.InsertOpts) { return PollArgs{}, nil }, nil)}
}

// Poll reads the tickets that were not heard of for a while, of each tracker the longest first,
// tells those that could not be told when their item moved, and forgets old ids of webhooks.
// What a tracker says here is the truth. What one ticket or tracker fails with holds up no
// other; it is returned joined. It does not authorise: the clock calls it.
func (s *Service) Poll(ctx context.Context) error {
	now := s.now()
	trackers, err := s.pollDue(ctx, now)
	if err != nil {
		return fmt.Errorf("poll tickets: %w", err)
	}
	bounded, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	failed := make([]error, len(trackers))
	var all sync.WaitGroup
	free := make(chan struct{}, pollTrackers)
	for n, links := range trackers {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			failed[n] = s.pollTracker(bounded, links)
		})
	}
	all.Wait()
	_, err = s.db.Exec(ctx, `delete from tracker_messages where at < $1`, now.Add(-keepMessages))
	return errors.Join(append(failed, err)...)
}

// pollDue lists the tickets that are due to be read, by tracker. The ticket of an item that
// ended is read no more once its tracker was told; a webhook is still heard.
func (s *Service) pollDue(ctx context.Context, now time.Time) ([][]uuid.UUID, error) {
	const sql = `
		select array_agg(n.id order by n.synced_at) from trackers t
		cross join lateral (
			select l.id, l.synced_at from ticket_links l join items i on i.id = l.item_id
			where l.tracker_id = t.id and l.state = 'linked' and l.synced_at < $1
				and (i.state not in ('verified', 'closed') or l.tell_due or not l.told_resolved)
			order by l.synced_at limit $2) n
		where t.active group by t.id order by min(n.synced_at)`
	rows, err := s.db.Query(ctx, sql, now.Add(-pollAge), pollBatch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[[]uuid.UUID])
}

// pollTracker reads tickets of one tracker until it does not answer a few times in a row.
func (s *Service) pollTracker(ctx context.Context, links []uuid.UUID) error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	at, outages := 0, 0
	next := func() (id uuid.UUID, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if at >= len(links) || outages >= pollOutages || ctx.Err() != nil {
			return uuid.Nil, false
		}
		at++
		return links[at-1], true
	}
	for range pollReaders {
		all.Go(func() {
			for id, ok := next(); ok; id, ok = next() {
				outage, err := s.pollOne(ctx, id)
				mu.Lock()
				failed = errors.Join(failed, err)
				if outages++; !outage {
					outages = 0
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return failed
}

// pollOne reads one ticket and stores what came of it; outage reports that its tracker did not
// answer.
func (s *Service) pollOne(ctx context.Context, id uuid.UUID) (outage bool, err error) {
	l, _, r, ok, err := s.followed(ctx, id)
	var no *refusal
	if err != nil && !errors.As(err, &no) || err == nil && !ok {
		return false, err
	}
	if err == nil {
		var i issue
		if i, err = r.read(ctx, l.Key); err == nil {
			due, err2 := s.heard(ctx, l, i)
			if err2 != nil || !due {
				return false, err2
			}
			if err = s.Tell(ctx, id); err == nil {
				return false, nil
			}
		}
	}
	words := "The tracker did not answer when it was asked last."
	if errors.As(err, &no) {
		words = no.Words
	}
	return no == nil, s.problem(context.WithoutCancel(ctx), id, "", words)
}

// heard stores what a tracker says of a ticket; due reports that it is to be told of the item.
func (s *Service) heard(ctx context.Context, l Link, i issue) (due bool, err error) {
	if err := s.apply(ctx, l, i); err != nil {
		return false, err
	}
	err = s.db.QueryRow(ctx, `select tell_due from ticket_links where id = $1`, l.ID).Scan(&due)
	return due, err
}
