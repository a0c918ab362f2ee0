package evidence_test

import (
	"strings"
	"testing"
	"time"

	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
)

// collected is a collector that tells what stands in it at the time, wholly read.
type collected struct{ facts []evidence.Observation }

func (o *collected) collector(source string) script {
	return func(_ evidence.Cell, _ evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
		_ = emit(source, o.facts)
		return []evidence.Outcome{{Source: source, Result: evidence.OK}}
	}
}

// openItem opens the item of a check in the database, as a review does.
func openItem(t *testing.T, h *evidencetest.House, c questionnaire.Check) func() remediation.Item {
	t.Helper()
	tx, err := h.DB.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	o := remediation.Opening{WorkloadID: h.Workload, CauseKind: remediation.CauseEvidence, CauseKey: c.Source + "/" + c.Key, Title: c.Key, Detail: "It fails.",
		Risk: "high", Href: "/workloads/payments", OwnerID: h.Member.PersonID, DueOn: time.Now()}
	_, err = remediation.OpenItem(ctx, tx, h.Member, o, time.Now())
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() remediation.Item {
		t.Helper()
		list, err := remediation.OfEvidence(ctx, h.DB, h.Workload)
		if err != nil || len(list) != 1 {
			t.Fatalf("%d items, %v", len(list), err)
		}
		return list[0]
	}
}

// An item closes and opens as the check judges that it came from.
func TestItemsFollowTheirCheck(t *testing.T) {
	const other = "other=1"
	obs := func(state evidence.FactState, resource, reason string, hours int, tags ...string) evidence.Observation {
		return evidence.Observation{Resource: resource, State: state, Reason: reason, Title: "It is " + resource + ".", Tags: tags, ObservedAt: time.Now().Add(-time.Duration(hours) * time.Hour)}
	}
	whole := evidence.AccountResource(one)
	database := check(evidence.DatabaseSource, "multi_az", "all_pass", "resource")
	events := looking("not_seen_within", "StopX", 30*24*time.Hour)
	users := check(evidence.IAMSource, "user_mfa", "all_pass", "account")
	type told = []evidence.Observation
	for name, tt := range map[string]struct {
		check questionnaire.Check
		tags  []string
		facts told
		want  string
		says  string
	}{
		"a sighting is no pass":           {events, nil, told{obs(pass, whole, "", 1)}, remediation.Open, ""},
		"nothing was seen":                {events, nil, told{obs(evidence.NotApplicable, whole, evidence.NotSeen, 0)}, remediation.Verified, "Nothing was seen within 30 days."},
		"seen too long ago":               {events, nil, told{obs(pass, whole, "", 31*24)}, remediation.Verified, "Nothing was seen within 30 days."},
		"one of two passes is enough":     {anyPasses, nil, told{obs(pass, "a", "", 1), obs(fail, "b", "", 1)}, remediation.Verified, "found it mended"},
		"one of two passes, all have to":  {everyPasses, nil, told{obs(pass, "a", "", 1), obs(fail, "b", "", 1)}, remediation.Open, ""},
		"a stale pass beside a fresh one": {everyPasses, nil, told{obs(pass, "a", "", 40), obs(pass, "b", "", 1)}, remediation.Open, ""},
		"fresh passes":                    {everyPasses, nil, told{obs(pass, "a", "", 20), obs(pass, "b", "", 1)}, remediation.Verified, "2 resources pass, none fails."},
		"of the account, without tags":    {users, []string{"app=x"}, told{obs(pass, "user/bob", "", 0)}, remediation.Verified, "found it mended"},
		"of the account, one fails":       {users, []string{"app=x"}, told{obs(pass, "user/bob", "", 0), obs(fail, "user/eve", "", 0)}, remediation.Open, ""},
		"the last one was deleted":        {database, nil, told{obs(evidence.NotApplicable, whole, evidence.NothingThere, 0)}, remediation.Verified, "nothing of the kind is left"},
		"it does not arise any more":      {database, nil, told{obs(evidence.NotApplicable, "db", evidence.DoesNotApply, 0)}, remediation.Verified, "nothing of the kind is left"},
		"only others' are left":           {database, []string{"app=x"}, told{obs(fail, "db", "", 0, other)}, remediation.Verified, "nothing of the kind is left"},
		"one that fails lost its tags":    {database, []string{"app=x"}, told{obs(fail, "db", "", 0)}, remediation.Open, ""},
		"AWS does not say why":            {everyPasses, nil, told{obs(evidence.NotApplicable, "a", "X_Y", 0)}, remediation.Open, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := evidencetest.New(t, one, us)
			h.Scope(t, []string{one}, []string{us}, tt.tags...)
			h.Publish(tt.check)
			item := openItem(t, h, tt.check)
			for i := range tt.facts {
				tt.facts[i].Control = tt.check.Key
			}
			h.Work(t, (&collected{tt.facts}).collector(tt.check.Source))
			h.Collect(t)
			if it := item(); it.State != tt.want || !strings.Contains(it.Resolution, tt.says) || tt.says == "nothing of the kind is left" && strings.Contains(it.Resolution, "pass") {
				t.Errorf("the item is %s: %q; want %s: %s", it.State, it.Resolution, tt.want, tt.says)
			}
		})
	}
}

// A sighting opens the item again that was closed when nothing was seen.
func TestItemsOpenAgainByTheirCheck(t *testing.T) {
	h := evidencetest.New(t, one, us)
	stop := looking("not_seen_within", "StopX", 30*24*time.Hour)
	h.Publish(stop)
	item := openItem(t, h, stop)
	seen := evidence.Observation{Control: stop.Key, Resource: evidence.AccountResource(one), State: evidence.NotApplicable, Reason: evidence.NotSeen, Title: "It was not seen.", ObservedAt: time.Now()}
	c := &collected{[]evidence.Observation{seen}}
	h.Work(t, c.collector(stop.Source))
	h.Collect(t)
	if it := item(); it.State != remediation.Verified {
		t.Fatalf("the item is %s", it.State)
	}
	h.Later(time.Hour)
	seen.State, seen.Reason, seen.Title = pass, "", "It was seen."
	c.facts = []evidence.Observation{seen}
	h.Collect(t)
	if it := item(); it.State != remediation.Open || !strings.Contains(it.Detail, "It was seen.") {
		t.Errorf("the item is %s: %s", it.State, it.Detail)
	}
}

// What a closed ticket made done once goes on with its evidence: only that ends it.
func TestDoneIsNotTheEndOfEvidence(t *testing.T) {
	for state, want := range map[evidence.FactState]string{fail: remediation.Open, pass: remediation.Verified} {
		h := evidencetest.New(t, one, us)
		h.Scope(t, []string{one}, []string{us})
		h.Publish(everyPasses)
		item := openItem(t, h, everyPasses)
		if _, err := h.DB.Exec(ctx, `update items set state = 'done', done_at = $1`, time.Now()); err != nil {
			t.Fatal(err)
		}
		c := &collected{[]evidence.Observation{{Control: everyPasses.Key, Resource: "db", State: state, Title: "It is so.", ObservedAt: time.Now()}}}
		h.Work(t, c.collector(everyPasses.Source))
		h.Collect(t)
		if it := item(); it.State != want || it.DoneAt != nil && want == remediation.Open {
			t.Errorf("%s: the item is %s, done at %v", state, it.State, it.DoneAt)
		}
	}
}
