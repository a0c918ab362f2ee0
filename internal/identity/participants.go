package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/postgres"
)

// Participants lists the active people who take part in the workload's reviews without being
// in its team, by name. It does not authorise: pages call it for a workload they show anyway.
func Participants(ctx context.Context, q postgres.Querier, workload uuid.UUID) ([]Ref, error) {
	const sql = `
		select p.id, p.name, p.email from grants g join people p on p.id = g.person_id
		where g.workload_id = $1 and g.kind = 'participant' and p.deactivated_at is null order by lower(p.name), p.id`
	rows, err := q.Query(ctx, sql, workload)
	if err != nil {
		return nil, fmt.Errorf("list participants: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Ref])
}

// AddParticipant makes the active person with the address a participant of the workload, within
// the caller's transaction, and returns who it is. Invalid on "email" when nobody active has
// the address; a conflict when they take part already. It does not authorise.
func AddParticipant(ctx context.Context, tx pgx.Tx, by Actor, email string, workload uuid.UUID, now time.Time) (Ref, error) {
	var p problems
	address := p.email(email)
	if err := p.err(); err != nil {
		return Ref{}, err
	}
	var one Ref
	err := tx.QueryRow(ctx, `select id, name, email from people where email = $1 and deactivated_at is null and service_team is null for key share`, address).Scan(&one.ID, &one.Name, &one.Email)
	if errors.Is(err, pgx.ErrNoRows) {
		return Ref{}, fault.InvalidField("email", "Nobody who can sign in has this address. An admin invites people.")
	}
	if err != nil {
		return Ref{}, fmt.Errorf("find person: %w", err)
	}
	changed, err := putGrant(ctx, tx, one.ID, GrantInput{Kind: Participant, WorkloadID: workload}, by.PersonID, now)
	if err == nil && !changed {
		err = fault.New(fault.Conflict, "%s takes part already.", one.Name)
	}
	return one, err
}

// RemoveParticipant ends it, within the caller's transaction; not found when the person takes no
// part. It does not authorise.
func RemoveParticipant(ctx context.Context, tx pgx.Tx, person, workload uuid.UUID) error {
	tag, err := tx.Exec(ctx, `delete from grants where person_id = $1 and workload_id = $2 and kind = 'participant'`, person, workload)
	if err != nil {
		return fmt.Errorf("remove participant: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.NotFound, "This person takes no part in the workload.")
	}
	return nil
}
