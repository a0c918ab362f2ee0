package workload_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/workload"
)

// beside runs the act while a transaction that has done the statement is open, and ends that one
// when the act waits for it.
func (h *house) beside(act func() error, sql string, args ...any) error {
	h.Helper()
	done := make(chan error, 1)
	err := pgx.BeginFunc(h.Context(), h.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(h.Context(), sql, args...); err != nil {
			return err
		}
		go func() { done <- act() }()
		for h.number(`select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`) == 0 && len(done) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		return nil
	})
	if err != nil {
		h.Fatal(err)
	}
	return <-done
}

func (h *house) number(sql string, args ...any) (n int) {
	h.Helper()
	if err := h.db.QueryRow(h.Context(), sql, args...).Scan(&n); err != nil {
		h.Fatal(err)
	}
	return n
}

const moving = `update workloads set team_id = (select id from teams where key = 'storefront'), version = version + 1 where id = $1`

// Who takes part is for the team to say that has the workload when it is said.
func TestParticipantsBesideAMove(t *testing.T) {
	h := newHouse(t)
	w := h.create(good())
	email := h.stranger.PersonID.String() + "@example.org"
	err := h.beside(func() error {
		_, err := h.service.AddParticipant(t.Context(), h.member, w.ID, email)
		return err
	}, moving, w.ID)
	h.wants(err, fault.Forbidden, "owning team")
	if n := h.number(`select count(*) from grants where workload_id = $1`, w.ID); n != 0 {
		t.Errorf("%d take part by the word of the team that had it", n)
	}
	if _, err := h.service.AddParticipant(t.Context(), h.both, w.ID, email); err != nil {
		t.Fatal(err)
	}
	back := `update workloads set team_id = (select id from teams where key = 'ledger'), restricted = true where id = $1`
	storefront := h.stranger
	storefront.Teams = []identity.Membership{{TeamID: h.both.Teams[1].TeamID, Role: identity.Member}}
	err = h.beside(func() error { return h.service.RemoveParticipant(t.Context(), storefront, w.ID, h.stranger.PersonID) }, back, w.ID)
	h.wants(err, fault.NotFound, "no such workload")
	if n := h.number(`select count(*) from grants where workload_id = $1`, w.ID); n != 1 {
		t.Errorf("%d take part, want 1", n)
	}
}

// An account is lent to the team that has the workload when it is lent.
func TestAllowAnAccountBesideAMove(t *testing.T) {
	const account = "444444444444"
	h := newHouse(t)
	w := h.create(good())
	owner := h.team("owner")
	h.exec(`insert into accounts (account, team_id, set_at) values ($1, $2, now())`, account, owner)
	lead := h.stranger
	lead.Teams = []identity.Membership{{TeamID: owner, Role: identity.Lead}}
	allow := func(yes bool) func() error {
		return func() error { return h.service.AllowAccount(t.Context(), lead, account, w.Key, yes) }
	}
	allowed := func(want int) {
		t.Helper()
		if n := h.number(`select count(*) from account_allowances where workload_id = $1`, w.ID); n != want {
			t.Errorf("%d allowances, want %d", n, want)
		}
	}
	h.wants(h.beside(allow(true), moving, w.ID), fault.Conflict, "moved to storefront")
	allowed(0)
	if err := allow(true)(); err != nil {
		t.Fatal(err)
	}
	allowed(1)
	if err := h.beside(allow(false), `update workloads set team_id = (select id from teams where key = 'ledger') where id = $1`, w.ID); err != nil {
		t.Errorf("taking back: %v", err)
	}
	allowed(0)
	h.wants(h.beside(allow(true), `update workloads set restricted = true where id = $1`, w.ID), fault.Invalid, "workload: There is no workload")
	allowed(0)
}

// Who changes a workload that moves meanwhile is told that it changed, not that it is gone.
func TestUpdateBesideAMove(t *testing.T) {
	h := newHouse(t)
	w := h.create(good())
	change := func(who identity.Actor, version int) func() error {
		return func() error {
			in := good()
			in.Name = "Other"
			_, err := h.service.Update(t.Context(), who, w.ID, version, in)
			return err
		}
	}
	h.wants(h.beside(change(h.both, w.Version), moving, w.ID), fault.Conflict, "Somebody changed this workload")
	back := `update workloads set team_id = (select id from teams where key = 'ledger'), version = version + 1 where id = $1`
	seen := w.Version + 1
	err := h.beside(func() error {
		return pgx.BeginFunc(t.Context(), h.db, func(tx pgx.Tx) error {
			_, err := workload.LockForLife(t.Context(), tx, h.both, w.ID, seen)
			return err
		})
	}, back, w.ID)
	h.wants(err, fault.Conflict, "Somebody changed this workload")
	_, err = workload.Load(t.Context(), h.db, h.both, uuid.New())
	h.wants(err, fault.NotFound, "no such workload")
}
