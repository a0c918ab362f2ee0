package evidence_test

import (
	"testing"
	"time"

	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
)

// A control that nobody could look at, while others of its source were read, keeps what was
// known: a failure goes on to contradict, and a pass of before proves nothing.
func TestUnreadControl(t *testing.T) {
	for state, want := range map[evidence.FactState]evidence.State{fail: evidence.Contradicts, pass: evidence.CannotTell} {
		h := evidencetest.New(t, one, eu)
		anyPasses := everyPasses
		anyPasses.Expect = "any_pass"
		h.Publish(everyPasses, anyPasses)
		seen := []evidence.Observation{{Control: "S3.1", Resource: "a", State: state, Title: "Buckets are private", ObservedAt: time.Now()}}
		h.Work(t, script(func(_ evidence.Cell, _ evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
			_ = emit(evidence.ControlSource, seen)
			return []evidence.Outcome{{Source: evidence.ControlSource, Result: evidence.OK}}
		}))
		h.Collect(t)
		seen = []evidence.Observation{{Control: "S3.1", Resource: evidence.AccountResource(one), State: evidence.Unknown, Reason: "denied", Title: "It was not looked at.", ObservedAt: time.Now()}}
		h.Later(time.Hour)
		if run := h.Collect(t); run.State != evidence.Complete {
			t.Fatalf("the run is %s", run.State)
		}
		if v := h.Verdict(t, everyPasses); v.Verdict != want {
			t.Errorf("all pass, %s before: %s %q", state, v.Verdict, v.Detail)
		}
		if v := h.Verdict(t, anyPasses); v.Verdict != evidence.CannotTell {
			t.Errorf("any passes, %s before: %s %q", state, v.Verdict, v.Detail)
		}
		if n := h.Count(t, `select count(*) from facts where gone_at is not null`); n != 0 {
			t.Errorf("%d facts are gone", n)
		}
		seen = []evidence.Observation{{Control: "S3.1", Resource: "b", State: pass, Title: "Buckets are private", ObservedAt: time.Now()}}
		h.Later(time.Hour)
		h.Collect(t)
		if v := h.Verdict(t, everyPasses); v.Verdict != evidence.Supports {
			t.Errorf("once it was read: %s %q", v.Verdict, v.Detail)
		}
	}
}
