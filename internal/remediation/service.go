package remediation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/text"
)

// errNeedsAnother refuses who verifies work that is taken for theirs.
func errNeedsAnother(it Item) error {
	if it.DoneBy == nil {
		return fault.New(fault.Forbidden, "Nobody is named who did the work, so neither who owned it nor who made the ticket may verify this item.")
	}
	return fault.New(fault.Forbidden, "Another person than the one who did the work must verify this item.")
}

// Service lists and changes items.
type Service struct {
	db  *pgxpool.Pool
	now func() time.Time
}

// NewService returns the service on the pool; now gives the time of an act.
func NewService(db *pgxpool.Pool, now func() time.Time) *Service {
	return &Service{db: db, now: now}
}

// Item reads one item; not found when its workload is not readable by who.
func (s *Service) Item(ctx context.Context, who identity.Actor, id uuid.UUID) (Item, error) {
	return byID(ctx, s.db, who, id)
}

// Change moves an item: owner, due day, state. Without an owner it goes back to the queue of its
// team, while it is not done. The owning team may. Approvers and
// facilitators of the workload may verify, and nothing else. To verify a high or a condition
// needs somebody whom Item.VerifiableBy lets. States go forward
// one step or back to open. A stale version is a conflict.
func (s *Service) Change(ctx context.Context, who identity.Actor, id uuid.UUID, c Change) (Item, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		it, err := lock(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := mayChange(who, it, c); err != nil {
			return err
		}
		if it.Version != c.Version {
			return fault.New(fault.Conflict, "Somebody changed this item since you opened it. Read it again; your input is still here.")
		}
		if who.May(identity.WorkItems, it.Target()) != nil { // somebody from outside only verifies
			c.OwnerID, c.DueOn, c.Resolution = it.ownerField(), it.DueOn.Format(time.DateOnly), it.Resolution
		}
		before := it.OwnerID
		if err := it.apply(ctx, tx, who, c, now); err != nil {
			return err
		}
		verifiedBy := it.move(who, c, now)
		if err := save(ctx, tx, it, verifiedBy); err != nil {
			return err
		}
		if err := it.settle(ctx, tx, now); err != nil {
			return err
		}
		return record(ctx, tx, who, "item."+it.State, it.WorkloadID, it.ID, now, it.details(before)...)
	})
	if err != nil {
		return Item{}, fmt.Errorf("change item: %w", err)
	}
	return byID(ctx, s.db, who, id)
}

// settle ends the acceptances of the item's question when the item is finished.
func (it Item) settle(ctx context.Context, tx pgx.Tx, now time.Time) error {
	if !it.Finished() || it.CauseKind != CauseQuestion {
		return nil
	}
	return SettleAcceptances(ctx, tx, it.WorkloadID, []string{it.CauseKey}, "", now)
}

const pastDay = "This due date is past. Choose today or a later day."

// ReadDue reads a due day that somebody sets, and says what is wrong with it: it is no day, or past.
func ReadDue(typed string, now time.Time) (day time.Time, problem string) {
	day, err := time.Parse(time.DateOnly, text.Line(typed))
	if err != nil || day.Year() < 2000 || day.Year() > 2200 {
		return day, "Write the due date as year-month-day, for example 2026-11-30."
	}
	if isPast(day, now) {
		return day, pastDay
	}
	return day, ""
}

// isPast reports whether a day is over, in UTC.
func isPast(day, now time.Time) bool { return day.Before(now.UTC().Truncate(24 * time.Hour)) }

// working reports whether the work is not done yet.
func (it Item) working() bool { return it.State == Open || it.State == InProgress }

// details name the owner and the due day, and who it was given to, or had it, when that changed.
func (it Item) details(ownerBefore uuid.UUID) []audit.Detail {
	list := []audit.Detail{{Name: "owner", Value: it.OwnerID.String()}, {Name: "due_on", Value: it.DueOn.Format(time.DateOnly)}}
	if it.OwnerID != ownerBefore && it.OwnerID != uuid.Nil {
		list = append(list, audit.Detail{Name: "assigned", Value: it.OwnerID.String()})
	}
	if it.OwnerID == uuid.Nil && ownerBefore != uuid.Nil {
		list = append(list, audit.Detail{Name: "returned_by", Value: ownerBefore.String()})
	}
	return list
}

// ownerField is the owner as a form names it: empty for nobody.
func (it Item) ownerField() string {
	if it.OwnerID == uuid.Nil {
		return ""
	}
	return it.OwnerID.String()
}

func mayChange(who identity.Actor, it Item, c Change) error {
	if c.State == Verified && it.State == Done {
		if err := who.May(identity.VerifyItem, it.Target()); err != nil {
			return err
		}
		if !it.VerifiableBy(who.PersonID) {
			return errNeedsAnother(it)
		}
		return nil
	}
	if who.Service && c.State == Done && it.State != Done && it.NeedsVerification() {
		return fault.New(fault.Forbidden, "A person says that a high risk or a condition is mended, and another one verifies it. A service does neither.")
	}
	return who.May(identity.WorkItems, it.Target())
}

