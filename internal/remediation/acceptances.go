package remediation

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/text"
)

const maxTerm = 4000

func errJudge() error {
	return fault.New(fault.Forbidden, "You asked for this acceptance, or answered its question in an open round, so another approver must judge it.")
}

// AskAcceptance asks for a risk to be accepted within the caller's transaction. Invalid with
// a message per field: reason, control, until (a working day, within the policy's longest
// time); a conflict when one is asked for already. It does not authorise: reviews call it
// with the risk they found.
func AskAcceptance(ctx context.Context, tx pgx.Tx, who identity.Actor, about Asking, in AskInput, now time.Time) (uuid.UUID, error) {
	a := Acceptance{
		ID: uuid.Must(uuid.NewV7()), WorkloadID: about.WorkloadID, Question: about.Question, Title: about.Title, Risk: about.Risk, Href: about.Href,
		Reason: text.Clean(in.Reason), Control: text.Clean(in.Control), AskedAt: now,
	}
	var bad []fault.Field
	term := func(name, value, missing string) {
		switch {
		case value == "":
			bad = append(bad, fault.Field{Name: name, Message: missing})
		case utf8.RuneCountInString(value) > maxTerm:
			bad = append(bad, fault.Field{Name: name, Message: "Keep it under 4,000 characters."})
		}
	}
	term("reason", a.Reason, "Say why the risk can be lived with for now.")
	term("control", a.Control, "Say what keeps the risk small meanwhile.")
	var problem string
	if a.WantedUntil, problem = lastDay(in.Until, about.Risk, about.Tier, now); problem != "" {
		bad = append(bad, fault.Field{Name: "until", Message: problem})
	}
	if err := fault.InvalidFields(bad...); err != nil {
		return uuid.Nil, err
	}
	if err := insertAcceptance(ctx, tx, who, a); err != nil {
		return uuid.Nil, fmt.Errorf("insert acceptance: %w", err)
	}
	return a.ID, recordAcceptance(ctx, tx, who, "acceptance.asked", a, now, audit.Detail{Name: "until", Value: a.WantedUntil.Format(time.DateOnly)})
}

func recordAcceptance(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, a Acceptance, at time.Time, details ...audit.Detail) error {
	details = append([]audit.Detail{{Name: "question", Value: a.Question}, {Name: "risk", Value: a.Risk}}, details...)
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(a.WorkloadID), Verb: verb, TargetKind: "acceptance", TargetID: a.ID.String(), At: at, Details: details,
	})
}

// Acceptance reads one acceptance; not found when its workload is not readable by who.
func (s *Service) Acceptance(ctx context.Context, who identity.Actor, id uuid.UUID) (Acceptance, error) {
	return acceptanceByID(ctx, s.db, who, id)
}

// Acceptances reads a page of acceptances, the first to end first (in the past: the last
// first), and the cursor of the next page, empty at the end. Those of workloads that who may
// not read are left out. Invalid on "view" and "after".
func (s *Service) Acceptances(ctx context.Context, who identity.Actor, f AcceptanceFilter) (list []Acceptance, next string, err error) {
	if f.Limit <= 0 || f.Limit > 100 {
		f.Limit = 50
	}
	if _, ok := acceptanceViews[f.View]; !ok {
		return nil, "", fault.InvalidField("view", "There is no such view of the acceptances.")
	}
	after, err := parseCursor(f.After)
	if err != nil {
		return nil, "", err
	}
	list, err = listAcceptances(ctx, s.db, who, f, after, s.now())
	if err != nil {
		return nil, "", err
	}
	if len(list) > f.Limit {
		list = list[:f.Limit]
		last := list[f.Limit-1]
		day := last.WantedUntil
		if last.Until != nil {
			day = *last.Until
		}
		next = cursor{Due: day, ID: last.ID}.String()
	}
	return list, next, nil
}

// MayJudge answers whether who may grant or decline the acceptance: nil, or a Forbidden
// fault that says who may. An approver by somebody else's word may, who neither asked nor
// answered the question in an open round.
func (s *Service) MayJudge(ctx context.Context, who identity.Actor, a Acceptance) error {
	if err := who.May(identity.GrantAcceptance, a.Target()); err != nil {
		return err
	}
	if a.AskedBy == who.PersonID {
		return errJudge()
	}
	author, err := answered(ctx, s.db, a, who.PersonID)
	if err == nil && author {
		return errJudge()
	}
	return err
}

