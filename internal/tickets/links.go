package tickets

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/outbound"
	"orrery/internal/remediation"
	"orrery/internal/text"
)

func errNoLink() error { return fault.New(fault.NotFound, "There is no such ticket.") }

// Create asks a tracker for a ticket of an item: a job makes it, so the link has no key at
// first. What failed before is tried again. Who may work on the item may. Invalid on
// "tracker"; conflict when the item has a ticket there.
func (s *Service) Create(ctx context.Context, who identity.Actor, item, tracker uuid.UUID) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		it, err := lockToWork(ctx, tx, who, item)
		if err != nil {
			return err
		}
		t, err := trackerByID(ctx, tx, tracker)
		if fault.Is(err, fault.NotFound) || err == nil && !t.Active {
			return fault.InvalidField("tracker", "Choose a tracker from the list.")
		}
		if err != nil {
			return err
		}
		id := uuid.Must(uuid.NewV7())
		const sql = `
			insert into ticket_links as l (id, item_id, tracker_id, key, url, state, status, closed, problem, made_by, made_at)
			values ($1, $2, $3, '', '', 'creating', '', false, '', $4, $5)
			on conflict (item_id, tracker_id) where tracker_id is not null and state <> 'removed'
				do update set state = 'creating', problem = '' where l.state = 'failed'
			returning id`
		rows, err := tx.Query(ctx, sql, id, item, tracker, who.PersonID, now)
		if err != nil {
			return err
		}
		made, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		if len(made) == 0 {
			return fault.New(fault.Conflict, "This item has a ticket in %s already, or one is being made.", t.Name)
		}
		if _, err := s.jobs.InsertTx(ctx, tx, MakeArgs{LinkID: made[0]}, nil); err != nil {
			return err
		}
		return recordLink(ctx, tx, who, "ticket.asked", it, made[0], now)
	})
	if err != nil {
		return fmt.Errorf("make ticket: %w", err)
	}
	return nil
}

// LinkByHand links a ticket of any system to an item, which is then not followed; one that is
// linked already stays as it is. Who may work on the item may. Invalid on "key" and "url".
func (s *Service) LinkByHand(ctx context.Context, who identity.Actor, item uuid.UUID, key, address string) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		it, err := lockToWork(ctx, tx, who, item)
		if err != nil {
			return err
		}
		if key, address, err = checkLink(key, address); err != nil {
			return err
		}
		var twice bool
		const same = `
			select exists (select from ticket_links
			where item_id = $1 and tracker_id is null and state <> 'removed' and lower(key) = lower($2) and url = $3)`
		if err := tx.QueryRow(ctx, same, item, key, address).Scan(&twice); err != nil || twice {
			return err
		}
		if err := room(ctx, tx, item); err != nil {
			return err
		}
		id := uuid.Must(uuid.NewV7())
		const sql = `
			insert into ticket_links (id, item_id, key, url, state, status, closed, problem, made_by, made_at)
			values ($1, $2, $3, $4, 'linked', '', false, '', $5, $6)`
		if _, err := tx.Exec(ctx, sql, id, item, key, address, who.PersonID, now); err != nil {
			return err
		}
		return recordLink(ctx, tx, who, "ticket.linked", it, id, now)
	})
	if err != nil {
		return fmt.Errorf("link ticket: %w", err)
	}
	return nil
}

// checkLink brings a ticket that was typed into the form that is stored.
func checkLink(key, address string) (cleanKey, cleanAddress string, err error) {
	key, address = text.Line(key), text.Line(address)
	var bad []fault.Field
	if n := len([]rune(key)); n == 0 || n > 200 {
		bad = append(bad, fault.Field{Name: "key", Message: "Write the key of the ticket, of at most 200 characters."})
	}
	if words := outbound.CheckURL(address); words != "" {
		bad = append(bad, fault.Field{Name: "url", Message: words})
	}
	return key, address, fault.InvalidFields(bad...)
}

// Unlink no longer follows a ticket; the ticket itself stays. Who may work on the item may.
func (s *Service) Unlink(ctx context.Context, who identity.Actor, item, link uuid.UUID) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		it, err := lockToWork(ctx, tx, who, item)
		if err != nil {
			return err
		}
		moved, err := tx.Exec(ctx, `update ticket_links set state = 'removed' where id = $1 and item_id = $2 and state <> 'removed'`, link, item)
		if err != nil {
			return err
		}
		if moved.RowsAffected() == 0 {
			return errNoLink()
		}
		return recordLink(ctx, tx, who, "ticket.unlinked", it, link, now)
	})
	if err != nil {
		return fmt.Errorf("unlink ticket: %w", err)
	}
	return nil
}

func lockToWork(ctx context.Context, tx pgx.Tx, who identity.Actor, item uuid.UUID) (remediation.Item, error) {
	it, err := remediation.LockItem(ctx, tx, who, item)
	if err != nil {
		return it, err
	}
	return it, who.May(identity.WorkItems, it.Target())
}

func recordLink(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, it remediation.Item, link uuid.UUID, at time.Time) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(it.WorkloadID), Verb: verb, TargetKind: "ticket", TargetID: link.String(), At: at,
		Details: []audit.Detail{{Name: "item", Value: it.ID.String()}},
	})
}

