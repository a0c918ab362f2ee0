package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/outbound"
)

// The River queues of this room. What is tried again, receivers that are slow and the sweep hold up
// no first attempt.
const (
	Queue      = "webhooks"
	queueAgain = "webhooks_again"
	queueSweep = "webhooks_sweep"
)

const (
	lease         = outbound.Timeout + 10*time.Second // of one attempt; after it the worker is taken for dead
	lost          = 10 * time.Minute                  // a delivery that is due for so long has lost its job
	sweepInterval = 10 * time.Second
	keepEnded     = 30 * 24 * time.Hour
	maxAnswer     = 64 << 10         // bytes read of an answer, so that the connection can be used again
	atOnce        = 3                // attempts at one endpoint that answers soon; others have one
	soon          = 3 * time.Second  // who takes longer is slow
	doors         = 4                // workers that begin or end an attempt, which locks its endpoint
	goesOn        = 10 * time.Second // so long a worker goes on with what waits for an endpoint that answers
)

// delays are the waits after each failed attempt: a day and an hour in all.
var delays = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 8 * time.Hour, 10 * time.Hour}

// DeliverArgs is the job of one attempt at a delivery. The delivery's own row says what is
// to be done and when; a job that comes late or twice does nothing.
type DeliverArgs struct {
	DeliveryID uuid.UUID `json:"delivery_id"`
}

// Kind names the job.
func (DeliverArgs) Kind() string { return "webhook.deliver" }

// InsertOpts puts the job in its queue. What is tried again is a new job in the other one.
func (DeliverArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: 3}
}

// SweepArgs is the job that makes jobs for deliveries whose worker died, and forgets old ones.
type SweepArgs struct{}

// Kind names the job.
func (SweepArgs) Kind() string { return "webhook.sweep" }

// InsertOpts lets a sweep wait for no delivery.
func (SweepArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueSweep, MaxAttempts: 1}
}

// Queues are the queues of this room with how many jobs are worked at once. An attempt mostly
// waits for its receiver, which costs little, and each has few at once. Who is known to be slow is
// in the other queue, so that forty would have to become slow at one time before others wait, and
// then once, for as long as an attempt may take.
func Queues() map[string]river.QueueConfig {
	return map[string]river.QueueConfig{Queue: {MaxWorkers: 128}, queueAgain: {MaxWorkers: 16}, queueSweep: {MaxWorkers: 1}}
}

// RegisterWorkers adds the workers of this room.
func RegisterWorkers(w *river.Workers, s *Service) {
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, job *river.Job[DeliverArgs]) error {
		return s.Deliver(ctx, job.Args.DeliveryID)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, _ *river.Job[SweepArgs]) error { return s.Sweep(ctx) }))
}

// PeriodicJobs are the jobs of this room that a server runs by the clock.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(sweepInterval),
		func() (river.JobArgs, *river.InsertOpts) { return SweepArgs{}, nil },
		&river.PeriodicJobOpts{RunOnStart: true})}
}

// Deliver makes one attempt at a delivery that is due and that nobody else tries. When its
// endpoint has as many attempts as it may, it waits for the end of one. While the receiver
// answers, the worker goes on with what waits for it: a job for each would wait for the queue
// to look. It does not authorise: the queue calls it.
func (s *Service) Deliver(ctx context.Context, id uuid.UUID) error {
	began := time.Now()
	c, err := s.claim(ctx, id, s.now())
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("claim delivery: %w", err)
	}
	for err == nil && c.ID != uuid.Nil {
		c, err = s.attempt(ctx, c, func() bool { return ctx.Err() == nil && time.Since(began) < goesOn })
	}
	return err
}

