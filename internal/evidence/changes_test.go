package evidence_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

// estate is what a scripted collector finds of S3.1; it may be changed between runs.
type estate struct {
	mu     sync.Mutex
	states map[string]evidence.FactState
	denied bool
}

func (e *estate) set(states map[string]evidence.FactState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.states = states
}

// collector reads the estate; what is denied is read in no part.
func (e *estate) collector() script {
	return func(_ evidence.Cell, ask evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.denied {
			return []evidence.Outcome{{Source: evidence.ControlSource, Result: evidence.Denied, Detail: "Access was denied."}}
		}
		var facts []evidence.Observation
		for resource, state := range e.states {
			facts = append(facts, evidence.Observation{Control: "S3.1", Resource: resource, State: state, Title: "Buckets are private", ObservedAt: time.Now()})
		}
		_ = emit(evidence.ControlSource, facts)
		return []evidence.Outcome{{Source: evidence.ControlSource, Result: evidence.OK}}
	}
}

const (
	pass = evidence.Pass
	fail = evidence.Fail
)

// Between any two runs: new failures, what was mended, what is gone; to and fro is no change.
func TestChanges(t *testing.T) {
	h := evidencetest.New(t, one, eu)
	h.Publish(everyPasses)
	e := &estate{}
	h.Work(t, e.collector())
	var runs []evidence.Run
	for _, states := range []map[string]evidence.FactState{
		{"a": pass, "b": fail, "c": fail, "d": pass, "e": pass},
		{"a": fail, "b": pass, "d": fail, "e": evidence.Suppressed},
		{"a": fail, "b": pass, "d": pass, "f": fail, "g": pass},
	} {
		e.set(states)
		runs = append(runs, h.Collect(t))
	}
	between := func(from, to int) map[string][]string {
		t.Helper()
		c, err := h.Service.Changes(ctx, h.Member, h.Workload, runs[from].ID, runs[to].ID)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, one := range c.List {
			got[one.Kind()] = append(got[one.Kind()], one.Resource)
		}
		return got
	}
	for _, tt := range []struct {
		from, to int
		kind     string
		want     []string
	}{
		{0, 1, evidence.NewFailure, []string{"a", "d"}}, {0, 1, evidence.Mended, []string{"b"}}, {0, 1, evidence.Gone, []string{"c"}}, {0, 1, evidence.OtherChange, []string{"e"}},
		{1, 2, evidence.NewFailure, []string{"f"}}, {1, 2, evidence.Mended, []string{"d"}}, {1, 2, evidence.Gone, []string{"e"}}, {1, 2, evidence.OtherChange, []string{"g"}},
		{2, 0, evidence.NewFailure, []string{"a", "f"}}, {2, 0, evidence.Mended, []string{"b"}}, {2, 0, evidence.Gone, []string{"c", "e"}}, {2, 0, evidence.OtherChange, []string{"g"}},
		{1, 1, evidence.NewFailure, nil},
	} {
		if got := between(tt.from, tt.to)[tt.kind]; !slices.Equal(got, tt.want) {
			t.Errorf("%d to %d, %s: %v, want %v", tt.from, tt.to, tt.kind, got, tt.want)
		}
	}
	if n := h.Count(t, `select count(*) from fact_changes`); n != 14 {
		t.Errorf("%d lines of history", n)
	}
	if e.denied = true; h.Collect(t).State != evidence.Failed || len(h.Facts(t, evidence.FactFilter{})) != 5 {
		t.Error("a reading that was denied changed facts")
	}
}

func TestWhoReadsChanges(t *testing.T) {
	h := evidencetest.New(t, one, eu)
	h.Publish(everyPasses)
	waiting := h.Start(t)
	if _, err := h.Service.Changes(ctx, h.Member, h.Workload, waiting.ID, waiting.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("a run that goes on: %v", err)
	}
	h.Work(t, wholly(1))
	run := h.Wait(t, waiting.ID)
	anyone := identity.Actor{PersonID: uuid.New(), Name: "Somebody"}
	if _, err := h.Service.Changes(ctx, anyone, h.Workload, run.ID, run.ID); !fault.Is(err, fault.Forbidden) {
		t.Errorf("anyone: %v", err)
	}
	h.Exec(t, `update workloads set restricted = true`)
	if _, err := h.Service.Changes(ctx, anyone, h.Workload, run.ID, run.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("an outsider: %v", err)
	}
	if _, err := h.Service.Changes(ctx, h.Member, h.Workload, run.ID, uuid.New()); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such run: %v", err)
	}
	if list, err := evidence.Runs(ctx, h.DB, h.Workload); err != nil || len(list) != 1 || list[0].ID != run.ID {
		t.Errorf("the runs are %v, %v", list, err)
	}
}
