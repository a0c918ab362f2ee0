package evidence_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/identity"
)

// A tagged workload sees what a check looks at on the account as a whole: among the facts,
// the failures and the changes. What may not be seen and was is a failure too.
func TestAccountLevelIsShown(t *testing.T) {
	h := evidencetest.New(t, one, us)
	h.Scope(t, []string{one}, []string{us}, "app=x")
	users := check(evidence.IAMSource, "user_mfa", "all_pass", "account")
	h.Publish(users, quiet)
	state := pass
	h.Work(t, script(func(_ evidence.Cell, ask evidence.Ask, emit func(string, []evidence.Observation) error) (out []evidence.Outcome) {
		_ = emit(evidence.IAMSource, []evidence.Observation{{Control: "user_mfa", Resource: "arn:aws:iam::1:user/bob", State: state, Title: "Bob.", ObservedAt: time.Now()}})
		_ = emit(evidence.ActivitySource, []evidence.Observation{{Control: "root_sign_in", Resource: evidence.AccountResource(one), State: pass, Title: "The root user signed in.", ObservedAt: time.Now().Add(-time.Hour)}})
		for _, source := range ask.Sources() {
			out = append(out, evidence.Outcome{Source: source, Result: evidence.OK})
		}
		return out
	}))
	first := h.Collect(t)
	state = fail
	h.Later(time.Minute)
	second := h.Collect(t)
	if list := h.Facts(t, evidence.FactFilter{Control: "user_mfa"}); len(list) != 1 || list[0].State != fail {
		t.Errorf("the facts are %+v", list)
	}
	changes, err := h.Service.Changes(ctx, h.Member, h.Workload, first.ID, second.ID)
	if err != nil || len(changes.Of(evidence.NewFailure)) != 1 {
		t.Errorf("the changes are %+v, %v", changes.List, err)
	}
	list, err := h.Service.Failures(ctx, h.Member, h.Workload)
	if err != nil || len(list) != 2 || list[0].Control != "root_sign_in" || list[0].Failed != 1 || list[0].Passed != 0 || list[1].Control != "user_mfa" {
		t.Fatalf("the failures are %+v, %v", list, err)
	}
	h.Later(31 * 24 * time.Hour)
	if list, err := h.Service.Failures(ctx, h.Member, h.Workload); err != nil || len(list) != 1 {
		t.Errorf("later than the check looks back: %+v, %v", list, err)
	}
	h.Later(-31 * 24 * time.Hour)
	connect(t, h)
	in := evidence.TrackInput{Keys: []string{list[0].Key(), list[1].Key()}, OwnerID: h.Member.PersonID.String(), DueOn: inTwoMonths}
	if n, err := h.Service.Track(ctx, h.Member, h.Workload, in); n != 2 || err != nil {
		t.Fatalf("tracked %d: %v", n, err)
	}
	other := uuid.New() // of the same team
	h.Exec(t, `insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		values ($1, 'other', 'Other', '', $2, 2, 'live', false, now(), now())`, other, h.Team)
	h.Exec(t, `insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn)
		select gen_random_uuid(), $1, 'production', true, accounts, regions, '{}', '' from scopes where workload_id = $2 and production`, other, h.Workload)
	elsewhere := func(who identity.Actor) (n int) {
		t.Helper()
		list, err := h.Service.Failures(ctx, who, other)
		for _, f := range list {
			if f.Elsewhere != nil {
				n++
			}
		}
		if err != nil || len(list) != 2 {
			t.Errorf("the other's failures are %+v, %v", list, err)
		}
		return n
	}
	if n := elsewhere(h.Member); n != 2 {
		t.Errorf("%d of two are tracked elsewhere", n)
	}
}
