package evidence_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/evidence/evidencetest"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/review"
)

// TestRetiringBesideTheEndOfARun lets a retirement and the cancelling of the run meet in their
// midst, over an item that evidence opened: one waits for the other.
func TestRetiringBesideTheEndOfARun(t *testing.T) {
	h := evidencetest.New(t, one, us)
	c := check("iam.account", "user_mfa", "all_pass", "account")
	h.Publish(c)
	openItem(t, h, c)
	h.Exec(t, `insert into acceptances (id, workload_id, question, title, risk, href, reason, control, wanted_until, asked_by, asked_at, state)
		values ($1, $2, 'a/b', 'x', 'high', '/x', 'x', 'x', '2099-01-01', $3, now(), 'asked')`, uuid.New(), h.Workload, h.Member.PersonID)
	run := h.Start(t)
	lead := h.Member
	lead.Teams = []identity.Membership{{TeamID: h.Team, Role: identity.Lead}}
	reviews := review.NewService(h.DB, questionnaire.NewLibrary(h.DB, time.Now), "https://orrery.test", time.Now)

	tx, err := h.DB.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, `select from acceptances for update`); err != nil { // keeps the retirement in its midst
		t.Fatal(err)
	}
	wait := func(n int) {
		h.Until(t, "the lock", func() bool {
			return h.Count(t, `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`) == n
		})
	}
	retired, cancelled := make(chan error, 1), make(chan error, 1)
	var done review.Retired
	go func() {
		var err error
		done, err = reviews.Retire(ctx, lead, h.Workload, review.LifeInput{Version: 1, Reason: "x"})
		retired <- err
	}()
	wait(1)
	go func() { cancelled <- h.Service.CancelRun(ctx, h.Member, run.ID) }()
	wait(2)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-retired; err != nil || !done.Stopped || done.Items != 1 || done.Acceptances != 1 {
		t.Errorf("retired: %+v, %v", done, err)
	}
	if err := <-cancelled; !fault.Is(err, fault.Conflict) {
		t.Errorf("cancelled: %v, want a conflict", err)
	}
}
