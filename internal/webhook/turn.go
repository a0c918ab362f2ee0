package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// claimed is a delivery that this worker may try now.
type claimed struct {
	ID             uuid.UUID // uuid.Nil: nothing is claimed
	EndpointID     uuid.UUID
	EventID        uuid.UUID
	Body           []byte
	Attempts       int
	AttemptsBefore int // of the time before the last replay
	URL            string
	State          string
	Secret         []byte
	SecretBefore   []byte
	BeforeUntil    *time.Time
	Withheld       bool // of a restricted workload, of which the endpoint does not hear

	Pace string // what this attempt showed; empty: nothing
}

// turn runs do in a transaction with the endpoint of a delivery locked, by few workers at once,
// so that those who wait for one endpoint do not take every connection.
func (s *Service) turn(ctx context.Context, delivery uuid.UUID, do func(pgx.Tx) error) error {
	select {
	case s.doors <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.doors }()
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		const sql = `select from webhook_endpoints where id = (select endpoint_id from webhook_deliveries where id = $1) for no key update`
		if _, err := tx.Exec(ctx, sql, delivery); err != nil {
			return err
		}
		return do(tx)
	})
}

// claim leases a delivery that is due. When its endpoint has as many attempts as it may, the
// delivery is marked as waiting. No rows when there is nothing to do now.
func (s *Service) claim(ctx context.Context, id uuid.UUID, now time.Time) (c claimed, err error) {
	err = s.turn(ctx, id, func(tx pgx.Tx) error {
		c, err = take(ctx, tx, id, now)
		return err
	})
	if err == nil && c.ID == uuid.Nil {
		err = pgx.ErrNoRows
	}
	return c, err
}

// take is claim while the endpoint is locked; nothing when there is nothing to do now.
func take(ctx context.Context, tx pgx.Tx, id uuid.UUID, now time.Time) (claimed, error) {
	const sql = `
		with due as (
			select d.id, (select count(*) from webhook_deliveries l where l.endpoint_id = d.endpoint_id and l.leased_until >= $2) >= case when e.pace = 'brisk' then $4 else 1 end as full
			from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id
			where d.id = $1 and d.state = 'pending' and d.due_at <= $2::timestamptz + interval '1 second'
				and (d.leased_until is null or d.leased_until < $2))
		update webhook_deliveries d set leased_until = case when due.full then null else $3::timestamptz end, waits = due.full
		from due, webhook_endpoints e
		where d.id = due.id and e.id = d.endpoint_id
		returning due.full, d.id, d.endpoint_id, d.event_id, d.body, d.attempts, d.attempts_before, e.url, e.state, e.secret, e.secret_before, e.before_until,
			d.restricted and not e.restricted`
	rows, err := tx.Query(ctx, sql, id, now, now.Add(lease), atOnce)
	if err != nil {
		return claimed{}, err
	}
	var c claimed
	full := true
	_, err = pgx.ForEachRow(rows, []any{&full, &c.ID, &c.EndpointID, &c.EventID, &c.Body, &c.Attempts, &c.AttemptsBefore, &c.URL, &c.State, &c.Secret, &c.SecretBefore, &c.BeforeUntil, &c.Withheld},
		func() error { return nil })
	if err != nil || full {
		return claimed{}, err
	}
	return c, nil
}

// takeWaiting takes the delivery that has waited longest for an attempt at the endpoint.
func takeWaiting(ctx context.Context, tx pgx.Tx, endpoint uuid.UUID, now time.Time) (claimed, error) {
	var id uuid.UUID
	err := tx.QueryRow(ctx, `select id from webhook_deliveries where endpoint_id = $1 and waits order by due_at, id limit 1`, endpoint).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return claimed{}, nil
	}
	if err != nil {
		return claimed{}, err
	}
	return take(ctx, tx, id, now)
}

// settle stores what came of an attempt: delivered, to be tried again, or given up. What waits
// for the endpoint goes next: the caller has claimed it when more says so and the receiver
// answered, else there is a job for it.
func (s *Service) settle(ctx context.Context, c claimed, a Attempt, wait time.Duration, more bool) (next claimed, err error) {
	id, now := c.ID, s.now()
	state, due := Delivered, now
	switch tried := a.Number - c.AttemptsBefore; {
	case a.Status/100 == 2:
	case c.Withheld || c.State != On || a.Status == http.StatusGone || tried > len(delays):
		state = Failed
	default:
		state, due = Pending, now.Add(max(delays[tried-1], wait))
	}
	err = s.turn(ctx, id, func(tx pgx.Tx) error {
		const attempt = `insert into webhook_attempts (delivery_id, number, at, took_ms, status, problem) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`
		if _, err := tx.Exec(ctx, attempt, id, a.Number, a.At, a.TookMS, a.Status, a.Problem); err != nil {
			return err
		}
		const delivery = `
			update webhook_deliveries set state = $2, attempts = $3, due_at = $4, leased_until = null, ended_at = case when $2 = 'pending' then null else $5::timestamptz end
			where id = $1 and state = 'pending' and attempts < $3`
		moved, err := tx.Exec(ctx, delivery, id, state, a.Number, due, now)
		if err != nil {
			return err
		}
		changed, err := keepPace(ctx, tx, c)
		if err != nil {
			return err
		}
		waiting := 1
		if changed && c.Pace == "brisk" {
			waiting = atOnce
		}
		if more && c.Pace == "brisk" {
			if next, err = takeWaiting(ctx, tx, c.EndpointID, now); err != nil {
				return err
			}
			if next.ID != uuid.Nil {
				waiting--
			}
		}
		if err := s.next(ctx, tx, c.EndpointID, waiting); err != nil || moved.RowsAffected() == 0 {
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
		return claimed{}, fmt.Errorf("settle delivery: %w", err)
	}
	return next, nil
}

// keepPace stores what the attempt showed of the endpoint, and reports whether that is new.
func keepPace(ctx context.Context, tx pgx.Tx, c claimed) (bool, error) {
	if c.Pace == "" {
		return false, nil
	}
	changed, err := tx.Exec(ctx, `update webhook_endpoints set pace = $2 where id = $1 and pace <> $2`, c.EndpointID, c.Pace)
	return changed.RowsAffected() > 0, err
}

// next makes jobs for the deliveries that have waited longest for an attempt at the endpoint.
func (s *Service) next(ctx context.Context, tx pgx.Tx, endpoint uuid.UUID, most int) error {
	const sql = `
		update webhook_deliveries set waits = false
		where id in (select id from webhook_deliveries where endpoint_id = $1 and waits order by due_at, id limit $2)
		returning id`
	rows, err := tx.Query(ctx, sql, endpoint, most)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	return s.insertJobs(ctx, tx, ids, time.Time{})
}
