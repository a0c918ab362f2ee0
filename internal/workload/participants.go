package workload

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/identity"
)

// AddParticipant lets the person with the e-mail address read the workload, its reviews and its raw
// findings, also when it is restricted, and talk there, without being in the team. Members of
// the owning team may. Invalid on "email"; a conflict when the person takes part already.
func (s *Service) AddParticipant(ctx context.Context, who identity.Actor, id uuid.UUID, email string) (identity.Ref, error) {
	var one identity.Ref
	err := s.participation(ctx, who, id, "participant.added", func(tx pgx.Tx, now time.Time) (uuid.UUID, error) {
		var err error
		one, err = identity.AddParticipant(ctx, tx, who, email, id, now)
		return one.ID, err
	})
	if err != nil {
		return identity.Ref{}, fmt.Errorf("add participant: %w", err)
	}
	return one, nil
}

// RemoveParticipant takes that back; what the person wrote stays. Members of the owning team
// may. Not found when the person takes no part.
func (s *Service) RemoveParticipant(ctx context.Context, who identity.Actor, id, person uuid.UUID) error {
	err := s.participation(ctx, who, id, "participant.removed", func(tx pgx.Tx, _ time.Time) (uuid.UUID, error) {
		return person, identity.RemoveParticipant(ctx, tx, person, id)
	})
	if err != nil {
		return fmt.Errorf("remove participant: %w", err)
	}
	return nil
}

// participation runs an act on who takes part, and records it.
func (s *Service) participation(ctx context.Context, who identity.Actor, id uuid.UUID, verb string, act func(pgx.Tx, time.Time) (uuid.UUID, error)) error {
	now := s.now()
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		w, err := Held(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := who.May(identity.EditWorkload, w.Target()); err != nil {
			return err
		}
		person, err := act(tx, now)
		if err != nil {
			return err
		}
		return recordLife(ctx, tx, who, verb, w, now, audit.Detail{Name: "person", Value: person.String()})
	})
}
