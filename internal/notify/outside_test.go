package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/notify"
)

// TestDecidedElsewhere tells the approvers who may confirm it, until somebody gave a word.
func TestDecidedElsewhere(t *testing.T) {
	h := newHouse(t)
	for _, who := range []uuid.UUID{h.mika.PersonID, h.jonas.PersonID} {
		h.exec(`insert into grants (id, person_id, kind, granted_by, granted_at) values (gen_random_uuid(), $1, 'approver', $2, now())`, who, h.asha.PersonID)
	}
	seq := int64(900)
	event := func(verb, target string) {
		t.Helper()
		seq++
		e := audit.Event{ID: uuid.New()}
		e.Stream, e.Seq, e.Verb, e.TargetID = audit.WorkloadStream(h.workload), seq, verb, target
		e.ActorID, e.At = h.asha.PersonID, h.clock.Add(time.Duration(seq)*time.Second)
		h.must(pgx.BeginFunc(t.Context(), h.db, func(tx pgx.Tx) error { return h.service.Take(t.Context(), tx, e) }))
	}
	unread := func(what string, mika, jonas int) {
		t.Helper()
		_, m, err := h.service.Unread(t.Context(), h.mika)
		h.must(err)
		_, j, err := h.service.Unread(t.Context(), h.jonas)
		h.must(err)
		if m != mika || j != jonas {
			t.Errorf("%s: Mika has %d and Jonas %d notices, want %d and %d", what, m, j, mika, jonas)
		}
	}
	first, second := uuid.NewString(), uuid.NewString()
	event("outside_decision.recorded", first)
	event("outside_decision.recorded", first)
	unread("recorded", 1, 1)
	got := h.notices(h.jonas)
	if got[0].Kind != notify.Decide || got[0].Href != "/workloads/payments/elsewhere" || !strings.Contains(got[0].Title, "made elsewhere waits for you") {
		t.Errorf("Jonas is told %+v", got)
	}
	h.exec(`update workloads set tier = 1`)
	event("outside_decision.recorded", second)
	unread("in tier 1", 1, 2)
	event("outside_decision.confirmed", first)
	unread("one was confirmed", 0, 1)
	event("round.decided", uuid.NewString())
	unread("Orrery decided", 0, 0)
}
