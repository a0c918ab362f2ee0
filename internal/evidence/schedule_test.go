package evidence_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

var admin = identity.Actor{Name: "Ada Example", System: "test", Roles: []identity.OrgRole{identity.Admin}}

func connect(t *testing.T, h *evidencetest.House) evidence.Connection {
	t.Helper()
	c, err := h.Service.AddConnection(ctx, admin, evidence.ConnectionInput{Account: one, Name: "Production", TeamKey: "ledger", Mode: evidence.DefaultChain, Sources: evidence.Sources()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Once a day, for workloads with a connected account, and by nobody's name.
func TestDailyRuns(t *testing.T) {
	h := house(t)
	due := func() int {
		t.Helper()
		if err := h.Service.StartDue(ctx); err != nil {
			t.Fatal(err)
		}
		return h.Count(t, `select count(*) from runs`)
	}
	if n := due(); n != 0 {
		t.Fatalf("%d runs without a connection", n)
	}
	connection := connect(t, h)
	h.Work(t, wholly(1))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { due() })
	}
	wg.Wait()
	if n := due(); n != 1 {
		t.Fatalf("%d runs on the first day", n)
	}
	run, _, err := evidence.LatestRun(ctx, h.DB, h.Workload)
	if err != nil || run.RequestedBy != uuid.Nil || run.RequestedByName != "Orrery" {
		t.Errorf("it was asked for by %s: %v", run.RequestedByName, err)
	}
	h.Wait(t, run.ID)
	h.Later(24 * time.Hour)
	if n := due(); n != 2 {
		t.Errorf("%d runs on the second day", n)
	}
	if _, err := h.Service.RemoveConnection(ctx, admin, connection.ID); err != nil {
		t.Fatal(err)
	}
	run, _, _ = evidence.LatestRun(ctx, h.DB, h.Workload)
	h.Wait(t, run.ID)
	h.Later(24 * time.Hour)
	if n := due(); n != 2 {
		t.Errorf("%d runs after the connection was removed", n)
	}
}

// Who may start a run may stop it; what was read counts, what was not is no pass.
func TestCancelRun(t *testing.T) {
	h := evidencetest.New(t, one, eu)
	h.Publish(everyPasses)
	begun := make(chan struct{}, 1)
	h.Work(t, stuck(begun))
	run := h.Start(t)
	<-begun
	anyone := identity.Actor{PersonID: uuid.New(), Name: "Somebody"}
	if err := h.Service.CancelRun(ctx, anyone, run.ID); !fault.Is(err, fault.Forbidden) {
		t.Errorf("anyone: %v", err)
	}
	h.Exec(t, `update workloads set restricted = true`)
	if err := h.Service.CancelRun(ctx, anyone, run.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("an outsider: %v", err)
	}
	if err := h.Service.CancelRun(ctx, h.Member, uuid.New()); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such run: %v", err)
	}
	if err := h.Service.CancelRun(ctx, h.Member, run.ID); err != nil {
		t.Fatal(err)
	}
	if run = h.Wait(t, run.ID); run.State != evidence.Failed || !strings.Contains(run.Cells[0].Detail, "Kim Lund stopped the collection") {
		t.Errorf("the run is %s: %+v", run.State, run.Cells)
	}
	if v := h.Verdict(t, everyPasses); v.Verdict != evidence.CannotTell {
		t.Errorf("the verdict is %s", v.Verdict)
	}
	if err := h.Service.CancelRun(ctx, h.Member, run.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second time: %v", err)
	}
	h.Until(t, "the job to end", func() bool {
		return h.Count(t, `select count(*) from river.river_job where kind = 'evidence.collect' and state = 'cancelled'`) == 1
	})
}

// Two servers work one database: no cell of a run is read twice.
func TestTwoReplicas(t *testing.T) {
	h := evidencetest.New(t, one, eu, us, "eu-north-1", "eu-central-1", "eu-west-2", "eu-west-3")
	h.Publish(everyPasses)
	var mu sync.Mutex
	var cells []evidence.Cell
	read := wholly(2)
	counting := script(func(cell evidence.Cell, ask evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
		mu.Lock()
		cells = append(cells, cell)
		mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		return read(cell, ask, emit)
	})
	h.Work(t, counting)
	h.Work(t, counting)
	for range 3 {
		cells = nil
		if run := h.Collect(t); run.State != evidence.Complete {
			t.Fatalf("the run is %s", run.State)
		}
		mu.Lock()
		slices.SortFunc(cells, func(a, b evidence.Cell) int { return strings.Compare(a.Region, b.Region) })
		if len(slices.Compact(cells)) != 6 || len(cells) != 6 {
			t.Errorf("read: %v", cells)
		}
		mu.Unlock()
	}
}
