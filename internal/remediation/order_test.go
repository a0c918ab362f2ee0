package remediation_test

import (
	"bytes"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
)

// together runs the acts beside each other, each again and again until it has had its rounds
// or the time is over; an error other than a conflict, which a late version is, fails the test.
func (h *house) together(acts ...func(round int) error) {
	h.Helper()
	var wg sync.WaitGroup
	for _, act := range acts {
		wg.Go(func() {
			until := time.Now().Add(4 * time.Second)
			for round := 0; round < 40 && time.Now().Before(until); round++ {
				if err := act(round); err != nil && !fault.Is(err, fault.Conflict) {
					h.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// dueIn moves the due day of the items in one act: another day each round.
func (h *house) dueIn(ids []uuid.UUID, round int) error {
	day := h.clock.AddDate(0, 0, 10+round%20).Format(time.DateOnly)
	batch, _, err := h.service.ChangeMany(h.Context(), h.asha, remediation.Bulk{Act: remediation.BulkDue, Items: slices.Clone(ids), DueOn: day})
	if err == nil && batch != uuid.Nil && round%3 == 0 {
		_, _, err = h.service.Undo(h.Context(), h.asha, batch)
	}
	return err
}

// TestManyBesideOne changes items of a workload together while others change one of them: all
// get their turn, whatever the order.
func TestManyBesideOne(t *testing.T) {
	h := newHouse(t, false)
	var ids []uuid.UUID
	for i := range 8 {
		ids = append(ids, h.open("s/"+strconv.Itoa(i), "medium", "2026-12-01").ID)
	}
	single := func(id uuid.UUID) func(int) error {
		return func(round int) error {
			it, err := h.service.Item(t.Context(), h.mika, id)
			if err != nil {
				return err
			}
			c := as(it, []string{remediation.InProgress, remediation.Open}[round%2], "")
			_, err = h.service.Change(t.Context(), h.mika, id, c)
			return err
		}
	}
	h.together(func(round int) error { return h.dueIn(ids, round) }, single(ids[7]), single(ids[6]), single(ids[5]))
}

// TestManyBesideMany changes items of two workloads together, in two acts whose items come in
// crossing order.
func TestManyBesideMany(t *testing.T) {
	h := newHouse(t, false)
	first, second := h.workload, uuid.Must(uuid.NewV7())
	h.exec(`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		select $1, 'cards', 'Cards', '', team_id, 2, 'live', false, now(), now() from workloads`, second)
	open := func(workload uuid.UUID, cause string) uuid.UUID {
		h.workload = workload
		return h.open(cause, "medium", "2026-12-01").ID
	}
	var here, there []uuid.UUID // here goes from the first workload to the second, there back
	for i := range 3 {
		here, there = append(here, open(first, "a/"+strconv.Itoa(i))), append(there, open(second, "b/"+strconv.Itoa(i)))
	}
	for i := range 3 {
		here, there = append(here, open(second, "c/"+strconv.Itoa(i))), append(there, open(first, "d/"+strconv.Itoa(i)))
	}
	ordered := func(x, y uuid.UUID) int { return bytes.Compare(x[:], y[:]) }
	if !slices.IsSortedFunc(here, ordered) || !slices.IsSortedFunc(there, ordered) {
		t.Fatal("the ids do not come in the order in which they were made")
	}
	h.together(
		func(round int) error { return h.dueIn(here, round) },
		func(round int) error { return h.dueIn(there, round) },
		func(round int) error { return h.dueIn(append(slices.Clone(here[3:]), there[:3]...), round) },
	)
}

// TestGrantBesideStanding grants a renewal while the acceptances of the workload are being
// locked for a submission or a decision, the older first: the grant holds none of them yet.
func TestGrantBesideStanding(t *testing.T) {
	h := newHouse(t, false)
	judge := h.stranger
	judge.Grants = []identity.Grant{{Kind: identity.Approver}}
	h.exec(`insert into grants (id, person_id, kind, granted_by, granted_at) values ($1, $2, 'approver', $3, now())`, uuid.New(), judge.PersonID, h.asha.PersonID)
	ask := func() (id uuid.UUID) {
		err := pgx.BeginFunc(t.Context(), h.db, func(tx pgx.Tx) (err error) {
			about := remediation.Asking{WorkloadID: h.workload, Question: "orr/quotas", Title: "Quotas", Risk: "high", Tier: 2}
			in := remediation.AskInput{Reason: "In spring.", Control: "We watch it.", Until: "2027-01-29"}
			id, err = remediation.AskAcceptance(t.Context(), tx, h.asha, about, in, h.clock)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	older := ask()
	if _, err := h.service.Grant(t.Context(), judge, older, remediation.GrantInput{}); err != nil {
		t.Fatal(err)
	}
	renewal := ask()
	granted := make(chan error, 1)
	err := pgx.BeginFunc(t.Context(), h.db, func(tx pgx.Tx) error {
		const lock = `select from acceptances where id = $1 for update`
		if _, err := tx.Exec(t.Context(), lock, older); err != nil {
			return err
		}
		go func() {
			_, err := h.service.Grant(t.Context(), judge, renewal, remediation.GrantInput{})
			granted <- err
		}()
		h.waits()
		_, err := tx.Exec(t.Context(), lock, renewal)
		return err
	})
	if other := <-granted; err != nil || other != nil {
		t.Errorf("the standing: %v; the grant: %v", err, other)
	}
	if a, err := h.service.Acceptance(t.Context(), judge, older); err != nil || a.State != remediation.Replaced {
		t.Errorf("the older acceptance is %s: %v", a.State, err)
	}
}

// waits returns once a transaction on the test's database waits for a lock.
func (h *house) waits() {
	h.Helper()
	const sql = `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`
	for range 200 {
		var yes bool
		if err := h.db.QueryRow(h.Context(), sql).Scan(&yes); err != nil {
			h.Fatal(err)
		}
		if yes {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.Error("nobody waits for a lock")
}