// attempt makes one attempt at what is claimed, and claims what waits when more says so and the
// receiver answered.
func (s *Service) attempt(ctx context.Context, c claimed, more func() bool) (next claimed, err error) {
	start := s.now()
	a := Attempt{Number: c.Attempts + 1, At: start}
	var wait time.Duration
	switch {
	case c.Withheld:
		a.Problem = withheld
	case c.State != On:
		a.Problem = "The webhook is off."
	default:
		began := time.Now()
		wait = s.send(ctx, c, &a)
		a.TookMS = int(s.now().Sub(start).Milliseconds())
		c.Pace = paceOf(a, time.Since(began))
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.settle(after, c, a, wait, more())
}

// paceOf is how an endpoint answered: slow, or brisk. One that fails at once is as it was before.
func paceOf(a Attempt, took time.Duration) string {
	switch {
	case took > soon:
		return "slow"
	case a.Status/100 == 2:
		return "brisk"
	}
	return ""
}

// send posts the message and fills in what came of it. wait is what the receiver asks for
// before the next attempt.
func (s *Service) send(ctx context.Context, c claimed, a *Attempt) (wait time.Duration) {
	request, err := s.request(ctx, c, a.At)
	if err != nil {
		a.Problem = "It could not be signed: the key for secrets is not the one that they were sealed with."
		return 0
	}
	answer, err := s.door.Client.Do(request)
	if err != nil {
		a.Problem = outbound.Say(err)
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	a.Status = answer.StatusCode
	switch {
	case a.Status/100 == 2:
	case a.Status/100 == 3:
		a.Problem = "The receiver redirects; redirects are not followed."
	case a.Status == http.StatusGone:
		a.Problem = "The receiver is gone (410), so the webhook was switched off."
	default:
		a.Problem = "The receiver answered " + strconv.Itoa(a.Status) + "."
	}
	seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // a date is not waited for
	return min(max(0, time.Duration(seconds)*time.Second), time.Hour)
}

func (s *Service) request(ctx context.Context, c claimed, at time.Time) (*http.Request, error) {
	secrets := make([]string, 0, 2)
	secret, err := s.door.Open(purpose(c.EndpointID), c.Secret)
	if err != nil {
		return nil, err
	}
	secrets = append(secrets, secret)
	if c.BeforeUntil != nil && at.Before(*c.BeforeUntil) {
		before, err := s.door.Open(purpose(c.EndpointID), c.SecretBefore)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, before)
	}
	id := messageID(c.EventID)
	signature, err := Sign(secrets, id, at, c.Body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(c.Body))
	if err != nil {
		return nil, err
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Orrery"}}
	r.Header.Set(HeaderID, id)
	r.Header.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(HeaderSignature, signature)
	return r, nil
}

// gone switches the endpoint off for good and gives up what waits for it.
func (s *Service) gone(ctx context.Context, tx pgx.Tx, endpoint uuid.UUID, now time.Time) error {
	moved, err := tx.Exec(ctx, `update webhook_endpoints set state = 'gone', version = version + 1 where id = $1 and state = 'on'`, endpoint)
	if err != nil || moved.RowsAffected() == 0 {
		return err
	}
	return record(ctx, tx, identity.SystemActor("webhooks"), "webhook.gone", endpoint, now, audit.Detail{Name: "status", Value: "410"})
}

// Sweep makes jobs for deliveries whose worker died or whose job was lost, and forgets what
// ended long ago. It does not authorise: the clock calls it.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		const sql = `
			update webhook_deliveries set leased_until = null, waits = false, due_at = greatest(due_at, $1)
			where id in (
				select id from webhook_deliveries
				where state = 'pending' and (leased_until < $1 or leased_until is null and due_at < $2)
				order by due_at limit 1000 for update skip locked)
			returning id`
		rows, err := tx.Query(ctx, sql, now, now.Add(-lost))
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		if err := s.insertJobs(ctx, tx, ids, time.Time{}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `delete from webhook_deliveries where id in (select id from webhook_deliveries where state <> 'pending' and ended_at < $1 limit 1000)`, now.Add(-keepEnded))
		return err
	})
	if err != nil {
		return fmt.Errorf("sweep deliveries: %w", err)
	}
	return nil
}
