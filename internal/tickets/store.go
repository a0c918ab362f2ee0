package tickets

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/postgres"
)

const trackerColumns = `
	t.id, t.kind, t.name, t.url, t.project, t.account, t.issue_type, t.active, t.version, t.made_at,
	(select count(*) from ticket_links l where l.tracker_id = t.id and l.state = 'linked') as links
	from trackers t`

func listTrackers(ctx context.Context, q postgres.Querier) ([]Tracker, error) {
	rows, err := q.Query(ctx, `select`+trackerColumns+` order by lower(t.name), t.id`)
	if err != nil {
		return nil, fmt.Errorf("list trackers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Tracker])
}

func trackerByID(ctx context.Context, q postgres.Querier, id uuid.UUID) (Tracker, error) {
	rows, err := q.Query(ctx, `select`+trackerColumns+` where t.id = $1`, id)
	if err != nil {
		return Tracker{}, fmt.Errorf("read tracker: %w", err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Tracker])
	if errors.Is(err, pgx.ErrNoRows) {
		return t, errNoTracker()
	}
	return t, err
}

// secret opens what is sealed in a column of a tracker.
func (s *Service) secret(ctx context.Context, q postgres.Querier, id uuid.UUID, column, purpose string) (string, error) {
	var sealed []byte
	if err := q.QueryRow(ctx, `select `+column+` from trackers where id = $1`, id).Scan(&sealed); err != nil {
		return "", fmt.Errorf("read secret of tracker: %w", err)
	}
	return s.door.Open(purpose, sealed)
}

// token opens the token of a tracker; a refusal when it was sealed with another key.
func (s *Service) token(ctx context.Context, id uuid.UUID) (string, error) {
	var sealed []byte
	if err := s.db.QueryRow(ctx, `select token from trackers where id = $1`, id).Scan(&sealed); err != nil {
		return "", fmt.Errorf("read token of tracker: %w", err)
	}
	token, err := s.door.Open(tokenPurpose(id), sealed)
	if err != nil {
		return "", &refusal{Words: "The token of the tracker cannot be read: the key for secrets is another one. An admin writes the token again."}
	}
	return token, nil
}

const linkColumns = `
	l.id, l.item_id, l.tracker_id, coalesce(t.name, '') as tracker_name, coalesce(t.kind, '') as kind, l.key, l.url, l.state, l.status,
	l.closed, l.told_resolved as told, l.synced_at, coalesce(nullif(l.problem, ''), l.tell_problem) as problem, l.made_by, l.made_at, l.system, l.version
	from ticket_links l
	left join trackers t on t.id = l.tracker_id`

// LinksOf lists the tickets of an item, the oldest first. It does not authorise: pages call it
// for an item they have loaded for the reader.
func LinksOf(ctx context.Context, q postgres.Querier, item uuid.UUID) ([]Link, error) {
	rows, err := q.Query(ctx, `select`+linkColumns+` where l.item_id = $1 and l.state <> 'removed' order by l.made_at, l.id limit 50`, item)
	if err != nil {
		return nil, fmt.Errorf("list tickets: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Link])
}

func linkByID(ctx context.Context, q postgres.Querier, id uuid.UUID) (Link, error) {
	rows, err := q.Query(ctx, `select`+linkColumns+` where l.id = $1`, id)
	if err != nil {
		return Link{}, fmt.Errorf("read ticket: %w", err)
	}
	l, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Link])
	if errors.Is(err, pgx.ErrNoRows) {
		return l, errNoLink()
	}
	return l, err
}

// Choice is a tracker as the page of an item offers it.
type Choice struct {
	ID   uuid.UUID
	Name string
}

// Choices lists the trackers that are on. It does not authorise: pages call it for people who
// may work on an item.
func Choices(ctx context.Context, q postgres.Querier) ([]Choice, error) {
	rows, err := q.Query(ctx, `select id, name from trackers where active order by lower(name), id limit 100`)
	if err != nil {
		return nil, fmt.Errorf("list trackers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Choice])
}

// KeysOf gives the keys of the items' tickets, with commas between, by the item's id. It does
// not authorise: pages call it for items they have loaded for the reader.
func KeysOf(ctx context.Context, q postgres.Querier, items []uuid.UUID) (map[string]string, error) {
	const sql = `
		select item_id, string_agg(key, ', ' order by made_at, id) from ticket_links
		where item_id = any($1) and state = 'linked' group by item_id`
	rows, err := q.Query(ctx, sql, items)
	if err != nil {
		return nil, fmt.Errorf("read keys of tickets: %w", err)
	}
	keys := map[string]string{}
	var id uuid.UUID
	var key string
	_, err = pgx.ForEachRow(rows, []any{&id, &key}, func() error { keys[id.String()] = key; return nil })
	return keys, err
}
