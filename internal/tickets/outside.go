package tickets

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/text"
)

// ByHand names the system of a link that was typed in the portal.
const ByHand = "other"

var systemForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Outside is a ticket that another system keeps, as it says it stands.
type Outside struct {
	System string // small letters, digits and hyphens
	Key    string
	URL    string
	Status string // in the words of the system; may be empty
	Closed bool   // it has ended there
}

// SystemName is the system that keeps the ticket: the kind of its tracker, the name that a
// program gave, or ByHand.
func (l Link) SystemName() string {
	switch {
	case l.TrackerID != nil:
		return l.Kind
	case l.System != "":
		return l.System
	}
	return ByHand
}

// Is reports whether the link says the same already.
func (l Link) Is(o Outside) bool {
	return l.URL == text.Line(o.URL) && l.Status == cutStatus(o.Status) && l.Closed == o.Closed
}

// maxStatus is how many characters of a status are kept.
const maxStatus = 200

func cutStatus(s string) string {
	r := []rune(text.Line(s))
	return string(r[:min(len(r), maxStatus)])
}

// LinkOf reads the ticket of an item by its system and key, or by the id of its link while it has
// none; one that a tracker follows before others. It does not authorise: the API calls it for an item it has loaded for the reader.
func LinkOf(ctx context.Context, q postgres.Querier, item uuid.UUID, system, key string) (Link, error) {
	key = text.Line(key)
	if key == "" || !systemForm.MatchString(system) {
		return Link{}, errNoLink()
	}
	rows, err := q.Query(ctx, `select`+linkColumns+`
		where l.item_id = $1 and l.state <> 'removed' and (lower(l.key) = lower($3) or l.key = '' and l.id::text = lower($3))
			and coalesce(t.kind, nullif(l.system, ''), '`+ByHand+`') = $2
		order by l.tracker_id is null, l.made_at, l.id limit 1`, item, system, key)
	if err != nil {
		return Link{}, fmt.Errorf("read ticket: %w", err)
	}
	l, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Link])
	if errors.Is(err, pgx.ErrNoRows) {
		return l, errNoLink()
	}
	return l, err
}

// Put links a ticket that another system keeps to an item, or says anew where it is and how it
// stands, as it was seen at version; 0: there was none. What it says already is no change, whatever
// the version. It moves no item. Who may work on the item may. Invalid on "system", "key", "url"; conflict when it changed meanwhile, or when a
// tracker follows the ticket.
func (s *Service) Put(ctx context.Context, who identity.Actor, item uuid.UUID, version int, o Outside) (Link, error) {
	now := s.now()
	var id uuid.UUID
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		it, err := lockToWork(ctx, tx, who, item)
		if err != nil {
			return err
		}
		if !systemForm.MatchString(o.System) {
			return fault.InvalidField("system", "Name the system with up to 40 small letters, digits and hyphens.")
		}
		if o.Key, o.URL, err = checkLink(o.Key, o.URL); err != nil {
			return err
		}
		old, err := LinkOf(ctx, tx, item, o.System, o.Key)
		switch {
		case fault.Is(err, fault.NotFound):
			if version != 0 {
				return fault.New(fault.Conflict, "Somebody removed this ticket meanwhile.")
			}
			if err := room(ctx, tx, item); err != nil {
				return err
			}
			id = uuid.Must(uuid.NewV7())
		case err != nil:
			return err
		case old.TrackerID != nil:
			return fault.New(fault.Conflict, "This ticket is followed in %s, which says how it stands.", old.TrackerName)
		case old.Version != version && old.Is(o):
			id = old.ID
			return nil
		case old.Version != version:
			return fault.New(fault.Conflict, "Somebody changed this ticket meanwhile. Read it again.")
		default:
			id = old.ID
		}
		const sql = `
			insert into ticket_links (id, item_id, system, key, url, state, status, closed, problem, made_by, made_at, synced_at)
			values (@id, @item, @system, @key, @url, 'linked', @status, @closed, '', @me, @now, @synced)
			on conflict (id) do update set url = excluded.url, status = excluded.status, closed = excluded.closed, synced_at = excluded.synced_at, version = ticket_links.version + 1`
		args := pgx.StrictNamedArgs{
			"id": id, "item": item, "system": o.System, "key": o.Key, "url": o.URL, "status": cutStatus(o.Status), "closed": o.Closed, "me": who.PersonID, "now": now, "synced": &now,
		}
		if cutStatus(o.Status) == "" && !o.Closed {
			args["synced"] = nil
		}
		if _, err := tx.Exec(ctx, sql, args); err != nil {
			return err
		}
		return recordLink(ctx, tx, who, "ticket.linked", it, id, now)
	})
	if err != nil {
		return Link{}, fmt.Errorf("put ticket: %w", err)
	}
	return linkByID(ctx, s.db, id)
}

// room refuses more tickets than an item may have.
func room(ctx context.Context, tx pgx.Tx, item uuid.UUID) error {
	var n int
	if err := tx.QueryRow(ctx, `select count(*) from ticket_links where item_id = $1 and state <> 'removed'`, item).Scan(&n); err != nil {
		return err
	}
	if n >= 20 {
		return fault.InvalidField("key", "An item has at most 20 tickets.")
	}
	return nil
}
