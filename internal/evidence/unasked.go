package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/text"
	"orrery/internal/workload"
)

// Unasked reports whether no published check asks any more for what the item is about:
// nobody looks, so no collection can close it. It is false for items of other causes.
func (s *Service) Unasked(ctx context.Context, it remediation.Item) (bool, error) {
	if it.CauseKind != remediation.CauseEvidence || it.Finished() {
		return false, nil
	}
	ask, err := s.ask(ctx)
	if err != nil {
		return false, err
	}
	source, control, _ := strings.Cut(it.CauseKey, "/")
	return !slices.Contains(ask.Sources(), source) || !slices.Contains(ask.keys(source), control), nil
}

// Outside reports whether the scope of the workload does not take in any more all that it did
// when the item's cause failed: no collection for it can say that it is mended. It is false
// for items of other causes. It does not authorise: pages call it for an item they have read.
func (s *Service) Outside(ctx context.Context, it remediation.Item) (bool, error) {
	return s.outside(ctx, s.db, it)
}

func (s *Service) outside(ctx context.Context, q postgres.Querier, it remediation.Item) (bool, error) {
	if it.CauseKind != remediation.CauseEvidence || it.Finished() {
		return false, nil
	}
	found, err := foundIn(ctx, q, it)
	if err != nil || found == nil {
		return false, err
	}
	w, err := workload.Load(ctx, q, identity.SystemActor("evidence"), it.WorkloadID)
	if err != nil {
		return false, err
	}
	foreign, err := workload.Foreign(ctx, q, w.ID)
	if err != nil {
		return false, err
	}
	checks, err := s.checks(ctx)
	if err != nil {
		return false, fmt.Errorf("read the checks in use: %w", err)
	}
	source, control, _ := strings.Cut(it.CauseKey, "/")
	here := extentOf(w.Production, foreign)
	return slices.ContainsFunc(asking(checks, source, control), func(c questionnaire.Check) bool { return !here.holds(*found, c.Level) }), nil
}

// CloseUnasked closes an item whose control is asked for by no check any more, or what failed
// Outside the scope of now, as it was seen at the version, with a reason. Leads of the owning
// team may. Invalid on "reason"; a conflict when the version is stale, it is finished, or a
// collection can close it. It is not said to be mended: when it fails again and is asked for,
// it opens again.
func (s *Service) CloseUnasked(ctx context.Context, who identity.Actor, id uuid.UUID, version int, reason string) error {
	now, reason := s.now(), text.Clean(reason)
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		it, err := remediation.Locked(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := who.May(identity.CloseItem, it.Target()); err != nil {
			return err
		}
		unasked, err := s.Unasked(ctx, it)
		outside := false
		if err == nil && !unasked {
			outside, err = s.outside(ctx, tx, it)
		}
		switch n := utf8.RuneCountInString(reason); {
		case err != nil:
			return err
		case it.Version != version:
			return fault.New(fault.Conflict, "Somebody changed this item since you opened it. Your reason is still here.")
		case !unasked && !outside:
			return fault.New(fault.Conflict, "A check asks for this within the scope, or evidence is not its cause: it is not closed here.")
		case n == 0 || n > 1000:
			return fault.InvalidField("reason", "Say why it needs no more work, in at most 1,000 characters.")
		}
		if err := remediation.CloseUnasked(ctx, tx, who, it, reason, now); err != nil {
			return err
		}
		return forgetFound(ctx, tx, it)
	})
	if err != nil {
		return fmt.Errorf("close an item that no collection closes: %w", err)
	}
	return nil
}
