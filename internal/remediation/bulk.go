package remediation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

// What may be done to many items at once.
const (
	BulkAssign = "assign"
	BulkDue    = "due"
	BulkDone   = "done"
)

const (
	bulkMost   = 100           // items of one act
	undoWithin = 1 * time.Hour // after it the batch stays
)

// Bulk is one change of many items.
type Bulk struct {
	Act        string
	Items      []uuid.UUID
	OwnerID    string // of BulkAssign
	DueOn      string // of BulkDue, 2006-01-02
	Resolution string // of BulkDone
}

// kept is an item as it was before a batch, and the version that the batch gave it.
type kept struct {
	ID         uuid.UUID  `json:"id"`
	Version    int        `json:"version"`
	OwnerID    uuid.UUID  `json:"owner_id"`
	DueOn      time.Time  `json:"due_on"`
	State      string     `json:"state"`
	Resolution string     `json:"resolution"`
	DoneBy     *uuid.UUID `json:"done_by"`
	DoneAt     *time.Time `json:"done_at"`
}

// ChangeMany does one thing to many items, all or none, and returns the batch by which it is
// undone and how many items it changed; those that were so already are left alone. Each item
// is changed as Change would: the owning team may, and an item that who may not read is not
// found. Invalid on "item", "act", "owner", "due_on" and "resolution".
func (s *Service) ChangeMany(ctx context.Context, who identity.Actor, b Bulk) (batch uuid.UUID, changed int, err error) {
	if err := b.check(); err != nil {
		return uuid.Nil, 0, err
	}
	now := s.now()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		items, err := lockAll(ctx, tx, who, b.Items)
		if err != nil {
			return err
		}
		var before []kept
		var acts []written
		for _, it := range items {
			act, err := changeOne(ctx, tx, who, it, b, now)
			if err != nil {
				return fmt.Errorf("item %s: %w", it.ID, inItem(err, it.Title))
			}
			if act == nil {
				continue
			}
			before = append(before, kept{it.ID, it.Version + 1, it.OwnerID, it.DueOn, it.State, it.Resolution, it.DoneBy, it.DoneAt})
			acts = append(acts, *act)
		}
		if changed = len(before); changed == 0 {
			return nil
		}
		encoded, err := json.Marshal(before)
		if err != nil {
			return err
		}
		batch = uuid.Must(uuid.NewV7())
		const sql = `insert into item_batches (id, person_id, made_at, changes) values ($1, $2, $3, $4)`
		if _, err := tx.Exec(ctx, sql, batch, who.PersonID, now, encoded); err != nil {
			return err
		}
		return recordAll(ctx, tx, who, acts, now)
	})
	if err != nil {
		return uuid.Nil, 0, fmt.Errorf("change items: %w", err)
	}
	return batch, changed, nil
}

// lockAll locks the items in the order of their ids, before anything is written, and reads
// them in that order: so do all who change several, and nobody waits for one while holding a
// stream of the audit record. Not found when one is not there or not readable by who.
func lockAll(ctx context.Context, tx pgx.Tx, who identity.Actor, ids []uuid.UUID) ([]Item, error) {
	if _, err := tx.Exec(ctx, `select from items where id = any($1) order by id for update`, ids); err != nil {
		return nil, fmt.Errorf("lock items: %w", err)
	}
	rows, err := tx.Query(ctx, `select`+from+` where i.id = any($1) order by i.id`, ids)
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	items, err := pgx.CollectRows(rows, pgx.RowToStructByName[Item])
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	if len(items) < len(ids) || slices.ContainsFunc(items, func(it Item) bool { return !who.CanRead(it.Target()) }) {
		return nil, fault.New(fault.NotFound, "There is no such item.")
	}
	return items, nil
}

// written is an item as an act of several wrote it, to be recorded when all are written.
type written struct {
	it      Item
	details []audit.Detail
}

// recordAll records what was written to several items, last, and in the order of the streams,
// so that two such acts do not wait for each other's.
func recordAll(ctx context.Context, tx pgx.Tx, who identity.Actor, acts []written, now time.Time) error {
	slices.SortStableFunc(acts, func(x, y written) int {
		return strings.Compare(audit.WorkloadStream(x.it.WorkloadID), audit.WorkloadStream(y.it.WorkloadID))
	})
	for _, a := range acts {
		if err := record(ctx, tx, who, "item."+a.it.State, a.it.WorkloadID, a.it.ID, now, a.details...); err != nil {
			return err
		}
	}
	return nil
}

// inItem says which item a refusal is about.
func inItem(err error, title string) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Internal || f.Kind == fault.NotFound {
		return err
	}
	words := f.Message
	if len(f.Fields) > 0 {
		words = f.Fields[0].Message
		return fault.InvalidField(f.Fields[0].Name, "%s: %s", title, words)
	}
	return fault.Wrap(f.Kind, err, "%s: %s", title, words)
}

func (b *Bulk) check() error {
	slices.SortFunc(b.Items, func(x, y uuid.UUID) int { return slices.Compare(x[:], y[:]) })
	b.Items = slices.Compact(b.Items)
	switch {
	case len(b.Items) == 0:
		return fault.InvalidField("item", "Select at least one item.")
	case len(b.Items) > bulkMost:
		return fault.InvalidField("item", "Select at most %d items at once.", bulkMost)
	case b.Act != BulkAssign && b.Act != BulkDue && b.Act != BulkDone:
		return fault.InvalidField("act", "Choose what to do with the items.")
	case b.Act == BulkAssign && b.OwnerID == "":
		return fault.InvalidField("owner", "Choose an owner from the list.")
	}
	return nil
}