// Take asks for the trackers of an item to be told when it moved, within the caller's
// transaction; the poll tells them when the job is lost. It does not authorise: the
// dispatcher of events calls it.
func (s *Service) Take(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	if e.TargetKind != "item" {
		return nil
	}
	id, err := uuid.Parse(e.TargetID)
	if err != nil {
		return nil //nolint:nilerr // no item of ours
	}
	const sql = `update ticket_links set tell_due = true where item_id = $1 and state = 'linked' and tracker_id is not null returning id`
	rows, err := tx.Query(ctx, sql, id)
	if err != nil {
		return fmt.Errorf("read tickets of item: %w", err)
	}
	links, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil || len(links) == 0 {
		return err
	}
	jobs := make([]river.InsertManyParams, len(links))
	for i, link := range links {
		jobs[i] = river.InsertManyParams{Args: TellArgs{LinkID: link, EventID: e.ID}}
	}
	_, err = s.jobs.InsertManyTx(ctx, tx, jobs)
	return err
}

// made stores a ticket that was made or found for its item. It moves no item: one that is found
// closed was closed before it was asked for.
func (s *Service) made(ctx context.Context, l Link, i issue) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if _, err := remediation.LockItem(ctx, tx, identity.SystemActor("tickets"), l.ItemID); err != nil {
			return err
		}
		before, err := linkByID(ctx, tx, l.ID) // as it is now that the item is locked
		if err != nil || before.State == Removed {
			return err
		}
		_, err = putStatus(ctx, tx, l.ID, i, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("store ticket: %w", err)
	}
	return nil
}

// apply stores what the tracker says of a ticket, unless something newer is known, and moves
// the item when the ticket was closed or opened again.
func (s *Service) apply(ctx context.Context, link Link, i issue) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error { return s.applyIn(ctx, tx, link, i, now) })
	if err != nil {
		return fmt.Errorf("apply status of ticket: %w", err)
	}
	return nil
}

func (s *Service) applyIn(ctx context.Context, tx pgx.Tx, link Link, i issue, now time.Time) error {
	it, err := remediation.LockItem(ctx, tx, identity.SystemActor("tickets"), link.ItemID)
	if err != nil {
		return err
	}
	before, err := linkByID(ctx, tx, link.ID) // as it is now that the item is locked
	if err != nil || before.State == Removed {
		return err
	}
	fresh, err := putStatus(ctx, tx, link.ID, i, now)
	if err != nil || !fresh {
		return err
	}
	switch {
	case i.Closed && !before.Closed && before.Told && !it.Finished():
		return nil // it was opened again here, and the tracker is not told yet: this may be the echo of our own closing
	case i.Closed && !before.Closed:
		return remediation.TicketClosed(ctx, tx, it, i.Key, before.MadeBy, now)
	case !i.Closed && before.Closed:
		return remediation.TicketReopened(ctx, tx, it, i.Key, now)
	}
	return nil
}

// putStatus stores a ticket as its tracker shows it; fresh is false when something newer is
// known.
func putStatus(ctx context.Context, tx pgx.Tx, link uuid.UUID, i issue, now time.Time) (fresh bool, err error) {
	if outbound.CheckURL(i.URL) != "" {
		i.URL = ""
	}
	const sql = `
		update ticket_links set state = 'linked', key = @key, url = @url, status = @status, closed = @closed, changed_at = @changed, synced_at = @now, problem = '',
			tell_problem = case when closed = @closed then tell_problem else '' end
		where id = @id and (changed_at is null or changed_at <= @changed)`
	moved, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"id": link, "key": text.Line(i.Key), "url": i.URL, "status": cutStatus(i.Status), "closed": i.Closed, "changed": i.UpdatedAt, "now": now,
	})
	return moved.RowsAffected() > 0, err
}

// told stores what a tracker heard of an item, and the ticket as it is since. The ticket moves
// no item here. It reports whether the item has moved on meanwhile.
func (s *Service) told(ctx context.Context, l Link, i issue, finished bool, problem string) (again bool, err error) {
	now := s.now()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		it, err := remediation.LockItem(ctx, tx, identity.SystemActor("tickets"), l.ItemID)
		if err != nil {
			return err
		}
		if i.Key != "" {
			if _, err := putStatus(ctx, tx, l.ID, i, now); err != nil {
				return err
			}
		}
		again = it.Finished() != finished && it.State != remediation.Done
		_, err = tx.Exec(ctx, `update ticket_links set told_resolved = $2, tell_problem = $3, tell_due = false where id = $1 and state <> 'removed'`, l.ID, finished, problem)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store what was told: %w", err)
	}
	return again, nil
}

// problem stores why a ticket could not be made or read; state is kept when it is empty.
func (s *Service) problem(ctx context.Context, link uuid.UUID, state, words string) error {
	const sql = `update ticket_links set state = coalesce(nullif($2, ''), state), problem = $3, synced_at = $4 where id = $1 and state <> 'removed'`
	if _, err := s.db.Exec(ctx, sql, link, state, words, s.now()); err != nil {
		return fmt.Errorf("store problem of ticket: %w", err)
	}
	return nil
}
