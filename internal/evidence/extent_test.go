package evidence_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/workload"
)

// inPlaces is a collector that tells, by Region, what stands in it at the time.
type inPlaces struct {
	mu    sync.Mutex
	facts map[string][]evidence.Observation
}

func (p *inPlaces) set(region string, facts ...evidence.Observation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.facts[region] = nil
	for _, o := range facts {
		o.ObservedAt = time.Now() // it is seen so now
		p.facts[region] = append(p.facts[region], o)
	}
}

func (p *inPlaces) collector(source string) script {
	return func(c evidence.Cell, _ evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
		p.mu.Lock()
		defer p.mu.Unlock()
		_ = emit(source, p.facts[c.Region])
		return []evidence.Outcome{{Source: source, Result: evidence.OK}}
	}
}

// place is a scope of account one.
type place struct{ regions, tags []string }

func (p place) set(t *testing.T, h *evidencetest.House) {
	t.Helper()
	h.Scope(t, []string{one}, p.regions, p.tags...)
}

func track(t *testing.T, h *evidencetest.House, c questionnaire.Check) {
	t.Helper()
	in := evidence.TrackInput{Keys: []string{c.Source + "/" + c.Key}, OwnerID: h.Member.PersonID.String(), DueOn: time.Now().AddDate(0, 0, 7).Format(time.DateOnly)}
	if n, err := h.Service.Track(ctx, h.Member, h.Workload, in); n != 1 || err != nil {
		t.Fatalf("tracked %d, %v", n, err)
	}
}

func itemOf(t *testing.T, h *evidencetest.House) remediation.Item {
	t.Helper()
	list, err := remediation.OfEvidence(ctx, h.DB, h.Workload)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d items, %v", len(list), err)
	}
	return list[0]
}

// No item of evidence closes by a smaller scope, nor by another one.
func TestNoScopeClosesItems(t *testing.T) {
	both := []string{eu, us}
	wide, app, other := place{both, nil}, place{both, []string{"app=x"}}, place{both, []string{"app=y"}}
	database := check(evidence.DatabaseSource, "multi_az", "all_pass", "resource")
	users := check(evidence.IAMSource, "user_mfa", "all_pass", "account")
	obs := func(c questionnaire.Check, state evidence.FactState, resource string, tags ...string) evidence.Observation {
		return evidence.Observation{Control: c.Key, Resource: resource, State: state, Title: "It is " + resource + ".", Tags: tags}
	}
	none := evidence.Observation{Control: database.Key, Resource: evidence.AccountResource(one), State: evidence.NotApplicable, Reason: evidence.NothingThere, Title: "There is none."}
	fails, passes := obs(database, fail, "db", "app=x"), obs(database, pass, "db2", "app=y")
	type told = []evidence.Observation
	for name, tt := range map[string]struct {
		check  questionnaire.Check
		found  place
		eu, us told
		then   []place // each is collected
		want   string
	}{
		"the Region where it fails is left out":       {database, wide, told{fails}, told{none}, []place{{[]string{us}, nil}}, remediation.Open},
		"what is left passes":                         {database, wide, told{fails}, told{passes}, []place{{[]string{us}, nil}}, remediation.Open},
		"other tags":                                  {database, app, told{fails}, told{none}, []place{other}, remediation.Open},
		"other tags, and others' pass":                {database, app, told{fails}, told{passes}, []place{other}, remediation.Open},
		"one may pass, and another's does":            {check(evidence.DatabaseSource, "multi_az", "any_pass", "resource"), app, told{fails}, told{passes}, []place{other}, remediation.Open},
		"tags, where there were none":                 {database, wide, told{fails}, told{none}, []place{other}, remediation.Open},
		"it failed in the wider one, too":             {database, app, told{fails, obs(database, fail, "db3", "app=z")}, told{none}, []place{wide, other}, remediation.Open},
		"as it was, after a smaller one; still fails": {database, wide, told{fails}, told{none}, []place{{[]string{us}, nil}, wide}, remediation.Open},
		"tags do not matter for an account":           {users, app, told{obs(users, pass, "user/bob")}, told{obs(users, pass, "user/bob")}, []place{other}, remediation.Verified},
	} {
		t.Run(name, func(t *testing.T) {
			h := evidencetest.New(t, one, both...)
			h.Publish(tt.check)
			p := &inPlaces{facts: map[string][]evidence.Observation{}}
			h.Work(t, p.collector(tt.check.Source))
			p.set(eu, tt.eu...)
			p.set(us, tt.us...)
			if tt.check.Level == "account" { // mended before the scope changes
				p.set(eu, obs(users, fail, "user/bob"))
				p.set(us, obs(users, fail, "user/bob"))
			}
			tt.found.set(t, h)
			h.Collect(t)
			track(t, h, tt.check)
			p.set(eu, tt.eu...)
			p.set(us, tt.us...)
			for _, next := range tt.then {
				next.set(t, h)
				h.Collect(t)
			}
			if it := itemOf(t, h); it.State != tt.want {
				t.Fatalf("the item is %s: %q", it.State, it.Resolution)
			}
			if tt.want == remediation.Verified {
				return
			}
			wide.set(t, h) // all that it was found in, and mended
			p.set(eu, none)
			p.set(us, none)
			h.Collect(t)
			if it := itemOf(t, h); it.State != remediation.Verified {
				t.Errorf("mended, the item is %s", it.State)
			}
			if n := h.Count(t, `select count(*) from item_scopes`); n != 0 {
				t.Errorf("%d scopes are kept for a finished item", n)
			}
		})
	}
}

