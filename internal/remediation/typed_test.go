package remediation_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
	"orrery/internal/remediation"
)

// TestWhatWasTypedStays mends the cause of an item on which somebody wrote what is done so far.
func TestWhatWasTypedStays(t *testing.T) {
	h := newHouse(t, false)
	for typed, want := range map[string]string{"": "Round 2 found no risk.", "Half of it.": "Half of it.\n\nRound 2 found no risk."} {
		it := h.open("s/Q"+typed, "high", "2026-12-01")
		it = h.change(h.asha, it, as(it, remediation.InProgress, typed))
		err := pgx.BeginFunc(t.Context(), h.db, func(tx pgx.Tx) error {
			return remediation.MendItem(t.Context(), tx, h.asha, h.workload, it.CauseKind, it.CauseKey, "Round 2 found no risk.", &h.asha.PersonID, h.clock)
		})
		if err != nil {
			t.Fatal(err)
		}
		if it, err = h.service.Item(t.Context(), h.asha, it.ID); err != nil || it.State != remediation.Done || it.Resolution != want {
			t.Errorf("the item is %s: %q, %v", it.State, it.Resolution, err)
		}
	}
}

// TestWhatIsStoredIsNotTooLong verifies an item to whose words a closed ticket added some.
func TestWhatIsStoredIsNotTooLong(t *testing.T) {
	h := newHouse(t, false)
	it := h.open("s/Q", "high", "2026-12-01")
	it = h.change(h.asha, it, as(it, remediation.InProgress, strings.Repeat("x", 4000)))
	err := pgx.BeginFunc(t.Context(), h.db, func(tx pgx.Tx) error {
		return remediation.TicketClosed(t.Context(), tx, it, "PAY-1", nil, h.clock)
	})
	if err != nil {
		t.Fatal(err)
	}
	approver := h.stranger
	approver.Grants = []identity.Grant{{Kind: identity.Approver, WorkloadID: h.workload}}
	if it, err = h.service.Item(t.Context(), h.asha, it.ID); err != nil {
		t.Fatal(err)
	}
	if it = h.change(approver, it, as(it, remediation.Verified, "")); it.State != remediation.Verified || len(it.Resolution) < 4000 {
		t.Errorf("the item is %s", it.State)
	}
}
