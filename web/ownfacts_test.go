package web_test

import (
	"net/http"
	"testing"
	"time"

	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/review"
)

const loadSet = `key: loads
name: Loads
version: 1.0.0
sections:
  - id: one
    name: One
    questions:
      - id: held
        title: Does it hold the load?
        phase: build
        max_risk: high
        why: It breaks on the busiest day.
        choices:
          - {id: held_yes, title: It was tested., weight: core}
          - {id: held_no, title: None of these}
        checks:
          - {id: load, choice: held_yes, source: "own:pipeline", key: load_test, expect: all_pass, max_age: 720h, level: resource, claim: It holds the load.}
`

// TestReportedFactsOnPages shows what a program reported beside the question, and to those who
// may read single findings on the page of the evidence.
func TestReportedFactsOnPages(t *testing.T) {
	s := newSite(t)
	s.publish()
	s.publishFiles(map[string]string{"loads.yaml": loadSet})
	team := s.team("ledger", "Ledger")
	w := s.workload("payments", "Payments", "ledger", false)
	_, asha := s.person("Asha Rao", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	_, vera := s.person("Vera Stone", identity.InviteInput{})
	r, err := s.Reviews.Start(t.Context(), asha.actor(), w.ID, review.StartInput{Type: "new-service", Sets: []string{"loads"}})
	if err != nil {
		t.Fatal(err)
	}
	now := s.Clock.now()
	err = s.Evidence.Report(t.Context(), asha.actor(), w.ID, []evidence.OwnInput{{
		Source: "own:pipeline", Key: "load_test", Subject: "<checkout>", State: "pass", Title: "It held 900 requests a second.", Link: "https://ci.example.com/1", ObservedAt: now, ValidUntil: now.Add(time.Hour),
	}})
	if err != nil {
		t.Fatal(err)
	}
	question := "/reviews/" + r.ID.String() + "/q/loads/held"
	vera.get(question).is(http.StatusOK).says("Supports", "It holds the load.", "It held 900 requests a second. Reported by Asha Rao", "Reports of pipeline")
	asha.get("/workloads/payments/evidence").is(http.StatusOK).says("Reported by programs", "<checkout>", "own:pipeline load_test", "Asha Rao")
	vera.get("/workloads/payments/evidence").is(http.StatusOK).hides("Reported by programs", "own:pipeline load_test")
	eye := s.look(asha)
	for name, to := range map[string]string{"reported": "/workloads/payments/evidence", "reported-question": question} {
		eye.open(to)
		eye.judge(name)
	}
	s.Clock.pass(61 * time.Minute)
	asha.get("/workloads/payments/evidence").says("has ended")
	vera.get(question).says("Stale")
}
