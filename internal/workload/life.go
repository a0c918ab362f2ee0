package workload

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

// Hold keeps the stage and the team of a workload as they are until the end of the caller's
// transaction. A workload that is not there holds nothing; reading it says so.
func Hold(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	_, err := tx.Exec(ctx, `select from workloads where id = $1 for share`, id)
	if err != nil {
		return fmt.Errorf("hold workload: %w", err)
	}
	return nil
}

// Held is Load with the workload held, so that what the actor may do by it stays so until the
// end of the transaction. The lock is a statement of its own: what is read is what was committed
// by who held it before.
func Held(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID) (Workload, error) {
	if err := Hold(ctx, tx, id); err != nil {
		return Workload{}, err
	}
	return Load(ctx, tx, who, id)
}

// LockForLife reads a workload as it was seen at version, with its row locked for SetStage
// or SetTeam. Not found when who may not read it, a conflict when it changed since. It does
// not authorise: reviews call it when a workload retires, comes back or moves.
func LockForLife(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID, version int) (Workload, error) {
	w, err := lockAndLoad(ctx, tx, who, id, `select from workloads where id = $1 for no key update`)
	if err == nil && w.Version != version {
		err = fault.New(fault.Conflict, "Somebody changed this workload since you opened the page. Read what would happen now; your input is still here.")
	}
	return w, err
}

// SetStage retires a workload that LockForLife has read, with a reason, or brings it back
// to planned or live, within the caller's transaction. It does not authorise.
func SetStage(ctx context.Context, tx pgx.Tx, who identity.Actor, w Workload, stage, reason string, now time.Time, details ...audit.Detail) error {
	verb, at, by := "workload.brought_back", (*time.Time)(nil), (*uuid.UUID)(nil)
	if stage == Retired {
		verb, at, by = "workload.retired", &now, personID(who)
	}
	const sql = `
		update workloads set stage = $2, retired_at = $3, retired_by = $4, retired_reason = $5, updated_at = $6, version = version + 1
		where id = $1`
	stored := reason
	if stage != Retired {
		stored = ""
	}
	if _, err := tx.Exec(ctx, sql, w.ID, stage, at, by, stored, now); err != nil {
		return fmt.Errorf("set stage: %w", err)
	}
	return recordLife(ctx, tx, who, verb, w, now, append(details, audit.Detail{Name: "stage", Value: stage}, audit.Detail{Name: "reason", Value: reason})...)
}

// SetTeam gives a workload that LockForLife has read to the team with the key, within the
// caller's transaction, and returns the team. What other teams allowed it ends: they allowed
// it to the team that had it. Invalid on "team". It does not authorise.
func SetTeam(ctx context.Context, tx pgx.Tx, who identity.Actor, w Workload, teamKey, reason string, now time.Time) (uuid.UUID, error) {
	to, err := teamByKey(ctx, tx, teamKey)
	if err != nil {
		return to, err
	}
	if to == w.TeamID {
		return to, fault.InvalidField("team", "%s", w.TeamName+" owns this workload already. Choose another team.")
	}
	if _, err := tx.Exec(ctx, `update workloads set team_id = $2, updated_at = $3, version = version + 1 where id = $1`, w.ID, to, now); err != nil {
		return to, fmt.Errorf("set team: %w", err)
	}
	if err := endAllowances(ctx, tx, who, w, now); err != nil {
		return to, err
	}
	return to, recordLife(ctx, tx, who, "workload.moved", w, now,
		audit.Detail{Name: "from", Value: w.TeamID.String()}, audit.Detail{Name: "to", Value: to.String()}, audit.Detail{Name: "reason", Value: reason})
}

func recordLife(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, w Workload, now time.Time, details ...audit.Detail) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(w.ID), Verb: verb, TargetKind: "workload", TargetID: w.ID.String(), At: now, Details: details,
	})
}
