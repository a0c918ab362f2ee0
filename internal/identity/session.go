package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
)

// How long a session lives: at most SessionLife, and sessionIdle without a request.
const (
	SessionLife = 7 * 24 * time.Hour
	sessionIdle = 24 * time.Hour
	// seenEvery bounds how often "last seen" and "last used" are written.
	seenEvery = 5 * time.Minute
)

// Session is a signed-in browser.
type Session struct {
	ID         string // names it for EndSession: a part of the hash, of no use for signing in
	PersonID   uuid.UUID
	CreatedAt  time.Time
	LastSeenAt time.Time // up to 5 minutes behind
	ExpiresAt  time.Time
	IP         string
	UserAgent  string
}

// Actor returns who holds the session, with roles, teams and grants as they are now, in one
// statement; a second one writes "last seen" when that is five minutes old. Unauthenticated
// when the session is unknown, ended, older than 7 days, idle for 24 hours, or its person
// deactivated.
func (s *Service) Actor(ctx context.Context, secret string) (Actor, Session, error) {
	now := s.clock()
	a, session, err := actorBySession(ctx, s.db, digest(secret), now)
	if errors.Is(err, pgx.ErrNoRows) {
		return Actor{}, Session{}, fault.New(fault.Unauthenticated, "Please sign in.")
	}
	if err != nil {
		return Actor{}, Session{}, fmt.Errorf("load session: %w", err)
	}
	if now.Sub(session.LastSeenAt) >= seenEvery {
		if err := touchSession(ctx, s.db, digest(secret), now); err != nil {
			return Actor{}, Session{}, fmt.Errorf("write last seen: %w", err)
		}
		session.LastSeenAt = now
	}
	return a, session, nil
}

// ActorFor returns a person as an actor, for work that was asked for earlier and runs now
// with the rights they have now. NotFound when absent or deactivated.
func (s *Service) ActorFor(ctx context.Context, person uuid.UUID) (Actor, error) {
	a, err := actorByPerson(ctx, s.db, person)
	if errors.Is(err, pgx.ErrNoRows) {
		return Actor{}, errNoPerson()
	}
	if err != nil {
		return Actor{}, fmt.Errorf("load person %s: %w", person, err)
	}
	return a, nil
}

// SignOut ends the session. One that is over already is no error.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	a, _, err := actorBySession(ctx, s.db, digest(secret), s.clock())
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	err = s.act(ctx, a, func(tx pgx.Tx, _ time.Time) (*Act, error) {
		ended, err := endSession(ctx, tx, digest(secret))
		if err != nil || !ended {
			return nil, err
		}
		return personAct("session.ended", a.PersonID), nil
	})
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// Sessions lists the live sessions of who, newest first.
func (s *Service) Sessions(ctx context.Context, who Actor) ([]Session, error) {
	if err := inPerson(who); err != nil {
		return nil, err
	}
	list, err := sessionsOf(ctx, s.db, who.PersonID, s.clock())
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return list, nil
}

// EndSession ends one of the sessions of who. NotFound for any other.
func (s *Service) EndSession(ctx context.Context, who Actor, id string) error {
	if err := inPerson(who); err != nil {
		return err
	}
	prefix, err := hex.DecodeString(id)
	if err != nil {
		return fault.New(fault.NotFound, "There is no such session.")
	}
	err = s.act(ctx, who, func(tx pgx.Tx, _ time.Time) (*Act, error) {
		ended, err := endSessionOf(ctx, tx, who.PersonID, prefix)
		if err == nil && !ended {
			err = fault.New(fault.NotFound, "There is no such session.")
		}
		return personAct("session.ended", who.PersonID), err
	})
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// EndSessions ends every session of a person: one's own, or anybody's for an admin.
func (s *Service) EndSessions(ctx context.Context, who Actor, person uuid.UUID) error {
	if err := inPerson(who); err != nil {
		return err
	}
	err := s.act(ctx, who, func(tx pgx.Tx, _ time.Time) (*Act, error) {
		if who.PersonID != person {
			if err := who.May(ManagePeople, Target{}); err != nil {
				return nil, err
			}
		}
		if _, err := lockPerson(ctx, tx, person); err != nil {
			return nil, err
		}
		return personAct("sessions.ended", person), endSessions(ctx, tx, person)
	})
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// startSession inserts a session and returns its secret. Expired ones of the person go.
func startSession(ctx context.Context, tx pgx.Tx, person uuid.UUID, from Client, now time.Time) (string, error) {
	secret := newSecret()
	if err := dropExpiredSessions(ctx, tx, person, now); err != nil {
		return "", err
	}
	return secret, insertSession(ctx, tx, digest(secret), Session{
		PersonID: person, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(SessionLife),
		IP: shown(from.IP, 64), UserAgent: shown(from.UserAgent, 300),
	})
}
