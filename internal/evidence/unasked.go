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
	"orrery/internal/remediation"
	"orrery/internal/text"
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

// CloseUnasked closes an item whose control is asked for by no check any more, as it was seen
// at the version, with a reason. Leads of the owning team may. Invalid on "reason"; a
// conflict when the version is stale, it is finished, or a check asks for it again. It is not
// said to be mended: when it fails again and is asked for, it opens again.
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
		switch n := utf8.RuneCountInString(reason); {
		case err != nil:
			return err
		case it.Version != version:
			return fault.New(fault.Conflict, "Somebody changed this item since you opened it. Your reason is still here.")
		case !unasked:
			return fault.New(fault.Conflict, "A check asks for this, or evidence is not its cause: it is not closed here.")
		case n == 0 || n > 1000:
			return fault.InvalidField("reason", "Say why it needs no more work, in at most 1,000 characters.")
		}
		return remediation.CloseUnasked(ctx, tx, who, it, reason, now)
	})
	if err != nil {
		return fmt.Errorf("close an item that nothing asks for: %w", err)
	}
	return nil
}
