package review_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
)

func TestWhatChangedSinceTheLastSubmission(t *testing.T) {
	w, r, _ := risky(t, 2)
	since := func(what string, changed, improved int) {
		t.Helper()
		readout, err := w.reviews.Readout(t.Context(), w.noor, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.reviews.SinceSubmission(t.Context(), readout)
		switch {
		case err != nil:
			t.Fatal(err)
		case changed < 0 && c != nil:
			t.Errorf("%s: %+v", what, c)
		case changed >= 0 && (c == nil || len(c.Sections) != changed || c.Improved != improved):
			t.Errorf("%s: %+v", what, c)
		}
	}
	w.submit(r.ID)
	since("submitted once", -1, 0)
	if _, err := w.reviews.RequestChanges(t.Context(), w.noor, r.ID, "Bring the log."); err != nil {
		t.Fatal(err)
	}
	w.answer(w.asha, r.ID, w.sheet(r.ID).Entries()[0], true)
	w.submit(r.ID)
	since("mended", 1, 1)
	if _, err := w.reviews.Withdraw(t.Context(), w.asha, r.ID); err != nil {
		t.Fatal(err)
	}
	w.submit(r.ID)
	since("submitted as it was", 0, 0)
}

func TestChangeKeysAreOneSubjectInAnyCase(t *testing.T) {
	w := newWorld(t, 2)
	change := func(key string) review.StartInput {
		return review.StartInput{Type: "new-service", ChangeKey: key, ChangeTitle: "New sheet"}
	}
	r := w.start(change("CHG-1"))
	_, err := w.reviews.Start(t.Context(), w.mika, w.payments.ID, change("chg-1"))
	wantFault(t, err, fault.Conflict, "open already")
	w.outcome(r, review.Go)
	wantGate(t, w.launch("chg-1"), review.GateGo, "")
	wantGate(t, w.launch("CHG-1"), review.GateGo, "")
	wantGate(t, w.launch("chg-2"), review.GateUnknown, "never_reviewed")
}

// The migration leaves reviews that are open twice as they are, and lets no third come.
func TestMigrationCopesWithChangesOpenTwice(t *testing.T) {
	w := newWorld(t, 2)
	down, err := os.ReadFile("../../migrations/000028_again.down.sql")
	if err != nil {
		t.Fatal(err)
	}
	up, err := os.ReadFile("../../migrations/000028_again.up.sql")
	if err != nil {
		t.Fatal(err)
	}
	w.exec(string(down))
	for i, key := range []string{"CHG-1", "chg-1", "Chg-1"} {
		w.exec(`insert into reviews (id, workload_id, type_key, change_key, change_title, change_ticket, state, core_path, gates_launch, valid_days, signoffs, tier,
				started_by, started_at, signoffs_by_tier)
			select gen_random_uuid(), $1, 'new-service', $2, 'x', '', 'open', true, true, 365, 1, 2, $3, $4, t.signoffs from review_types t where t.key = 'new-service'`,
			w.payments.ID, key, w.asha.PersonID, w.clock.Add(time.Duration(i)*time.Hour))
	}
	w.exec(string(up))
	if n := w.number(`select count(*) from reviews where state = 'open' and twin`); n != 2 {
		t.Errorf("%d twins, want the two that came later", n)
	}
	start := func() error {
		_, err := w.reviews.Start(t.Context(), w.asha, w.payments.ID, review.StartInput{Type: "new-service", ChangeKey: "cHG-1", ChangeTitle: "x"})
		return err
	}
	wantFault(t, start(), fault.Conflict, "open already")
	w.exec(`update reviews set state = 'cancelled', closed_at = $1 where not twin`, w.clock)
	wantFault(t, start(), fault.Conflict, "open already") // the twins are open still
	w.exec(`update reviews set state = 'cancelled', closed_at = $1 where twin`, w.clock)
	if err := start(); err != nil {
		t.Errorf("when none is open: %v", err)
	}
}

func TestExportSaysThatTheDecisionWasRevoked(t *testing.T) {
	w := newWorld(t, 2)
	r := w.outcome(w.start(review.StartInput{}), review.Go)
	says := func(words string) review.Frozen {
		t.Helper()
		f, err := w.reviews.Frozen(t.Context(), w.vera, r.ID, 1)
		if err != nil {
			t.Fatal(err)
		}
		file, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		v, err := review.Verify(file, nil)
		if err != nil || !v.OK() || !strings.Contains(v.Beside, words) {
			t.Errorf("verified: %+v, %v, want %q", v, err, words)
		}
		return f
	}
	before := says("nothing of a revocation")
	if _, err := w.revoke(w.noor, r.ID, "The drill was staged."); err != nil {
		t.Fatal(err)
	}
	after := says("was revoked by Noor Haddad on 2026-11-21T09:00:00Z. Reason: The drill was staged.")
	if string(after.Seal) != string(before.Seal) || before.Afterwards != nil {
		t.Errorf("the sealed bytes changed, or a running decision was revoked: %+v", before.Afterwards)
	}
}

func TestDecidedElsewhereSentTwiceIsOne(t *testing.T) {
	w := newWorld(t, 2)
	record := func(who int, note string) string {
		t.Helper()
		in := outsideFor()
		in.Note = note
		id, err := w.reviews.RecordOutside(t.Context(), []identity.Actor{w.asha, w.mika}[who], w.payments.ID, in)
		if err != nil {
			t.Fatal(err)
		}
		return id.String()
	}
	first := record(0, "")
	w.later(2 * time.Second)
	if again := record(0, ""); again != first {
		t.Error("a second is recorded")
	}
	if record(1, "") == first || record(0, "Another.") == first {
		t.Error("somebody else's, or another, is taken for the same")
	}
	w.later(2 * time.Minute)
	if record(0, "") == first {
		t.Error("what is recorded later on purpose is taken for the same")
	}
}
