package review_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
)

// revoke takes back the newest decision of a review, which the person has seen.
func (w *world) revoke(who identity.Actor, id uuid.UUID, why string) (review.Review, error) {
	w.t.Helper()
	return w.reviews.Revoke(w.t.Context(), who, id, w.newestContent(id), why)
}

// newestContent is that of the newest decision of a review, in hex.
func (w *world) newestContent(id uuid.UUID) string {
	w.t.Helper()
	rec, err := w.reviews.Record(w.t.Context(), w.noor, id)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, round := range rec.Rounds {
		if round.Decision != nil {
			return hex.EncodeToString(round.Decision.ContentSHA256)
		}
	}
	return ""
}

func TestRevocation(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	_, err := w.revoke(w.noor, r.ID, "x")
	wantFault(t, err, fault.Conflict, "not decided")
	w.answerAll(w.tomas, r.ID, true) // an approver who answers
	r = w.outcome(r, review.Go)
	before, err := w.reviews.Frozen(t.Context(), w.vera, r.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.later(time.Hour)
	_, err = w.revoke(w.asha, r.ID, "x")
	wantFault(t, err, fault.Forbidden, "Only an approver")
	_, err = w.revoke(w.tomas, r.ID, "x")
	wantFault(t, err, fault.Forbidden, "saved an answer")
	_, err = w.revoke(w.noor, r.ID, " ")
	wantFault(t, err, fault.Invalid, "reason")
	_, err = w.revoke(w.noor, r.ID, strings.Repeat("x", 10_001))
	wantFault(t, err, fault.Invalid, "10,000")
	_, err = w.reviews.Revoke(t.Context(), w.noor, r.ID, strings.Repeat("0", 64), "x")
	wantFault(t, err, fault.Conflict, "Another decision was made since")
	wantGate(t, w.launch(""), review.GateGo, "")

	next, err := w.revoke(w.noor, r.ID, "The drill was staged.")
	if err != nil || next.State != review.Open || next.Round.Number != 2 || next.Round.State != review.Draft {
		t.Fatalf("after a revocation: %+v %s, %v", next.Round, next.State, err)
	}
	g := w.launch("")
	wantGate(t, g, review.GateHold, "revoked")
	if g.Decision != review.Revoked || g.ReviewURL != "https://orrery.test/reviews/"+r.ID.String() {
		t.Errorf("the gate says %+v", g)
	}
	after, err := w.reviews.Frozen(t.Context(), w.vera, r.ID, 1)
	if err != nil || string(after.Seal) != string(before.Seal) || after.SealSHA256 != before.SealSHA256 {
		t.Errorf("the sealed record changed: %v", err)
	}
	rec, err := w.reviews.Record(t.Context(), w.vera, r.ID)
	if err != nil || rec.Rounds[1].Decision.Revoked == nil || rec.Rounds[1].Decision.Revoked.Reason != "The drill was staged." || rec.Rounds[1].Decision.Revoked.RevokedBy != "Noor Haddad" {
		t.Errorf("the record says %+v, %v", rec.Rounds[1].Decision, err)
	}
	_, err = w.revoke(w.noor, r.ID, "again")
	wantFault(t, err, fault.Conflict, "revoked already")
	for _, sql := range []string{`delete from revocations`, `update revocations set reason = 'x'`} {
		if _, err := w.db.Exec(t.Context(), sql); err == nil {
			t.Errorf("the database let %q through", sql)
		}
	}
	if _, broken, err := audit.Verify(t.Context(), w.db); err != nil || broken != nil {
		t.Errorf("audit: %+v, %v", broken, err)
	}
}

// A revocation is the later act, whatever the clock of its server says.
func TestRevocationByALateClock(t *testing.T) {
	w := newWorld(t, 3)
	r := w.outcome(w.start(review.StartInput{}), review.Go)
	w.later(-time.Hour)
	if _, err := w.revoke(w.noor, r.ID, "x"); err != nil {
		t.Fatal(err)
	}
	w.later(2 * time.Hour)
	wantGate(t, w.launch(""), review.GateHold, "revoked")
}
