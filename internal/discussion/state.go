package discussion

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
)

func isNoRows(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

// Move brings a thread to a state: Resolved, Open (a resolved comment again) or Challenged
// (an answered or resolved challenge again). A comment is moved by the team, its author and
// the workload's facilitators. A challenge is resolved, or challenged again, by the
// challenger or another facilitator or approver who is not of the team; the challenger alone
// takes back a challenge that nobody answered. A conflict when the state does not lead there.
func (s *Service) Move(ctx context.Context, who identity.Actor, thread uuid.UUID, to string) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		h, err := s.lockThread(ctx, tx, who, thread)
		if err != nil {
			return err
		}
		if err := inPerson(who); err != nil {
			return err
		}
		verb, err := h.mayMove(who, to)
		if err != nil {
			return err
		}
		if err := moveThread(ctx, tx, thread, to, who.PersonID, now); err != nil {
			return err
		}
		return record(ctx, tx, who, verb, h.target, "thread", thread, now)
	})
	if err != nil {
		return fmt.Errorf("move thread: %w", err)
	}
	return nil
}

// mayMove returns the verb of the move, or why who may not or the state does not allow it.
func (l locked) mayMove(who identity.Actor, to string) (verb string, err error) {
	if l.Kind == Comment {
		return l.mayMoveComment(who, to)
	}
	challenger := l.StartedBy == who.PersonID
	if !l.settles(who) {
		return "", fault.New(fault.Forbidden, "A challenge is settled by who raised it, or by another facilitator or approver who is not of the team.")
	}
	switch {
	case to == Resolved && l.State == Answered, to == Resolved && l.State == Challenged && challenger:
		return "challenge.resolved", nil
	case to == Resolved && l.State == Challenged:
		return "", fault.New(fault.Conflict, "Nobody answered this challenge yet. Only who raised it may take it back.")
	case to == Challenged && l.State != Challenged:
		return "challenge.raised_again", nil
	}
	return "", errState(l.Thread)
}

func (l locked) mayMoveComment(who identity.Actor, to string) (verb string, err error) {
	t := l.target
	if !who.InTeam(t.TeamID) && l.StartedBy != who.PersonID && !who.Has(identity.Facilitator, t.WorkloadID) {
		return "", fault.New(fault.Forbidden, "Only the owning team, who began this thread and the workload's facilitators may resolve and reopen it.")
	}
	switch {
	case to == Resolved && l.State == Open:
		return "thread.resolved", nil
	case to == Open && l.State == Resolved:
		return "thread.reopened", nil
	}
	return "", errState(l.Thread)
}

func errState(h Thread) error {
	return fault.New(fault.Conflict, "This thread is %s now, so that does not fit any more. Read it again.", h.State)
}

// settles reports whether who may say that a challenge is met: never the team it is raised
// against, but for the one who raised it.
func (l locked) settles(who identity.Actor) bool {
	return l.target.judges(who) && (l.StartedBy == who.PersonID || !who.InTeam(l.target.TeamID))
}

// mayAnswer refuses who may not answer the challenge, and a thread that waits for none.
func (l locked) mayAnswer(who identity.Actor) error {
	switch {
	case l.Kind != Challenge:
		return fault.New(fault.Conflict, "This thread is no challenge, so there is nothing to answer. Reply without it.")
	case !who.InTeam(l.target.TeamID):
		return fault.New(fault.Forbidden, "Only a member of %s may answer this challenge. You may reply without answering.", l.target.TeamName)
	case l.StartedBy == who.PersonID:
		return fault.New(fault.Forbidden, "You raised this challenge, so somebody else of the team answers it.")
	case l.State != Challenged:
		return errState(l.Thread)
	}
	return nil
}

// moves sums up for a page what who may do.
func (l locked) moves(who identity.Actor) (m Moves) {
	if inPerson(who) != nil {
		return m
	}
	allowed := func(to string) bool {
		_, err := l.mayMove(who, to)
		return err == nil
	}
	return Moves{Answer: l.mayAnswer(who) == nil, Resolve: allowed(Resolved), Reopen: l.Kind == Comment && allowed(Open), Challenge: l.Kind == Challenge && allowed(Challenged)}
}
