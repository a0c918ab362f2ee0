package workload

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/text"
)

const columns = `
	w.id, w.key, w.name, w.description, w.team_id, t.key as team_key, t.name as team_name,
	w.tier, w.stage, w.restricted, w.launch_on, w.version, w.created_at, w.updated_at, w.retired_at, w.retired_reason,
	coalesce(s.id, '00000000-0000-0000-0000-000000000000') as scope_id, coalesce(s.name, '') as scope_name,
	coalesce(s.accounts, '{}') as accounts, coalesce(s.regions, '{}') as regions,
	coalesce(s.tags, '{}') as tags, coalesce(s.application_arn, '') as application_arn,
	coalesce(s.wa_workloads, '{}') as wa_workloads
	from workloads w
	join teams t on t.id = w.team_id
	left join scopes s on s.workload_id = w.id and s.production`

func scan(row pgx.CollectableRow) (Workload, error) {
	var w Workload
	p := &w.Production
	err := row.Scan(&w.ID, &w.Key, &w.Name, &w.Description, &w.TeamID, &w.TeamKey, &w.TeamName,
		&w.Tier, &w.Stage, &w.Restricted, &w.LaunchOn, &w.Version, &w.CreatedAt, &w.UpdatedAt, &w.RetiredAt, &w.RetiredReason,
		&p.ID, &p.Name, &p.Accounts, &p.Regions, &p.Tags, &p.ApplicationARN, &p.WAWorkloads)
	return w, err
}

// errNotFound is what a missing and an unreadable workload both look like.
func errNotFound() error { return fault.New(fault.NotFound, "There is no such workload.") }

func collect(ctx context.Context, q postgres.Querier, who identity.Actor, sql string, args ...any) (Workload, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return Workload{}, fmt.Errorf("read workload: %w", err)
	}
	w, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return Workload{}, errNotFound()
	}
	if err != nil {
		return Workload{}, fmt.Errorf("read workload: %w", err)
	}
	if !who.CanRead(w.Target()) {
		return Workload{}, errNotFound()
	}
	return w, nil
}

// Load reads a workload by its id; not found when who may not read it. It serves other
// rooms, inside their transactions or outside.
func Load(ctx context.Context, q postgres.Querier, who identity.Actor, id uuid.UUID) (Workload, error) {
	return collect(ctx, q, who, `select`+columns+` where w.id = $1`, id)
}

// lock is Load with the row locked for the rest of the transaction.
func lock(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID) (Workload, error) {
	return lockAndLoad(ctx, tx, who, id, `select from workloads where id = $1 for update`)
}

// lockAndLoad takes the lock in a statement of its own: one that joins the team would not find
// a workload that moved while it waited.
func lockAndLoad(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID, lock string) (Workload, error) {
	if _, err := tx.Exec(ctx, lock, id); err != nil {
		return Workload{}, fmt.Errorf("lock workload: %w", err)
	}
	return Load(ctx, tx, who, id)
}

// LoadByKey is Load by the key, or a key that the workload had before.
func LoadByKey(ctx context.Context, q postgres.Querier, who identity.Actor, key string) (Workload, error) {
	return collect(ctx, q, who, byKey, key)
}

// IDOfKey is, in SQL, the id of the workload whose key is or was $1.
const IDOfKey = `coalesce((select id from workloads where key = $1), (select workload_id from workload_keys where key = $1))`

const byKey = `select` + columns + ` where w.id = ` + IDOfKey

// LoadByKeyWith is LoadByKey in one go with what b asks for. That is read for whoever asks: it
// counts only when no error is returned.
func LoadByKeyWith(ctx context.Context, q postgres.Batcher, who identity.Actor, key string, b *pgx.Batch) (Workload, error) {
	var found []Workload
	postgres.Collect(b, &found, scan, byKey, key)
	if err := q.SendBatch(ctx, b).Close(); err != nil {
		return Workload{}, fmt.Errorf("read workload: %w", err)
	}
	if len(found) == 0 || !who.CanRead(found[0].Target()) {
		return Workload{}, errNotFound()
	}
	return found[0], nil
}

func teamByKey(ctx context.Context, q postgres.Querier, key string) (id uuid.UUID, err error) {
	err = q.QueryRow(ctx, `select id from teams where key = $1`, text.Clean(key)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return id, fault.InvalidField("team", "Choose a team from the list.")
	}
	return id, err
}

func insert(ctx context.Context, tx pgx.Tx, w Workload, by *uuid.UUID) error {
	const sql = `
		insert into workloads (id, key, name, description, team_id, tier, stage, restricted, launch_on, created_by, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`
	_, err := tx.Exec(ctx, sql, w.ID, w.Key, w.Name, w.Description, w.TeamID, w.Tier, w.Stage, w.Restricted, w.LaunchOn, by, w.CreatedAt)
	return keyTaken(err)
}

func update(ctx context.Context, tx pgx.Tx, w Workload) error {
	const sql = `
		update workloads set key = $2, name = $3, description = $4, team_id = $5, tier = $6, stage = $7,
			restricted = $8, launch_on = $9, updated_at = $10, version = version + 1
		where id = $1`
	_, err := tx.Exec(ctx, sql, w.ID, w.Key, w.Name, w.Description, w.TeamID, w.Tier, w.Stage, w.Restricted, w.LaunchOn, w.UpdatedAt)
	return keyTaken(err)
}

func keyTaken(err error) error {
	if postgres.IsUnique(err, "workloads_key_unique") {
		return fault.InvalidField("key", "Another workload has this key.")
	}
	return err
}

// keepOldKey makes the key a workload had redirect for ever, and frees a key it takes back.
func keepOldKey(ctx context.Context, tx pgx.Tx, id uuid.UUID, old, now string) error {
	const sql = `
		with freed as (delete from workload_keys where key = $3 and workload_id = $1)
		insert into workload_keys (key, workload_id) values ($2, $1)
		on conflict (key) do update set workload_id = excluded.workload_id`
	_, err := tx.Exec(ctx, sql, id, old, now)
	return err
}

// oldKeyTaken reports whether the key redirects to another workload.
func oldKeyTaken(ctx context.Context, q postgres.Querier, key string, self uuid.UUID) (taken bool, err error) {
	err = q.QueryRow(ctx, `select exists (select from workload_keys where key = $1 and workload_id <> $2)`, key, self).Scan(&taken)
	return taken, err
}

// putProduction writes the production scope: made when the first account is named, kept
// but emptied when the last one goes, since runs refer to it.
func putProduction(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID, s Scope) error {
	if s.Empty() && s.ID == uuid.Nil {
		return nil
	}
	if s.ID == uuid.Nil {
		s.ID = uuid.Must(uuid.NewV7())
	}
	const sql = `
		insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn, wa_workloads)
		values ($1, $2, 'production', true, $3, $4, $5, $6, $7)
		on conflict (id) do update set accounts = excluded.accounts, regions = excluded.regions,
			tags = excluded.tags, application_arn = excluded.application_arn, wa_workloads = excluded.wa_workloads`
	_, err := tx.Exec(ctx, sql, s.ID, workloadID, s.Accounts, s.Regions, s.Tags, s.ApplicationARN, s.WAWorkloads)
	return err
}