// apply checks the input and sets owner, due day and resolution.
func (it *Item) apply(ctx context.Context, tx pgx.Tx, who identity.Actor, c Change, now time.Time) error {
	var bad []fault.Field
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	owner, err := uuid.Parse(c.OwnerID)
	if c.OwnerID == "" && (it.OwnerID == uuid.Nil || it.working() && (c.State == Open || c.State == InProgress)) {
		owner, err = uuid.Nil, nil // it stays in the queue of its team, or goes back there
	}
	if err != nil {
		add("owner", "Choose an owner from the list.")
	} else if owner != it.OwnerID && owner != uuid.Nil {
		ok, err := mayOwn(ctx, tx, owner, it.WorkloadID)
		if err != nil {
			return err
		}
		if !ok {
			add("owner", "Choose an owner from the list.")
		}
	}
	due, err := time.Parse(time.DateOnly, c.DueOn)
	if err != nil || due.Year() < 2000 || due.Year() > 2200 {
		add("due_on", "Write the due date as year-month-day, for example 2026-11-30.")
	} else if it.CauseKind == CauseCondition && !due.Equal(it.DueOn) && !who.Approves(it.WorkloadID) {
		add("due_on", "The date of a condition belongs to the decision: only an approver of the workload moves it.")
	} else if !due.Equal(it.DueOn) && isPast(due, now) {
		add("due_on", pastDay)
	}
	resolution := text.Clean(c.Resolution)
	if c.State == Done && resolution == "" {
		add("resolution", "Say what was done, so that another person can verify it.")
	}
	if resolution != it.Resolution && utf8.RuneCountInString(resolution) > 4000 {
		add("resolution", "Keep it under 4,000 characters.")
	}
	if it.CauseKind == CauseEvidence && (c.State == Done || c.State == Verified) && c.State != it.State {
		add("state", "A collection closes this item, when it finds that nothing fails any more.")
	} else if !slices.Contains(it.NextStates(), c.State) {
		add("state", "An item that is "+strings.ReplaceAll(it.State, "_", " ")+" does not become "+strings.ReplaceAll(c.State, "_", " ")+".")
	}
	it.OwnerID, it.DueOn, it.Resolution = owner, due, resolution
	return fault.InvalidFields(bad...)
}

var nextStates = map[string][]string{
	Open:       {Open, InProgress, Done},
	InProgress: {Open, InProgress, Done},
	Done:       {Open, Done, Verified},
	Verified:   {Open},
	Closed:     {Open},
}

// NextStates lists the states that an item may take from where it is.
func (it Item) NextStates() []string {
	if it.CauseKind == CauseEvidence && (it.State == Open || it.State == InProgress) {
		return []string{Open, InProgress}
	}
	return nextStates[it.State]
}

// move sets the state with who did and verified the work, and returns the verifier.
func (it *Item) move(who identity.Actor, c Change, now time.Time) (verifiedBy *uuid.UUID) {
	from := it.State
	it.State = c.State
	switch {
	case c.State == Done && from != Done:
		it.DoneBy, it.DoneAt = &who.PersonID, &now
	case c.State == Verified && from != Verified:
		it.VerifiedAt = &now
		return &who.PersonID
	case c.State == Open || c.State == InProgress:
		it.DoneBy, it.DoneAt, it.VerifiedAt = nil, nil, nil
	}
	return nil
}

// OpenItem opens the item of a cause within the caller's transaction, or reopens it; an
// item that is already being worked on goes on, with the owner and due day given. It does not authorise:
// reviews call it at submission and decision.
func OpenItem(ctx context.Context, tx pgx.Tx, who identity.Actor, o Opening, now time.Time) (uuid.UUID, error) {
	ok, err := mayOwn(ctx, tx, o.OwnerID, o.WorkloadID)
	if err != nil {
		return uuid.Nil, err
	}
	if !ok {
		return uuid.Nil, fault.InvalidField("owner", "Choose an owner from the list.")
	}
	id, verb, had, err := upsert(ctx, tx, o, nullable(who.PersonID), now)
	if err != nil {
		return uuid.Nil, fmt.Errorf("open item: %w", err)
	}
	if verb != "item.kept" {
		had = o.OwnerID // who is named opens it; only a change of hands is told apart
	}
	return id, record(ctx, tx, who, verb, o.WorkloadID, id, now, Item{OwnerID: o.OwnerID, DueOn: o.DueOn}.details(had)...)
}

// UnfinishedItem finds the item of a cause that is being worked on, or uuid.Nil. It does not
// authorise: incidents call it, after LockItems.
func UnfinishedItem(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID, kind, key string) (uuid.UUID, error) {
	return unfinishedOfCause(ctx, tx, workloadID, kind, key)
}

// MendItem marks the unfinished item of a cause as done within the caller's transaction,
// if there is one: the cause no longer stands. What was typed of the work stays. doneBy mended it, so another person still
// verifies it. It does not authorise: reviews call it at submission, after LockItems.
func MendItem(ctx context.Context, tx pgx.Tx, who identity.Actor, workloadID uuid.UUID, kind, key, resolution string, doneBy *uuid.UUID, now time.Time) error {
	id, err := unfinishedOfCause(ctx, tx, workloadID, kind, key)
	if err != nil || id == uuid.Nil {
		return err
	}
	it, err := lock(ctx, tx, identity.SystemActor("remediation"), id)
	if err != nil {
		return err
	}
	it.State, it.Resolution, it.DoneBy, it.DoneAt = Done, beside(it.Resolution, resolution), doneBy, &now
	if err := save(ctx, tx, it, nil); err != nil {
		return err
	}
	return record(ctx, tx, who, "item.done", workloadID, id, now)
}

func record(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, workloadID, id uuid.UUID, at time.Time, details ...audit.Detail) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(workloadID), Verb: verb, TargetKind: "item", TargetID: id.String(), At: at, Details: details,
	})
}