// changeOne does the bulk's act to one locked item; nil when there is nothing to change.
func changeOne(ctx context.Context, tx pgx.Tx, who identity.Actor, it Item, b Bulk, now time.Time) (*written, error) {
	c := Change{Version: it.Version, OwnerID: it.ownerField(), DueOn: it.DueOn.Format(time.DateOnly), State: it.State, Resolution: it.Resolution}
	switch b.Act {
	case BulkAssign:
		c.OwnerID = b.OwnerID
		if it.State == Closed || it.State == Verified {
			return nil, nil
		}
	case BulkDue:
		c.DueOn = b.DueOn
		if it.State == Closed || it.State == Verified {
			return nil, nil
		}
	case BulkDone:
		c.State, c.Resolution = Done, b.Resolution
		if it.State != Open && it.State != InProgress {
			return nil, nil
		}
	}
	if err := who.May(identity.WorkItems, it.Target()); err != nil {
		return nil, err
	}
	before := it
	if err := it.apply(ctx, tx, who, c, now); err != nil {
		return nil, err
	}
	if it.OwnerID == before.OwnerID && it.DueOn.Equal(before.DueOn) && c.State == before.State {
		return nil, nil
	}
	verifiedBy := it.move(who, c, now)
	if err := save(ctx, tx, it, verifiedBy); err != nil {
		return nil, err
	}
	if err := it.settle(ctx, tx, now); err != nil {
		return nil, err
	}
	return &written{it, it.details(before.OwnerID)}, nil
}

// Undo puts back what a batch of the actor's changed, and returns how many items; those that
// somebody changed since are left alone. Not found for the batch of another; conflict when it
// is older than an hour or undone already.
func (s *Service) Undo(ctx context.Context, who identity.Actor, batch uuid.UUID) (restored, left int, err error) {
	now := s.now()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		changes, err := takeBatch(ctx, tx, who, batch, now)
		if err != nil {
			return err
		}
		was, ids := map[uuid.UUID]kept{}, make([]uuid.UUID, 0, len(changes))
		for _, k := range changes {
			was[k.ID], ids = k, append(ids, k.ID)
		}
		items, err := lockAll(ctx, tx, who, ids)
		if err != nil {
			return err
		}
		var acts []written
		for _, it := range items {
			k := was[it.ID]
			if it.Version != k.Version || who.May(identity.WorkItems, it.Target()) != nil {
				left++
				continue
			}
			before := it.OwnerID
			if k.OwnerID == uuid.Nil {
				before = uuid.Nil // nobody gives it back: it was never to leave the queue
			}
			it.OwnerID, it.DueOn, it.State, it.Resolution, it.DoneBy, it.DoneAt = k.OwnerID, k.DueOn, k.State, k.Resolution, k.DoneBy, k.DoneAt
			if err := save(ctx, tx, it, nil); err != nil {
				return err
			}
			acts = append(acts, written{it, append(it.details(before), audit.Detail{Name: "undone", Value: batch.String()})})
			restored++
		}
		return recordAll(ctx, tx, who, acts, now)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("undo changes of items: %w", err)
	}
	return restored, left, nil
}

func takeBatch(ctx context.Context, tx pgx.Tx, who identity.Actor, batch uuid.UUID, now time.Time) ([]kept, error) {
	var encoded []byte
	var madeAt time.Time
	var undoneAt *time.Time
	const sql = `select changes, made_at, undone_at from item_batches where id = $1 and person_id = $2 for update`
	err := tx.QueryRow(ctx, sql, batch, who.PersonID).Scan(&encoded, &madeAt, &undoneAt)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fault.New(fault.NotFound, "There is no such change to undo.")
	case err != nil:
		return nil, err
	case undoneAt != nil:
		return nil, fault.New(fault.Conflict, "This change is undone already.")
	case now.Sub(madeAt) > undoWithin:
		return nil, fault.New(fault.Conflict, "This change is more than an hour old, so it is not undone at once. Change the items themselves.")
	}
	var changes []kept
	if err := json.Unmarshal(encoded, &changes); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `update item_batches set undone_at = $2 where id = $1`, batch, now)
	return changes, err
}

// Release moves every unfinished item of a person to the queue of its team, within the
// caller's transaction, and returns how many for each team. It does not authorise: notices
// call it for somebody who can no longer sign in.
func Release(ctx context.Context, tx pgx.Tx, who identity.Actor, person uuid.UUID, now time.Time) (map[uuid.UUID]int, error) {
	rows, err := tx.Query(ctx, `select i.id from items i where i.owner_id = $1 and not `+finished+` order by i.id for update`, person)
	if err != nil {
		return nil, fmt.Errorf("release items: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("release items: %w", err)
	}
	items, err := lockAll(ctx, tx, identity.SystemActor("remediation"), ids)
	if err != nil {
		return nil, fmt.Errorf("release items: %w", err)
	}
	const release = `update items i set had_ticket = ` + ownedBefore + `, owner_id = @owner, version = version + 1 where id = @id`
	teams, acts := map[uuid.UUID]int{}, make([]written, 0, len(items))
	for _, it := range items {
		if _, err := tx.Exec(ctx, release, pgx.StrictNamedArgs{"id": it.ID, "owner": nil}); err != nil {
			return nil, err
		}
		teams[it.TeamID]++
		acts = append(acts, written{it, []audit.Detail{{Name: "owner", Value: "nobody"}}})
	}
	if err := recordAll(ctx, tx, who, acts, now); err != nil {
		return nil, err
	}
	return teams, nil
}
