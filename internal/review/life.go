package review

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/workload"
)

// maxLifeReason bounds the reason of a cancellation, a retirement and a move.
const maxLifeReason = 2000

func lifeReason(typed, empty string) (string, error) {
	reason, bad := checkReason(typed, empty, maxLifeReason)
	return reason, fault.InvalidFields(bad...)
}

// Cancel ends an open review without a decision, with a reason: its subject is free for
// another. Leads of the owning team may. What was decided in its earlier rounds stays, and
// so do its items. A review that is not open is a conflict.
func (s *Service) Cancel(ctx context.Context, who identity.Actor, id uuid.UUID, reason string) (Review, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockForUpdate(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := who.May(identity.CancelReview, r.Target()); err != nil {
			return err
		}
		because, err := lifeReason(reason, "Say why the review ends without a decision.")
		if err != nil {
			return err
		}
		if r.State != Open {
			return fault.New(fault.Conflict, "This review is %s already.", r.State)
		}
		return cancel(ctx, tx, who, r, because, now)
	})
	if err != nil {
		return Review{}, fmt.Errorf("cancel review: %w", err)
	}
	return load(ctx, s.db, who, id)
}

// cancel writes what Cancel does to a review that is locked and open.
func cancel(ctx context.Context, tx pgx.Tx, who identity.Actor, r Review, reason string, now time.Time) error {
	if _, err := tx.Exec(ctx, `update rounds set state = 'cancelled' where review_id = $1 and state in ('draft', 'submitted')`, r.ID); err != nil {
		return fmt.Errorf("cancel round: %w", err)
	}
	const sql = `update reviews set state = 'cancelled', closed_at = $2, cancelled_at = $2, cancelled_by = $3, cancel_reason = $4 where id = $1`
	if _, err := tx.Exec(ctx, sql, r.ID, now, person(who), reason); err != nil {
		return fmt.Errorf("cancel review: %w", err)
	}
	return record(ctx, tx, who, "review.cancelled", r, now, audit.Detail{Name: "round", Value: strconv.Itoa(r.Round.Number)})
}

func person(who identity.Actor) *uuid.UUID {
	if who.PersonID == uuid.Nil {
		return nil
	}
	return &who.PersonID
}

// Cancellation is how a review was cancelled.
type Cancellation struct {
	At     time.Time
	By     string // empty: the system
	Reason string
}

// Cancellation reads how a review was cancelled; the zero Cancellation when it was not. It
// does not authorise: pages call it for a review they have loaded for the reader.
func (s *Service) Cancellation(ctx context.Context, r Review) (c Cancellation, err error) {
	if r.State != Cancelled {
		return c, nil
	}
	const sql = `
		select coalesce(r.cancelled_at, r.closed_at, r.started_at), coalesce(p.name, ''), r.cancel_reason
		from reviews r left join people p on p.id = r.cancelled_by where r.id = $1`
	if err := s.db.QueryRow(ctx, sql, r.ID).Scan(&c.At, &c.By, &c.Reason); err != nil {
		return c, fmt.Errorf("read cancellation: %w", err)
	}
	return c, nil
}

// LifeInput is an act on the life of a workload, as its page showed it at Version.
type LifeInput struct {
	Version int
	Reason  string
	Stage   string // of BringBack: workload.Planned or workload.Live
	TeamKey string // of Move: the team that is to own it
}

// Retired counts what ended with a workload.
type Retired struct {
	Reviews     int  // cancelled
	Items       int  // closed
	Acceptances int  // ended
	Stopped     bool // a running collection of evidence
}

// Retire takes a workload out of use in one act: its open reviews are cancelled, its
// unfinished items closed with the reason, its risk acceptances ended, its collection of
// evidence stopped. All of it stays to be read. Leads of the owning team and admins may.
// Invalid on "reason"; a retired workload or a stale version is a conflict.
func (s *Service) Retire(ctx context.Context, who identity.Actor, workloadID uuid.UUID, in LifeInput) (done Retired, err error) {
	now := s.now()
	err = s.live(ctx, who, workloadID, in, identity.RetireWorkload, "Say why the workload is retired.", func(tx pgx.Tx, w workload.Workload, reason string) error {
		if w.Stage == workload.Retired {
			return fault.New(fault.Conflict, "This workload is retired already.")
		}
		because := "The workload was retired: " + reason
		open, err := lockOpen(ctx, tx, w.ID)
		if err != nil {
			return err
		}
		if err := evidence.LockRunning(ctx, tx, w.ID); err != nil {
			return err
		}
		if err := remediation.LockStanding(ctx, tx, w.ID); err != nil {
			return err
		}
		if done.Stopped, err = evidence.Stop(ctx, tx, who, w.ID, because, now); err != nil {
			return err
		}
		for _, r := range open {
			if err := cancel(ctx, tx, who, r, cutRunes(because, maxLifeReason), now); err != nil {
				return err
			}
		}
		if done.Acceptances, err = remediation.EndAcceptances(ctx, tx, who, w.ID, cutRunes(because, maxLifeReason), now); err != nil {
			return err
		}
		if done.Items, err = remediation.CloseAll(ctx, tx, who, w.ID, cutRunes(because, maxLifeReason), now); err != nil {
			return err
		}
		done.Reviews = len(open)
		return workload.SetStage(ctx, tx, who, w, workload.Retired, reason, now,
			audit.Detail{Name: "reviews", Value: strconv.Itoa(done.Reviews)}, audit.Detail{Name: "items", Value: strconv.Itoa(done.Items)},
			audit.Detail{Name: "acceptances", Value: strconv.Itoa(done.Acceptances)})
	})
	if err != nil {
		return Retired{}, fmt.Errorf("retire workload: %w", err)
	}
	return done, nil
}

