package review_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/review"
)

// TestEmergencyBesideARetirement asks for an emergency go while the workload is being retired:
// it waits, and then there is nothing to let through.
func TestEmergencyBesideARetirement(t *testing.T) {
	w := newWorld(t, 3)
	decided := make(chan error, 1)
	err := pgx.BeginFunc(t.Context(), w.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `update workloads set stage = 'retired' where id = $1`, w.payments.ID); err != nil {
			return err
		}
		go func() {
			_, err := w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, emergencyFor(w, 3))
			decided <- err
		}()
		for w.number(`select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`) == 0 && len(decided) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, <-decided, fault.Conflict, "retired")
	if n := w.number(`select count(*) from reviews`); n != 0 {
		t.Errorf("%d reviews are open on a retired workload", n)
	}
}

// TestEmergencyNeedsAReviewThatGates refuses while a review is open whose decision the launch
// gate does not read, and opens the full one once it is cancelled.
func TestEmergencyNeedsAReviewThatGates(t *testing.T) {
	w := newWorld(t, 3)
	w.exec(`insert into review_types (key, name, description, questionnaires, core_tiers, about_change, gates_launch, gate_mode, valid_days, signoffs)
		select 'health', 'Health check', description, questionnaires, core_tiers, false, false, gate_mode, valid_days, signoffs from review_types where key = 'new-service'`)
	r := w.start(review.StartInput{Type: "health"})
	_, err := w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, emergencyFor(w, 3))
	wantFault(t, err, fault.Conflict, "Finish or cancel that review first")
	if n := w.number(`select count(*) from emergency_decisions`); n != 0 {
		t.Errorf("%d emergency gos", n)
	}
	in := emergencyFor(w, 3)
	in.ChangeKey, in.ChangeTitle = "CHG-1", "A quick mend"
	if _, err := w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, in); err != nil {
		t.Errorf("of another subject: %v", err)
	}
	if _, err := w.reviews.Cancel(t.Context(), w.lead(), r.ID, "It cannot wait."); err != nil {
		t.Fatal(err)
	}
	full, err := w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, emergencyFor(w, 3))
	if err != nil || !full.GatesLaunch || full.TypeKey != "new-service" {
		t.Fatalf("the full review: %+v, %v", full, err)
	}
	w.later(time.Hour)
	w.outcome(full, review.Go)
	wantGate(t, w.launch(""), review.GateGo, "")
}