// Grant accepts the risk until the end that was asked for or an earlier one. An approver
// may who neither asked nor answered the question in an open round. A granted acceptance of
// the same question is replaced. Invalid on "until" and "note"; a conflict when it is judged
// or withdrawn already.
func (s *Service) Grant(ctx context.Context, who identity.Actor, id uuid.UUID, in GrantInput) (Acceptance, error) {
	note := text.Clean(in.Note)
	return s.act(ctx, who, id, "grant acceptance", func(tx pgx.Tx, a Acceptance, now time.Time) error {
		if err := mayJudgeLocked(ctx, tx, who, a); err != nil {
			return err
		}
		typed := in.Until
		if typed == "" {
			typed = a.WantedUntil.Format(time.DateOnly)
		}
		until, problem := lastDay(typed, a.Risk, a.Tier, now)
		switch {
		case problem != "":
			return fault.InvalidField("until", "%s", problem)
		case until.After(a.WantedUntil):
			return fault.InvalidField("until", "The team asked for no longer than %s. Grant that or less.", a.WantedUntil.Format(longDay))
		case utf8.RuneCountInString(note) > maxTerm:
			return fault.InvalidField("note", "Keep it under 4,000 characters.")
		}
		old, err := grantedOf(ctx, tx, a.WorkloadID, a.Question)
		if err != nil {
			return fmt.Errorf("find granted acceptance: %w", err)
		}
		if old != uuid.Nil {
			if err := closeAcceptance(ctx, tx, who, old, Replaced, "", now); err != nil {
				return fmt.Errorf("replace acceptance: %w", err)
			}
		}
		if err := judgeAcceptance(ctx, tx, who, a.ID, Granted, &until, note, now); err != nil {
			return err
		}
		return recordAcceptance(ctx, tx, who, "acceptance.granted", a, now, audit.Detail{Name: "until", Value: until.Format(time.DateOnly)})
	})
}

// Decline refuses what is asked for, with a reason. Whoever may grant it may. Invalid on
// "decline_note"; a conflict when it is judged or withdrawn already.
func (s *Service) Decline(ctx context.Context, who identity.Actor, id uuid.UUID, reason string) (Acceptance, error) {
	return s.act(ctx, who, id, "decline acceptance", func(tx pgx.Tx, a Acceptance, now time.Time) error {
		if err := mayJudgeLocked(ctx, tx, who, a); err != nil {
			return err
		}
		note, err := reasonFor("decline_note", reason, "Say why, so that the team knows what to do instead.")
		if err != nil {
			return err
		}
		if err := judgeAcceptance(ctx, tx, who, a.ID, Declined, nil, note, now); err != nil {
			return err
		}
		return recordAcceptance(ctx, tx, who, "acceptance.declined", a, now)
	})
}

// Withdraw takes back what is asked for or runs: the risk stands again. The owning team may.
// A conflict when it does neither.
func (s *Service) Withdraw(ctx context.Context, who identity.Actor, id uuid.UUID) (Acceptance, error) {
	return s.act(ctx, who, id, "withdraw acceptance", func(tx pgx.Tx, a Acceptance, now time.Time) error {
		if err := who.May(identity.AskAcceptance, a.Target()); err != nil {
			return err
		}
		if state := a.StateAt(now); state != Asked && state != Granted {
			return errOver(a, now)
		}
		if err := closeAcceptance(ctx, tx, who, a.ID, Withdrawn, "", now); err != nil {
			return err
		}
		return recordAcceptance(ctx, tx, who, "acceptance.withdrawn", a, now)
	})
}

// Revoke ends a running acceptance before its day, with a reason: the risk stands again. An
// approver of the workload may. Invalid on "revoke_note"; a conflict when it does not run.
func (s *Service) Revoke(ctx context.Context, who identity.Actor, id uuid.UUID, reason string) (Acceptance, error) {
	return s.act(ctx, who, id, "revoke acceptance", func(tx pgx.Tx, a Acceptance, now time.Time) error {
		if err := who.May(identity.GrantAcceptance, a.Target()); err != nil {
			return err
		}
		if !a.Running(now) {
			return errOver(a, now)
		}
		note, err := reasonFor("revoke_note", reason, "Say why, so that the team knows what to mend.")
		if err != nil {
			return err
		}
		if err := closeAcceptance(ctx, tx, who, a.ID, Revoked, note, now); err != nil {
			return err
		}
		return recordAcceptance(ctx, tx, who, "acceptance.revoked", a, now)
	})
}

