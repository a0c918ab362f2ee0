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

// Queue is the River queue of deliveries.
const Queue = "webhooks"

const (
	lease         = outbound.Timeout + 10*time.Second // of one attempt; after it the worker is taken for dead
	lost          = 10 * time.Minute                  // a delivery that is due for so long has lost its job
	sweepInterval = 10 * time.Second
	keepEnded     = 30 * 24 * time.Hour
	maxAnswer     = 64 << 10 // bytes read of an answer, so that the connection can be used again
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

// InsertOpts puts the job in its queue. What is tried again is a new job.
func (DeliverArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: 3}
}

// SweepArgs is the job that makes jobs for deliveries whose worker died, and forgets old ones.
type SweepArgs struct{}

// Kind names the job.
func (SweepArgs) Kind() string { return "webhook.sweep" }

// InsertOpts lets a sweep go before the deliveries that wait.
func (SweepArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: 1}
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

// claimed is a delivery that this worker may try now.
type claimed struct {
	EndpointID   uuid.UUID
	EventID      uuid.UUID
	Body         []byte
	Attempts     int
	URL          string
	State        string
	Secret       []byte
	SecretBefore []byte
	BeforeUntil  *time.Time
}

// Deliver makes one attempt at a delivery that is due and that nobody else tries. It does not
// authorise: the queue calls it.
func (s *Service) Deliver(ctx context.Context, id uuid.UUID) error {
	start := s.now()
	c, err := s.claim(ctx, id, start)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("claim delivery: %w", err)
	}
	a := Attempt{Number: c.Attempts + 1, At: start}
	var wait time.Duration
	if c.State == On {
		wait = s.send(ctx, c, &a)
		a.TookMS = int(s.now().Sub(start).Milliseconds())
	} else {
		a.Problem = "The webhook is off."
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.settle(after, id, c, a, wait)
}

func (s *Service) claim(ctx context.Context, id uuid.UUID, now time.Time) (claimed, error) {
	const sql = `
		update webhook_deliveries d set leased_until = $3
		from webhook_endpoints e
		where d.id = $1 and e.id = d.endpoint_id and d.state = 'pending' and d.due_at <= $2::timestamptz + interval '1 second'
			and (d.leased_until is null or d.leased_until < $2)
		returning d.endpoint_id, d.event_id, d.body, d.attempts, e.url, e.state, e.secret, e.secret_before, e.before_until`
	rows, err := s.db.Query(ctx, sql, id, now, now.Add(lease))
	if err != nil {
		return claimed{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[claimed])
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

// settle stores what came of an attempt: delivered, to be tried again, or given up.
func (s *Service) settle(ctx context.Context, id uuid.UUID, c claimed, a Attempt, wait time.Duration) error {
	now := s.now()
	state, due := Delivered, now
	switch tried := a.Number - replayedFrom(a.Number); {
	case a.Status/100 == 2:
	case c.State != On || a.Status == http.StatusGone || tried > len(delays):
		state = Failed
	default:
		state, due = Pending, now.Add(max(delays[tried-1], wait))
	}
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		const attempt = `insert into webhook_attempts (delivery_id, number, at, took_ms, status, problem) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`
		if _, err := tx.Exec(ctx, attempt, id, a.Number, a.At, a.TookMS, a.Status, a.Problem); err != nil {
			return err
		}
		const delivery = `
			update webhook_deliveries set state = $2, attempts = $3, due_at = $4, leased_until = null, ended_at = case when $2 = 'pending' then null else $5::timestamptz end
			where id = $1 and state = 'pending' and attempts < $3`
		moved, err := tx.Exec(ctx, delivery, id, state, a.Number, due, now)
		if err != nil || moved.RowsAffected() == 0 {
			return err
		}
		if a.Status == http.StatusGone {
			return s.gone(ctx, tx, c.EndpointID, now)
		}
		if state == Pending {
			return s.insertJobs(ctx, tx, []uuid.UUID{id}, due)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle delivery: %w", err)
	}
	return nil
}

// replayedFrom is the attempt before the round that attempt number n is in: a replay has
// attempts of its own.
func replayedFrom(n int) int { return (n - 1) / (len(delays) + 1) * (len(delays) + 1) }

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
			update webhook_deliveries set leased_until = null, due_at = greatest(due_at, $1)
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
