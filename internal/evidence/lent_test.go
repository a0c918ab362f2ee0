package evidence_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
)

// What an account's owner took back is not shown, and proves nothing, before anything is
// collected again and after.
func TestAccountsThatAreTakenBack(t *testing.T) {
	type told map[string]evidence.FactState // by account
	wide := []string{one, two}
	for name, tt := range map[string]struct {
		facts   told
		had     evidence.State
		left    evidence.State
		failing int
		then    evidence.State // after the next collection
	}{
		"all passes":               {told{one: pass, two: pass}, evidence.Supports, evidence.CannotTell, 0, evidence.CannotTell},
		"the lent one fails":       {told{one: pass, two: fail}, evidence.Mixed, evidence.CannotTell, 0, evidence.CannotTell},
		"only the lent one speaks": {told{two: fail}, evidence.Contradicts, evidence.CannotTell, 0, evidence.CannotTell},
		"the own one fails":        {told{one: fail, two: pass}, evidence.Mixed, evidence.Contradicts, 1, evidence.Contradicts},
		"both fail":                {told{one: fail, two: fail}, evidence.Contradicts, evidence.Contradicts, 1, evidence.Contradicts},
	} {
		t.Run(name, func(t *testing.T) {
			h := evidencetest.New(t, one, us)
			h.Scope(t, wide, []string{us})
			h.Publish(everyPasses)
			lend(t, h, two)
			h.Work(t, script(func(c evidence.Cell, _ evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
				var facts []evidence.Observation
				if state, ok := tt.facts[c.Account]; ok {
					facts = append(facts, evidence.Observation{Control: everyPasses.Key, Resource: "db-" + c.Account, State: state, Title: "It is db-" + c.Account + ".", ObservedAt: time.Now()})
				}
				_ = emit(everyPasses.Source, facts)
				return []evidence.Outcome{{Source: everyPasses.Source, Result: evidence.OK}}
			}))
			h.Collect(t)
			had := h.Verdict(t, everyPasses)
			if had.Verdict != tt.had {
				t.Fatalf("lent: %+v", had)
			}
			h.Exec(t, `delete from account_allowances`)
			check := func(when string, want evidence.State) evidence.Verdict {
				t.Helper()
				v := h.Verdict(t, everyPasses)
				shown := slices.ContainsFunc(v.Failing, func(f evidence.Failing) bool { return f.Account == two })
				if v.Verdict != want || shown || strings.Contains(v.Detail, "db-"+two) || len(v.Failing) != tt.failing || v.Failed != tt.failing {
					t.Errorf("%s: %+v, want %s", when, v, want)
				}
				return v
			}
			if v := check("taken back", tt.left); v.Reason != evidence.ScopeChanged || v.Passed != 0 {
				t.Errorf("the reason is %s, %d pass", v.Reason, v.Passed)
			}
			h.Scope(t, []string{one}, []string{us})
			check("and named no more", tt.left)
			h.Scope(t, wide, []string{us})
			h.Collect(t)
			if v := check("collected again", tt.then); v.Reason == evidence.ScopeChanged {
				t.Errorf("it still waits for a collection: %+v", v)
			}
			lend(t, h, two)
			h.Collect(t)
			if v := h.Verdict(t, everyPasses); v.Verdict != had.Verdict || v.Failed != had.Failed {
				t.Errorf("lent again: %+v, it was %+v", v, had)
			}
		})
	}
}

// lend lets the workload read an account that another team owns.
func lend(t *testing.T, h *evidencetest.House, account string) {
	t.Helper()
	if h.Count(t, `select count(*) from accounts`) == 0 {
		team := uuid.Must(uuid.NewV7())
		h.Exec(t, `insert into teams (id, key, name, created_at) values ($1, 'other', 'Other', now())`, team)
		h.Exec(t, `insert into accounts (account, team_id, set_at) values ($1, $2, now())`, account, team)
	}
	h.Exec(t, `insert into account_allowances (account, workload_id, allowed_at) values ($1, $2, now())`, account, h.Workload)
}
