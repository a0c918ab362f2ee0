package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/notify"
	"orrery/internal/remediation"
)

// TestHandedOnByItsCause tells the new owner of an item that was open already, and takes it from
// what the old one has to read.
func TestHandedOnByItsCause(t *testing.T) {
	h := newHouse(t)
	open := func(owner uuid.UUID, due time.Time) (id uuid.UUID) {
		t.Helper()
		h.must(pgx.BeginFunc(t.Context(), h.db, func(tx pgx.Tx) (err error) {
			id, err = remediation.OpenItem(t.Context(), tx, h.jonas, remediation.Opening{
				WorkloadID: h.workload, CauseKind: remediation.CauseQuestion, CauseKey: "orr/q1", Title: "Drill the failover", Risk: "high", Href: "/", OwnerID: owner, DueOn: due,
			}, h.clock)
			return err
		}))
		h.clock = h.clock.Add(time.Second)
		h.handOn()
		return id
	}
	day := time.Date(2026, 12, 5, 0, 0, 0, 0, time.UTC)
	open(h.mika.PersonID, day)
	open(h.mika.PersonID, day) // found again: nothing new
	if got := h.notices(h.mika); len(got) != 1 {
		t.Errorf("Mika is told %+v", got)
	}
	id := open(h.asha.PersonID, day)
	if got := h.notices(h.asha); len(got) != 1 || got[0].Kind != notify.Assigned || got[0].Href != "/items/"+id.String() {
		t.Errorf("the new owner is told %+v", got)
	}
	if got, n, err := h.service.Unread(t.Context(), h.mika); err != nil || n != 0 || len(h.notices(h.mika)) != 1 {
		t.Errorf("the old owner has to read %+v, %v", got, err)
	}
	open(h.asha.PersonID, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	h.must(h.service.Calendar(t.Context()))
	if got, n, err := h.service.Unread(t.Context(), h.asha); err != nil || n != 2 || !strings.Contains(got[0].Title, "is due on 22 November 2026") {
		t.Errorf("Asha has to read %+v, %v", got, err)
	}
	h.clock = h.clock.Add(time.Second)
	open(h.asha.PersonID, day)
	if got, n, err := h.service.Unread(t.Context(), h.asha); err != nil || n != 1 {
		t.Errorf("on a later day it is still due: %+v, %v", got, err)
	}
}
