package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/postgres"
)

const connectionColumns = `
	select c.id, c.account, c.name, t.id, t.key, t.name, c.mode, c.role_arn, c.external_id, c.regions, c.sources_off,
		c.hub, c.hub_region, c.version, coalesce(p.name, 'Orrery'), c.created_at, coalesce(r.name, ''), c.removed_at
	from connections c
	join accounts a on a.account = c.account
	join teams t on t.id = a.team_id
	left join people p on p.id = c.created_by
	left join people r on r.id = c.removed_by`

func scanConnection(row pgx.CollectableRow) (c Connection, err error) {
	return c, row.Scan(&c.ID, &c.Account, &c.Name, &c.TeamID, &c.TeamKey, &c.TeamName, &c.Mode, &c.RoleARN, &c.ExternalID, &c.Regions, &c.SourcesOff,
		&c.Hub, &c.HubRegion, &c.Version, &c.CreatedBy, &c.CreatedAt, &c.RemovedBy, &c.RemovedAt)
}

func listConnections(ctx context.Context, q postgres.Querier) ([]Connection, error) {
	rows, err := q.Query(ctx, connectionColumns+` order by c.removed_at is not null, lower(c.name), c.id limit 500`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanConnection)
}

// loadConnection reads a connection, with a locking clause or none.
func loadConnection(ctx context.Context, q postgres.Querier, id uuid.UUID, lock string) (Connection, error) {
	rows, err := q.Query(ctx, connectionColumns+` where c.id = $1`+lock, id)
	if err != nil {
		return Connection{}, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanConnection)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, errNoConnection()
	}
	return c, err
}

// connectionOf reads the connection that stands for an account; found is false when there
// is none.
func connectionOf(ctx context.Context, q postgres.Querier, account string) (c Connection, found bool, err error) {
	rows, err := q.Query(ctx, connectionColumns+` where c.account = $1 and c.removed_at is null`, account)
	if err != nil {
		return c, false, fmt.Errorf("read connection: %w", err)
	}
	c, err = pgx.CollectExactlyOneRow(rows, scanConnection)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, false, nil
	}
	return c, err == nil, err
}

func insertConnection(ctx context.Context, tx pgx.Tx, c Connection, by *uuid.UUID) error {
	const sql = `
		insert into connections (id, account, name, mode, role_arn, external_id, regions, sources_off, hub, hub_region, created_by, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	_, err := tx.Exec(ctx, sql, c.ID, c.Account, c.Name, c.Mode, c.RoleARN, c.ExternalID, c.Regions, c.SourcesOff, c.Hub, c.HubRegion, by, c.CreatedAt)
	if postgres.IsUnique(err, "connections_one_active") {
		return fault.InvalidField("account", "This account is connected already. Remove that connection first.")
	}
	return hubTaken(err)
}

// updateConnection stores what may be changed of a connection, and counts its version.
func updateConnection(ctx context.Context, tx pgx.Tx, c Connection) error {
	const sql = `
		update connections set name = $2, mode = $3, role_arn = $4, external_id = $5, regions = $6, sources_off = $7,
			hub = $8, hub_region = $9, version = version + 1
		where id = $1`
	_, err := tx.Exec(ctx, sql, c.ID, c.Name, c.Mode, c.RoleARN, c.ExternalID, c.Regions, c.SourcesOff, c.Hub, c.HubRegion)
	return hubTaken(err)
}

func hubTaken(err error) error {
	if postgres.IsUnique(err, "connections_one_hub") {
		return fault.InvalidField("hub", "Another account is the hub already. An organisation has one.")
	}
	return err
}

// hubConnection reads the connection to the organisation's hub; found is false when there
// is none.
func hubConnection(ctx context.Context, q postgres.Querier) (c Connection, found bool, err error) {
	rows, err := q.Query(ctx, connectionColumns+` where c.hub and c.removed_at is null`)
	if err != nil {
		return c, false, fmt.Errorf("read the hub's connection: %w", err)
	}
	c, err = pgx.CollectExactlyOneRow(rows, scanConnection)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, false, nil
	}
	return c, err == nil, err
}

func endConnection(ctx context.Context, tx pgx.Tx, id uuid.UUID, by *uuid.UUID, now time.Time) error {
	_, err := tx.Exec(ctx, `update connections set removed_by = $2, removed_at = $3 where id = $1`, id, by, now)
	return err
}

// RemovedAccounts lists those of the accounts whose connection was removed and not made
// anew: what is stored of them is from before. It does not authorise: pages call it for a
// workload they have read.
func RemovedAccounts(ctx context.Context, q postgres.Querier, accounts []string) ([]string, error) {
	rows, err := q.Query(ctx, `
		select account from connections where account = any($1)
		group by account having bool_and(removed_at is not null) order by account`, notNil(accounts))
	if err != nil {
		return nil, fmt.Errorf("read removed connections: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
