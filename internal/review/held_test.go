package review_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
)

// beside runs the act while a transaction that has done the statement on payments is open, and
// ends that one when the act waits for it.
func (w *world) beside(sql string, act func() error) error {
	w.t.Helper()
	done := make(chan error, 1)
	err := pgx.BeginFunc(w.t.Context(), w.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(w.t.Context(), sql, w.payments.ID); err != nil {
			return err
		}
		go func() { done <- act() }()
		for w.number(`select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`) == 0 && len(done) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return <-done
}

const (
	moving   = `update workloads set team_id = (select id from teams where key = 'shop') where id = $1`
	retiring = `update workloads set stage = 'retired' where id = $1`
)

// What was judged before a move or a retirement that goes on does not count after it.
func TestRightsAreJudgedUnderTheLock(t *testing.T) {
	w := newWorld(t, 2)
	shop := w.addTeam("shop")
	back := func() {
		w.exec(`update workloads set team_id = $2, stage = 'planned' where id = $1`, w.payments.ID, w.team)
	}

	record := func() error {
		_, err := w.reviews.RecordOutside(t.Context(), w.asha, w.payments.ID, outsideFor())
		return err
	}
	wantFault(t, w.beside(moving, record), fault.Forbidden, "owning team or an admin")
	back()
	wantFault(t, w.beside(retiring, record), fault.Conflict, "retired")
	back()
	if n := w.number(`select count(*) from outside_decisions`); n != 0 {
		t.Errorf("%d decisions made elsewhere", n)
	}

	r := w.start(review.StartInput{})
	question := w.answerAll(w.asha, r.ID, false).Highs()[0].Key()
	ask := func() error {
		_, err := w.reviews.AskAcceptance(t.Context(), w.asha, "payments", question, remediation.AskInput{Reason: "It is small.", Control: "We look.", Until: "2026-12-15"})
		return err
	}
	wantFault(t, w.beside(moving, ask), fault.Forbidden, "owning team")
	back()
	wantFault(t, w.beside(retiring, ask), fault.Conflict, "retired")
	back()
	if n := w.number(`select count(*) from acceptances`); n != 0 {
		t.Errorf("%d acceptances", n)
	}
	if err := ask(); err != nil {
		t.Errorf("afterwards: %v", err)
	}

	elsewhere := w.workload("elsewhere", 1, false)
	id, err := w.reviews.RecordOutside(t.Context(), w.asha, elsewhere.ID, outsideFor())
	if err != nil {
		t.Fatal(err)
	}
	insider := w.person("Ines Roth", shop)
	w.approver(&insider)
	w.payments = elsewhere
	confirm := func() error { return w.reviews.JudgeOutside(t.Context(), insider, id, review.Confirmed, "") }
	wantFault(t, w.beside(moving, confirm), fault.Forbidden, "from outside shop")
	back()
	if err := confirm(); err != nil {
		t.Errorf("from outside: %v", err)
	}
}

// A review that is closed is opened by the team that has the workload, and for one in use.
func TestOpeningARoundBesideAMove(t *testing.T) {
	w := newWorld(t, 3)
	w.addTeam("shop")
	r := w.outcome(w.start(review.StartInput{}), review.Go)
	w.later(360 * 24 * time.Hour)
	open := func() error {
		_, err := w.reviews.OpenNextRound(t.Context(), w.asha, r.ID)
		return err
	}
	wantFault(t, w.beside(moving, open), fault.Forbidden, "owning team")
	w.exec(`update workloads set team_id = $2 where id = $1`, w.payments.ID, w.team)
	wantFault(t, w.beside(retiring, open), fault.Conflict, "retired")
	wantFault(t, open(), fault.Conflict, "retired")
	r.Workload.Stage = workload.Retired
	if a, err := w.reviews.AfterDecision(t.Context(), r); err != nil || !a.Governs || a.Renewable {
		t.Errorf("of a retired workload: %+v, %v", a, err)
	}
	wantOpen := func(want int) {
		t.Helper()
		if n := w.number(`select count(*) from reviews where state = 'open'`); n != want {
			t.Errorf("%d reviews are open, want %d", n, want)
		}
	}
	wantOpen(0)
	w.exec(`update workloads set stage = 'live' where id = $1`, w.payments.ID)
	content := w.newestContent(r.ID)
	revoke := func() error {
		_, err := w.reviews.Revoke(t.Context(), w.noor, r.ID, content, "It was wrong.")
		return err
	}
	if err := w.beside(retiring, revoke); err != nil {
		t.Fatal(err)
	}
	wantOpen(0)
	if n := w.number(`select count(*) from revocations`); n != 1 {
		t.Errorf("%d revocations, want 1", n)
	}
}