// MendInstead opens an item for the risk with an owner and a due day. The owning team may,
// unless the risk is mended already. Invalid on "owner" and "due_on".
func (s *Service) MendInstead(ctx context.Context, who identity.Actor, id uuid.UUID, owner, dueOn string) (item uuid.UUID, err error) {
	now := s.now()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		a, err := acceptanceByID(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := who.May(identity.WorkItems, a.Target()); err != nil {
			return err
		}
		person, day, err := step(owner, dueOn, now)
		if err != nil {
			return err
		}
		if err := LockStanding(ctx, tx, a.WorkloadID); err != nil {
			return err
		}
		if a, err = acceptanceByID(ctx, tx, who, id); err != nil {
			return err
		}
		if a.SettledAt != nil {
			return errOver(a, now)
		}
		item, err = OpenItem(ctx, tx, who, Opening{
			WorkloadID: a.WorkloadID, CauseKind: CauseQuestion, CauseKey: a.Question, Title: a.Title, Detail: "Until it is mended: " + a.Control,
			Risk: a.Risk, Href: a.Href, OwnerID: person, DueOn: day,
		}, now)
		return err
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("mend instead: %w", err)
	}
	return item, nil
}

// step reads the owner and the due day of a first step.
func step(owner, dueOn string, now time.Time) (person uuid.UUID, day time.Time, err error) {
	var bad []fault.Field
	if person, err = uuid.Parse(owner); err != nil {
		bad = append(bad, fault.Field{Name: "owner", Message: "Choose who mends this."})
	}
	day, problem := ReadDue(dueOn, now)
	if problem != "" {
		bad = append(bad, fault.Field{Name: "due_on", Message: problem})
	}
	return person, day, fault.InvalidFields(bad...)
}

// act locks the acceptance, does what is asked, and reads it again.
func (s *Service) act(ctx context.Context, who identity.Actor, id uuid.UUID, what string, do func(pgx.Tx, Acceptance, time.Time) error) (Acceptance, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		a, err := lockAcceptance(ctx, tx, who, id)
		if err != nil {
			return err
		}
		return do(tx, a, now)
	})
	if err != nil {
		return Acceptance{}, fmt.Errorf("%s: %w", what, err)
	}
	return acceptanceByID(ctx, s.db, who, id)
}

// mayJudgeLocked is MayJudge within a transaction, on an acceptance that is locked and must
// wait for a judgement.
func mayJudgeLocked(ctx context.Context, tx pgx.Tx, who identity.Actor, a Acceptance) error {
	if err := who.May(identity.GrantAcceptance, a.Target()); err != nil {
		return err
	}
	author, err := answered(ctx, tx, a, who.PersonID)
	switch {
	case err != nil:
		return fmt.Errorf("read authors: %w", err)
	case a.AskedBy == who.PersonID || author:
		return errJudge()
	case a.State != Asked || a.SettledAt != nil:
		return fault.New(fault.Conflict, "This acceptance does not wait for a judgement any more.")
	}
	return nil
}

// errOver says that an acceptance is in no state for what was tried.
func errOver(a Acceptance, now time.Time) error {
	state := a.StateAt(now)
	if state == Asked {
		state = "asked for"
	}
	return fault.New(fault.Conflict, "That is not possible any more or not yet: this acceptance is %s.", state)
}

func reasonFor(field, typed, missing string) (string, error) {
	note := text.Clean(typed)
	switch {
	case note == "":
		return "", fault.InvalidField(field, "%s", missing)
	case utf8.RuneCountInString(note) > maxTerm:
		return "", fault.InvalidField(field, "Keep it under 4,000 characters.")
	}
	return note, nil
}

// SettleAcceptances marks that the risks of the questions are mended, so that nothing is left
// to accept: those asked for and granted end, and older ones bear on nothing any more. It
// does not authorise: a decision calls it, after LockStanding, and the verification of an item.
// Where askedOn is a page's address, only those are settled that were asked for below it.
func SettleAcceptances(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID, questions []string, askedOn string, now time.Time) error {
	const sql = `
		with standing as materialized (
			select id from acceptances
			where workload_id = $1 and question = any($2) and settled_at is null and starts_with(href, $4) order by id for update)
		update acceptances set settled_at = $3 where id in (select id from standing)`
	if _, err := tx.Exec(ctx, sql, workloadID, questions, now, askedOn); err != nil {
		return fmt.Errorf("settle acceptances: %w", err)
	}
	return nil
}