// An item that a run opens is bound to the scope of the run, not to what it became meanwhile.
func TestItemsOfARunAreBoundToItsScope(t *testing.T) {
	h := evidencetest.New(t, one, us)
	database := check(evidence.DatabaseSource, "multi_az", "all_pass", "resource")
	h.Publish(database)
	place{[]string{us}, []string{"app=x"}}.set(t, h)
	h.Service.WhenJudged(func(_ context.Context, tx pgx.Tx, w workload.Workload, newly []string, _ bool, now time.Time) error {
		if len(newly) == 0 {
			return nil
		}
		_, err := remediation.OpenItem(ctx, tx, identity.SystemActor("evidence"), remediation.Opening{
			WorkloadID: w.ID, CauseKind: remediation.CauseEvidence, CauseKey: database.Source + "/" + database.Key, Title: "It fails", Risk: "high",
			Href: "/workloads/payments", OwnerID: h.Member.PersonID, DueOn: now,
		}, now)
		return err
	})
	p := &inPlaces{facts: map[string][]evidence.Observation{us: {{Control: database.Key, Resource: "db", State: fail, Title: "It fails.", Tags: []string{"app=x"}, ObservedAt: time.Now()}}}}
	run := h.Start(t)
	place{[]string{us}, []string{"app=y"}}.set(t, h)
	h.Work(t, p.collector(database.Source))
	h.Wait(t, run.ID)
	h.Collect(t)
	it := itemOf(t, h)
	if outside, err := h.Service.Outside(ctx, it); !outside || err != nil || it.State != remediation.Open {
		t.Errorf("the item is %s, outside %v, %v", it.State, outside, err)
	}
}

// What failed outside the scope of now is closed by a lead, with a reason, and by nobody else.
func TestALeadClosesWhatIsOutside(t *testing.T) {
	h := evidencetest.New(t, one, eu, us)
	database := check(evidence.DatabaseSource, "multi_az", "all_pass", "resource")
	h.Publish(database)
	p := &inPlaces{facts: map[string][]evidence.Observation{eu: {{Control: database.Key, Resource: "db", State: fail, Title: "It fails.", ObservedAt: time.Now()}}}}
	h.Work(t, p.collector(database.Source))
	h.Collect(t)
	track(t, h, database)
	lead := h.Member
	lead.Teams = []identity.Membership{{TeamID: h.Team, Role: identity.Lead}}
	it := itemOf(t, h)
	shut := func(who identity.Actor, reason string) error {
		return h.Service.CloseUnasked(ctx, who, it.ID, it.Version, reason)
	}
	if err := shut(lead, "We do not want it."); !fault.Is(err, fault.Conflict) {
		t.Errorf("within the scope: %v", err)
	}
	place{[]string{us}, nil}.set(t, h)
	if outside, err := h.Service.Outside(ctx, it); !outside || err != nil {
		t.Fatalf("outside: %v, %v", outside, err)
	}
	if err := shut(h.Member, "It moved."); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a member: %v", err)
	}
	if err := shut(lead, ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("no reason: %v", err)
	}
	if err := shut(lead, "It moved to another workload."); err != nil {
		t.Fatal(err)
	}
	if it = itemOf(t, h); it.State != remediation.Closed || it.VerifiedAt != nil {
		t.Errorf("the item is %s, verified at %v", it.State, it.VerifiedAt)
	}
}
