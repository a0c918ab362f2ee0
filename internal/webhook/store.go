package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/postgres"
)

const endpointColumns = `
	e.id, e.name, e.url, e.events, e.restricted, e.state, e.before_until, e.version, e.made_at, coalesce(p.name, '') as made_by,
	n.pending, n.failed, coalesce(l.status, 0) as last_status, l.at as last_at, coalesce(l.problem, '') as last_problem
	from webhook_endpoints e
	left join people p on p.id = e.made_by
	cross join lateral (
		select count(*) filter (where d.state = 'pending') as pending, count(*) filter (where d.state = 'failed') as failed
		from webhook_deliveries d where d.endpoint_id = e.id) n
	left join lateral (
		select a.status, a.at, a.problem from webhook_attempts a join webhook_deliveries d on d.id = a.delivery_id
		where d.endpoint_id = e.id order by d.made_at desc, a.number desc limit 1) l on true`

func listEndpoints(ctx context.Context, q postgres.Querier) ([]Endpoint, error) {
	rows, err := q.Query(ctx, `select`+endpointColumns+` order by lower(e.name), e.id`)
	if err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Endpoint])
}

func endpointByID(ctx context.Context, q postgres.Querier, id uuid.UUID) (Endpoint, error) {
	rows, err := q.Query(ctx, `select`+endpointColumns+` where e.id = $1`, id)
	if err != nil {
		return Endpoint{}, fmt.Errorf("read webhook: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Endpoint])
	if errors.Is(err, pgx.ErrNoRows) {
		return e, errNoEndpoint()
	}
	return e, err
}

func lockEndpoint(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Endpoint, error) {
	if _, err := tx.Exec(ctx, `select from webhook_endpoints where id = $1 for update`, id); err != nil {
		return Endpoint{}, fmt.Errorf("lock webhook: %w", err)
	}
	return endpointByID(ctx, tx, id)
}

func insertEndpoint(ctx context.Context, tx pgx.Tx, id uuid.UUID, in Input, sealed []byte, by uuid.UUID, now time.Time) error {
	const sql = `
		insert into webhook_endpoints (id, name, url, events, restricted, state, secret, made_by, made_at)
		values (@id, @name, @url, @events, @restricted, @state, @secret, @by, @now)`
	_, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"id": id, "name": in.Name, "url": in.URL, "events": in.Events, "restricted": in.Restricted, "state": in.state(), "secret": sealed, "by": by, "now": now,
	})
	return err
}

func updateEndpoint(ctx context.Context, tx pgx.Tx, id uuid.UUID, in Input) error {
	const sql = `
		update webhook_endpoints set name = @name, url = @url, events = @events, restricted = @restricted, state = @state, version = version + 1
		where id = @id`
	_, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"id": id, "name": in.Name, "url": in.URL, "events": in.Events, "restricted": in.Restricted, "state": in.state(),
	})
	return err
}

// withheld is said of what is not sent because its endpoint hears of restricted workloads no more.
const withheld = "It is of a restricted workload, and the webhook does not hear of these any more."

// giveUpRestricted gives up what waits of restricted workloads. What is on its way now is not sent
// again after it.
func giveUpRestricted(ctx context.Context, tx pgx.Tx, endpoint uuid.UUID, now time.Time) error {
	const sql = `
		with given as (
			update webhook_deliveries set state = 'failed', attempts = attempts + 1, leased_until = null, waits = false, ended_at = $2
			where endpoint_id = $1 and restricted and state = 'pending' and (leased_until is null or leased_until < $2)
			returning id, attempts)
		insert into webhook_attempts (delivery_id, number, at, took_ms, status, problem) select id, attempts, $2, 0, 0, $3 from given`
	_, err := tx.Exec(ctx, sql, endpoint, now, withheld)
	return err
}

const deliveryColumns = `
	d.id, d.endpoint_id, d.event_id, d.type, d.restricted, d.body, d.state, d.attempts, d.made_at, d.due_at, d.ended_at,
	coalesce(a.status, 0) as last_status, coalesce(a.problem, '') as last_problem
	from webhook_deliveries d
	left join webhook_attempts a on a.delivery_id = d.id and a.number = d.attempts`

func deliveryByID(ctx context.Context, q postgres.Querier, id uuid.UUID) (Delivery, error) {
	rows, err := q.Query(ctx, `select`+deliveryColumns+` where d.id = $1`, id)
	if err != nil {
		return Delivery{}, fmt.Errorf("read delivery: %w", err)
	}
	d, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Delivery])
	if errors.Is(err, pgx.ErrNoRows) {
		return d, errNoDelivery()
	}
	return d, err
}

func listDeliveries(ctx context.Context, q postgres.Querier, endpoint uuid.UUID, state string, after *uuid.UUID, limit int) ([]Delivery, error) {
	rows, err := q.Query(ctx, `select`+deliveryColumns+`
		where d.endpoint_id = $1 and ($2 = '' or d.state = $2)
			and ($3::uuid is null or (d.made_at, d.id) < (select x.made_at, x.id from webhook_deliveries x where x.id = $3))
		order by d.made_at desc, d.id desc limit $4`, endpoint, state, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Delivery])
}

// isOf refuses a page that goes on after what is no delivery of the endpoint, or none any more.
func isOf(ctx context.Context, q postgres.Querier, endpoint uuid.UUID, after *uuid.UUID) error {
	ok := after == nil
	if !ok {
		const sql = `select exists (select from webhook_deliveries where id = $1 and endpoint_id = $2)`
		if err := q.QueryRow(ctx, sql, after, endpoint).Scan(&ok); err != nil {
			return fmt.Errorf("find delivery: %w", err)
		}
	}
	if !ok {
		return fault.InvalidField("after", "This page of the list cannot be found; start again from the first.")
	}
	return nil
}

func listAttempts(ctx context.Context, q postgres.Querier, delivery uuid.UUID) ([]Attempt, error) {
	rows, err := q.Query(ctx, `select number, at, took_ms, status, problem from webhook_attempts where delivery_id = $1 order by number desc limit 100`, delivery)
	if err != nil {
		return nil, fmt.Errorf("list attempts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Attempt])
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