// BringBack takes a retired workload into use again, as planned or live, and opens the
// items that retirement closed, so that nothing is mended by going and coming. Its reviews
// stay cancelled. Leads of the owning team and admins may. Invalid on "reason" and "stage"; a
// workload that is not retired or a stale version is a conflict.
func (s *Service) BringBack(ctx context.Context, who identity.Actor, workloadID uuid.UUID, in LifeInput) (items int, err error) {
	now := s.now()
	err = s.live(ctx, who, workloadID, in, identity.RetireWorkload, "Say why the workload comes back.", func(tx pgx.Tx, w workload.Workload, reason string) error {
		if in.Stage != workload.Planned && in.Stage != workload.Live {
			return fault.InvalidField("stage", "Choose planned or live.")
		}
		if w.Stage != workload.Retired {
			return fault.New(fault.Conflict, "This workload is not retired.")
		}
		if items, err = remediation.ReopenAll(ctx, tx, who, w.ID, now); err != nil {
			return err
		}
		return workload.SetStage(ctx, tx, who, w, in.Stage, reason, now, audit.Detail{Name: "items", Value: strconv.Itoa(items)})
	})
	if err != nil {
		return 0, fmt.Errorf("bring workload back: %w", err)
	}
	return items, nil
}

// Move gives a workload to another team in one act. Reviews, items with their owners, grants
// and evidence go along. Authors stay authors. A submitted round goes back to draft: who may
// judge it, and who counts as from outside, depends on the team. Leads of the owning team and
// admins may. Invalid on "team" and "reason"; a stale version is a conflict.
func (s *Service) Move(ctx context.Context, who identity.Actor, workloadID uuid.UUID, in LifeInput) (returned int, err error) {
	now := s.now()
	err = s.live(ctx, who, workloadID, in, identity.MoveWorkload, "Say why the workload moves.", func(tx pgx.Tx, w workload.Workload, reason string) error {
		open, err := lockOpen(ctx, tx, w.ID)
		if err != nil {
			return err
		}
		if _, err := workload.SetTeam(ctx, tx, who, w, in.TeamKey, reason, now); err != nil {
			return err
		}
		for _, r := range open {
			if r.Round.State != Submitted {
				continue
			}
			const sql = `update rounds set state = 'draft', returned_note = $2, returned_by = $3, returned_at = $4 where id = $1`
			note := "The workload moved away from " + w.TeamName + ", and who may judge it depends on the team. Check the answers and submit again."
			if _, err := tx.Exec(ctx, sql, r.Round.ID, note, person(who), now); err != nil {
				return fmt.Errorf("return round to draft: %w", err)
			}
			if err := record(ctx, tx, who, "round.withdrawn", r, now, audit.Detail{Name: "round", Value: strconv.Itoa(r.Round.Number)}); err != nil {
				return err
			}
			returned++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("move workload: %w", err)
	}
	return returned, nil
}

// live runs an act on a workload that is locked as it was seen, with the reason that was given;
// without one, empty says what is missing.
func (s *Service) live(ctx context.Context, who identity.Actor, id uuid.UUID, in LifeInput, may identity.Action, empty string, act func(pgx.Tx, workload.Workload, string) error) error {
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		w, err := workload.Load(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := who.May(may, w.Target()); err != nil {
			return err
		}
		reason, err := lifeReason(in.Reason, empty)
		if err != nil {
			return err
		}
		if w, err = workload.LockForLife(ctx, tx, who, id, in.Version); err != nil {
			return err
		}
		if err := who.May(may, w.Target()); err != nil { // it moved while we waited
			return err
		}
		return act(tx, w, reason)
	})
}

// lockOpen locks the open reviews of a workload, in one order, and reads them.
func lockOpen(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID) ([]Review, error) {
	rows, err := tx.Query(ctx, `select id from reviews where workload_id = $1 and state = 'open' order by id for update`, workloadID)
	if err != nil {
		return nil, fmt.Errorf("lock reviews: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("lock reviews: %w", err)
	}
	list := make([]Review, 0, len(ids))
	for _, id := range ids {
		r, err := load(ctx, tx, identity.SystemActor("review"), id)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// cutRunes shortens a reason that was put together.
func cutRunes(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit])
	}
	return s
}
