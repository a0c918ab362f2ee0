package webhook

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

const (
	logPage   = 50
	maxReplay = 1000 // deliveries sent again by one act
)

func errNoDelivery() error { return fault.New(fault.NotFound, "There is no such delivery.") }

// Log is a page of Deliveries of the usual size.
func (s *Service) Log(ctx context.Context, who identity.Actor, endpoint uuid.UUID, state, after string) (list []Delivery, next string, err error) {
	return s.Deliveries(ctx, who, endpoint, state, after, logPage)
}

// Deliveries lists the deliveries of an endpoint, the newest first, and the id to go on after;
// empty on the last page. state narrows it unless it is empty. Admins may; not found when there
// is no such endpoint, invalid on "state" and "after".
func (s *Service) Deliveries(ctx context.Context, who identity.Actor, endpoint uuid.UUID, state, after string, limit int) (list []Delivery, next string, err error) {
	if _, err := s.Endpoint(ctx, who, endpoint); err != nil {
		return nil, "", err
	}
	if limit < 1 || limit > 100 {
		limit = logPage
	}
	if state != "" && !slices.Contains([]string{Pending, Delivered, Failed}, state) {
		return nil, "", fault.InvalidField("state", "There is no such state of a delivery.")
	}
	from, err := postgres.AfterID(after)
	if err != nil {
		return nil, "", err
	}
	if err := isOf(ctx, s.db, endpoint, from); err != nil {
		return nil, "", err
	}
	list, err = listDeliveries(ctx, s.db, endpoint, state, from, limit+1)
	if err == nil && len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID.String()
	}
	for i := range list {
		list[i].hide(who)
	}
	return list, next, err
}

// hide takes away what was sent of a restricted workload from who may not read all of these.
func (d *Delivery) hide(who identity.Actor) {
	if d.Restricted && !ReadsAll(who) {
		d.Body = nil
	}
}

// Delivery reads one delivery with its attempts, the newest first. Admins may.
func (s *Service) Delivery(ctx context.Context, who identity.Actor, id uuid.UUID) (Delivery, error) {
	if err := may(who); err != nil {
		return Delivery{}, err
	}
	d, err := deliveryByID(ctx, s.db, id)
	if err == nil {
		d.Tries, err = listAttempts(ctx, s.db, id)
		d.hide(who)
	}
	return d, err
}

// Replay delivers once more what ended, with the same id and bytes, and with
// attempts of its own from the first. Admins may; conflict when it is still pending, its endpoint is
// off, or hears of restricted workloads no more, of which it is.
func (s *Service) Replay(ctx context.Context, who identity.Actor, id uuid.UUID) (Delivery, error) {
	if err := may(who); err != nil {
		return Delivery{}, err
	}
	d, err := deliveryByID(ctx, s.db, id)
	if err != nil {
		return d, err
	}
	d.hide(who)
	n, err := s.replay(ctx, who, d.EndpointID, `id = $3`, id)
	switch {
	case err != nil || n > 0:
	case d.Restricted && d.State != Pending:
		err = fault.New(fault.Conflict, withheld)
	default:
		err = fault.New(fault.Conflict, "This delivery is not through yet: it is tried by itself.")
	}
	return d, err
}

// ReplaySince delivers once more what ended since the time: what failed, or everything. It
// returns how many; a thousand at most, the oldest first. What is of restricted workloads stays
// where it is unless the endpoint hears of these. Admins may; conflict when the endpoint is off.
func (s *Service) ReplaySince(ctx context.Context, who identity.Actor, endpoint uuid.UUID, since time.Time, all bool) (int, error) {
	if err := may(who); err != nil {
		return 0, err
	}
	condition := `made_at >= $3 and state = 'failed'`
	if all {
		condition = `made_at >= $3`
	}
	return s.replay(ctx, who, endpoint, condition, since)
}

func (s *Service) replay(ctx context.Context, who identity.Actor, endpoint uuid.UUID, condition string, arg any) (n int, err error) {
	now := s.now()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		e, err := lockEndpoint(ctx, tx, endpoint)
		if err != nil {
			return err
		}
		if e.State != On {
			return errOff()
		}
		sql := `
			update webhook_deliveries set state = 'pending', due_at = $2, leased_until = null, waits = false, ended_at = null, attempts_before = attempts
			where id in (select id from webhook_deliveries where endpoint_id = $1 and state <> 'pending' and (not restricted or $5) and ` + condition + ` order by made_at, id limit $4)
			returning id`
		rows, err := tx.Query(ctx, sql, endpoint, now, arg, maxReplay, e.Restricted)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil || len(ids) == 0 {
			return err
		}
		if n = len(ids); n > 0 {
			err = s.insertJobs(ctx, tx, ids, time.Time{})
		}
		if err != nil {
			return err
		}
		return record(ctx, tx, who, "webhook.replayed", endpoint, now, audit.Detail{Name: "deliveries", Value: fmt.Sprint(n)})
	})
	if err != nil {
		return 0, fmt.Errorf("replay: %w", err)
	}
	return n, nil
}
