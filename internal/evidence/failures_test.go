package evidence_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
)

// inTwoMonths is a day that items may be due on.
var inTwoMonths = time.Now().UTC().AddDate(0, 2, 0).Format(time.DateOnly)

// A first collection opens nothing. What somebody tracks is one item for a control, closed
// only by a whole reading that passes, and opened again only by what fails anew.
func TestItemsFromEvidence(t *testing.T) {
	h := evidencetest.New(t, one, eu)
	h.Publish(everyPasses)
	e := &estate{states: map[string]evidence.FactState{"a": fail, "b": fail, "c": pass}}
	h.Work(t, e.collector())
	h.Collect(t)
	if n := h.Count(t, `select count(*) from items`); n != 0 {
		t.Fatalf("the first collection opened %d items", n)
	}
	list, err := h.Service.Failures(ctx, h.Member, h.Workload)
	if err != nil || len(list) != 1 || list[0].Failed != 2 || list[0].Passed != 1 || list[0].Tracked() {
		t.Fatalf("the failures are %+v, %v", list, err)
	}
	in := evidence.TrackInput{Keys: []string{list[0].Key()}, OwnerID: h.Member.PersonID.String(), DueOn: inTwoMonths}
	if n, err := h.Service.Track(ctx, h.Member, h.Workload, in); n != 1 || err != nil {
		t.Fatalf("tracked %d: %v", n, err)
	}
	if n, err := h.Service.Track(ctx, h.Member, h.Workload, in); n != 0 || err != nil {
		t.Errorf("tracked %d a second time: %v", n, err)
	}
	item := func() remediation.Item {
		t.Helper()
		list, err := remediation.OfEvidence(ctx, h.DB, h.Workload)
		if err != nil || len(list) != 1 {
			t.Fatalf("%d items, %v", len(list), err)
		}
		return list[0]
	}
	is := func(when, state string) {
		t.Helper()
		if it := item(); it.State != state {
			t.Errorf("%s: the item is %s, want %s", when, it.State, state)
		}
	}
	if it := item(); !strings.Contains(it.Detail, "2 of 3 fail") || it.Title != "S3.1: Buckets are private" {
		t.Errorf("the item is %+v", it)
	}
	items := remediation.NewService(h.DB, time.Now)
	if _, err := items.Change(ctx, h.Member, item().ID, remediation.Change{Version: item().Version, OwnerID: in.OwnerID, DueOn: in.DueOn, State: remediation.Done, Resolution: "x"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a person closed it: %v", err)
	}
	after := func(states map[string]evidence.FactState) {
		t.Helper()
		e.set(states)
		h.Later(time.Hour)
		h.Collect(t)
	}
	after(map[string]evidence.FactState{"a": fail, "b": pass, "c": pass})
	is("one is mended", remediation.Open)
	e.denied = true
	after(map[string]evidence.FactState{"a": pass, "b": pass, "c": pass})
	is("nothing could be read", remediation.Open)
	e.denied = false
	after(map[string]evidence.FactState{"a": evidence.Suppressed, "b": pass})
	is("the failure is suppressed", remediation.Open)
	after(map[string]evidence.FactState{"a": pass, "b": pass, "c": pass})
	is("all pass", remediation.Verified)
	if it := item(); !strings.Contains(it.Resolution, "3 resources pass, none fails") {
		t.Errorf("it says %q", it.Resolution)
	}
	after(map[string]evidence.FactState{"a": pass, "b": pass})
	is("still all pass", remediation.Verified)
	after(map[string]evidence.FactState{"a": pass, "b": fail})
	is("one fails anew", remediation.Open)
	after(map[string]evidence.FactState{"a": evidence.NotApplicable})
	is("not known why", remediation.Open)
	if n := h.Count(t, `select count(*) from audit_records where verb in ('item.opened', 'item.verified', 'item.reopened')`); n != 3 {
		t.Errorf("%d records", n)
	}
}

func TestTrackRefuses(t *testing.T) {
	h := evidencetest.New(t, one, eu)
	h.Publish(everyPasses)
	e := &estate{states: map[string]evidence.FactState{"a": fail}}
	h.Work(t, e.collector())
	h.Collect(t)
	good := evidence.TrackInput{Keys: []string{"securityhub.control/S3.1"}, OwnerID: h.Member.PersonID.String(), DueOn: inTwoMonths}
	anyone := identity.Actor{PersonID: uuid.New(), Name: "Somebody"}
	for name, tt := range map[string]struct {
		who   identity.Actor
		in    evidence.TrackInput
		field string
		kind  fault.Kind
	}{
		"nothing chosen":   {h.Member, evidence.TrackInput{OwnerID: good.OwnerID, DueOn: good.DueOn}, "failure", fault.Invalid},
		"does not fail":    {h.Member, evidence.TrackInput{Keys: []string{"config.rule/x\x00"}, OwnerID: good.OwnerID, DueOn: good.DueOn}, "failure", fault.Invalid},
		"no owner":         {h.Member, evidence.TrackInput{Keys: good.Keys, OwnerID: "nobody", DueOn: good.DueOn}, "owner", fault.Invalid},
		"an unknown owner": {h.Member, evidence.TrackInput{Keys: good.Keys, OwnerID: uuid.NewString(), DueOn: good.DueOn}, "owner", fault.Invalid},
		"no day":           {h.Member, evidence.TrackInput{Keys: good.Keys, OwnerID: good.OwnerID, DueOn: "soon"}, "due_on", fault.Invalid},
		"a past day":       {h.Member, evidence.TrackInput{Keys: good.Keys, OwnerID: good.OwnerID, DueOn: "2020-01-01"}, "due_on", fault.Invalid},
		"anyone":           {anyone, good, "", fault.Forbidden},
		"an approver":      {identity.Actor{PersonID: uuid.New(), Grants: []identity.Grant{{Kind: identity.Approver}}}, good, "", fault.Forbidden},
	} {
		_, err := h.Service.Track(ctx, tt.who, h.Workload, tt.in)
		if f := fault.FieldsOf(err); !fault.Is(err, tt.kind) || tt.field != "" && (len(f) != 1 || f[0].Name != tt.field) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Service.Failures(ctx, anyone, h.Workload); !fault.Is(err, fault.Forbidden) {
		t.Errorf("anyone reads failures: %v", err)
	}
	h.Exec(t, `update workloads set restricted = true`)
	if _, err := h.Service.Track(ctx, anyone, h.Workload, good); !fault.Is(err, fault.NotFound) {
		t.Errorf("an outsider: %v", err)
	}
	h.Exec(t, `update workloads set stage = 'retired'`)
	if _, err := h.Service.Track(ctx, h.Member, h.Workload, good); !fault.Is(err, fault.Conflict) {
		t.Errorf("a retired workload: %v", err)
	}
	if n := h.Count(t, `select count(*) from items`); n != 0 {
		t.Errorf("%d items", n)
	}
}

// What fails of an account as a whole is tracked once by the team that owns it: other
// workloads that name the account see that, and do not track it again.
func TestAccountIsTrackedOnce(t *testing.T) {
	h := evidencetest.New(t, one, eu)
	h.Publish(everyPasses)
	e := &estate{states: map[string]evidence.FactState{evidence.AccountResource(one): fail}}
	h.Work(t, e.collector())
	connect(t, h) // of the team of the workload
	run := h.Collect(t)
	if run.State != evidence.Complete {
		t.Fatalf("the run is %s", run.State)
	}
	guest, person := uuid.New(), uuid.New()
	h.Exec(t, `insert into teams (id, key, name, created_at) values ($1, 'guests', 'Guests', now())`, guest)
	h.Exec(t, `insert into people (id, email, name, created_at) values ($1, 'g@example.org', 'Gus Guest', now())`, person)
	other := uuid.New()
	h.Exec(t, `insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		values ($1, 'guest', 'Guest', '', $2, 2, 'live', false, now(), now())`, other, guest)
	h.Exec(t, `insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn)
		select gen_random_uuid(), $1, 'production', true, accounts, regions, '{}', '' from scopes where workload_id = $2 and production`, other, h.Workload)
	h.Exec(t, `insert into account_allowances (account, workload_id, allowed_at) values ($1, $2, now())`, one, other)
	member := identity.Actor{PersonID: person, Name: "Gus Guest", Teams: []identity.Membership{{TeamID: guest, Role: identity.Member}}}
	failure := func(who identity.Actor, workload uuid.UUID) evidence.Failure {
		t.Helper()
		list, err := h.Service.Failures(ctx, who, workload)
		if err != nil || len(list) != 1 {
			t.Fatalf("the failures are %+v, %v", list, err)
		}
		return list[0]
	}
	if f := failure(member, other); f.Tracked() {
		t.Fatalf("tracked by nobody: %+v", f)
	}
	in := evidence.TrackInput{Keys: []string{failure(h.Member, h.Workload).Key()}, OwnerID: h.Member.PersonID.String(), DueOn: inTwoMonths}
	if n, err := h.Service.Track(ctx, h.Member, h.Workload, in); n != 1 || err != nil {
		t.Fatalf("tracked %d: %v", n, err)
	}
	f := failure(member, other)
	if f.Elsewhere == nil || f.Elsewhere.TeamName != "Ledger" || f.Elsewhere.DueOn.Format(time.DateOnly) != inTwoMonths || !f.Elsewhere.Readable(member) {
		t.Errorf("the guests see %+v", f.Elsewhere)
	}
	if own := failure(h.Member, h.Workload); own.Elsewhere != nil || !own.Own() {
		t.Errorf("the owners see %+v", own)
	}
	in.OwnerID = person.String()
	if n, err := h.Service.Track(ctx, member, other, in); n != 0 || err != nil {
		t.Errorf("the guests track %d again: %v", n, err)
	}
	h.Exec(t, `update workloads set restricted = true where id = $1`, h.Workload)
	if f := failure(member, other); f.Elsewhere == nil || f.Elsewhere.Readable(member) {
		t.Errorf("of a restricted workload: %+v", f.Elsewhere)
	}
	h.Exec(t, `update scopes set accounts = '{222222222222}' where workload_id = $1`, h.Workload)
	if f := failure(member, other); f.Elsewhere != nil {
		t.Errorf("its workload names the account no more: %+v", f.Elsewhere)
	}
}
