package review_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
)

// lead is the actor as a lead of the team.
func (w *world) lead() identity.Actor {
	who := w.mika
	who.Teams = []identity.Membership{{TeamID: w.team, Role: identity.Lead}}
	return who
}

func (w *world) version() int {
	w.t.Helper()
	made, err := workload.Load(w.t.Context(), w.db, w.asha, w.payments.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return made.Version
}

func (w *world) number(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestCancelAReview(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	admin := w.vera
	admin.Roles = []identity.OrgRole{identity.Admin}
	for _, who := range []identity.Actor{w.asha, w.noor, w.vera, admin} {
		_, err := w.reviews.Cancel(t.Context(), who, r.ID, "Wrong type.")
		wantFault(t, err, fault.Forbidden, "lead of the owning team")
	}
	_, err := w.reviews.Cancel(t.Context(), w.lead(), r.ID, " \n")
	wantFault(t, err, fault.Invalid, "reason")
	_, err = w.reviews.Cancel(t.Context(), w.lead(), r.ID, strings.Repeat("x", 2001))
	wantFault(t, err, fault.Invalid, "reason")
	_, err = w.reviews.Cancel(t.Context(), w.lead(), uuid.New(), "x")
	wantFault(t, err, fault.NotFound, "no such review")
	r, err = w.reviews.Cancel(t.Context(), w.lead(), r.ID, "Wrong type.")
	if err != nil || r.State != review.Cancelled || r.Round.State != "cancelled" {
		t.Fatalf("cancelled: %+v, %v", r, err)
	}
	c, err := w.reviews.Cancellation(t.Context(), r)
	if err != nil || c.By != "Mika Laine" || c.Reason != "Wrong type." || !c.At.Equal(w.clock) {
		t.Errorf("cancelled by %+v, %v", c, err)
	}
	_, err = w.reviews.Cancel(t.Context(), w.lead(), r.ID, "Again.")
	wantFault(t, err, fault.Conflict, "cancelled already")
	_, err = w.decide(w.noor, review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Go})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("a cancelled round is decided: %v", err)
	}
	if next := w.start(review.StartInput{}); next.ID == r.ID {
		t.Error("the subject is not free")
	}
}

// Cancelling the review of a no-go must not let the go before it govern again.
func TestCancellingLiftsNoNoGo(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	w.sign(w.tomas, r, review.Agree)
	if _, err := w.decide(w.noor, review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Go}); err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.AddDate(0, 0, 1)
	r = w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	if _, err := w.decide(w.noor, review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.NoGo, Reason: "Not yet."}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.reviews.Cancel(t.Context(), w.lead(), r.ID, "We know better."); err != nil {
		t.Fatal(err)
	}
	g, err := w.reviews.Launch(t.Context(), w.vera, "payments", "")
	if err != nil || g.Status != review.GateHold || g.Decision != review.NoGo {
		t.Errorf("after the review was cancelled the gate says %+v, %v", g, err)
	}
}

func TestRetireAndBringBack(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, false)
	w.submit(r.ID)
	change := w.start(review.StartInput{ChangeKey: "CHG-1", ChangeTitle: "Sheet"})
	highs := w.number(`select count(*) from items`)
	w.exec(`insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn) values ($1, $1, 'production', true, '{}', '{}', '{}', '')`, w.payments.ID)
	w.exec(`insert into runs (id, workload_id, scope_id, state, requested_at) values ($1, $1, $1, 'running', now())`, w.payments.ID)
	w.exec(`insert into run_cells (run_id, account, region, source, state, outcome, detail, permission, facts) values ($1, '1', 'r', 's', 'queued', '', '', '', 0)`, w.payments.ID)

	in := review.LifeInput{Version: w.version(), Reason: "Replaced by Ledger 2."}
	for _, who := range []identity.Actor{w.asha, w.noor, w.vera} {
		_, err := w.reviews.Retire(t.Context(), who, w.payments.ID, in)
		wantFault(t, err, fault.Forbidden, "lead of the owning team or an admin")
	}
	_, err := w.reviews.Retire(t.Context(), w.lead(), w.payments.ID, review.LifeInput{Version: in.Version})
	wantFault(t, err, fault.Invalid, "reason")
	_, err = w.reviews.Retire(t.Context(), w.lead(), w.payments.ID, review.LifeInput{Version: 7, Reason: "x"})
	wantFault(t, err, fault.Conflict, "changed this workload")
	_, err = w.reviews.BringBack(t.Context(), w.lead(), w.payments.ID, review.LifeInput{Version: in.Version, Reason: "x", Stage: workload.Live})
	wantFault(t, err, fault.Conflict, "not retired")
	done, err := w.reviews.Retire(t.Context(), w.lead(), w.payments.ID, in)
	if err != nil || done != (review.Retired{Reviews: 2, Items: highs, Stopped: true}) || highs == 0 {
		t.Fatalf("retired %+v, %v", done, err)
	}
	items, _, err := w.items.List(t.Context(), w.vera, remediation.Filter{State: "all", Limit: 100})
	if err != nil || len(items) != highs || items[0].State != remediation.Closed || items[0].ClosedReason != "The workload was retired: Replaced by Ledger 2." || items[0].ClosedBy != "Mika Laine" {
		t.Errorf("%d items, the first %+v, %v", len(items), items[0], err)
	}
	if n := w.number(`select count(*) from runs r join run_cells c on c.run_id = r.id where r.state = 'failed' and c.state = 'done'`); n != 1 {
		t.Error("the collection goes on")
	}
	if n := w.number(`select count(*) from audit_records where verb in ('workload.retired', 'review.cancelled', 'item.closed')`); n != 1+2+highs {
		t.Errorf("%d records", n)
	}
	_, err = w.reviews.Start(t.Context(), w.asha, w.payments.ID, review.StartInput{Type: "new-service"})
	wantFault(t, err, fault.Conflict, "retired")
	_, err = w.reviews.Retire(t.Context(), w.lead(), w.payments.ID, review.LifeInput{Version: w.version(), Reason: "x"})
	wantFault(t, err, fault.Conflict, "retired already")

	back := review.LifeInput{Version: w.version(), Reason: "Ledger 2 failed.", Stage: workload.Retired}
	_, err = w.reviews.BringBack(t.Context(), w.lead(), w.payments.ID, back)
	wantFault(t, err, fault.Invalid, "stage")
	back.Stage = workload.Live
	_, err = w.reviews.BringBack(t.Context(), w.asha, w.payments.ID, back)
	wantFault(t, err, fault.Forbidden, "bring it back")
	if n, err := w.reviews.BringBack(t.Context(), w.lead(), w.payments.ID, back); err != nil || n != highs {
		t.Fatalf("%d items are open again, %v", n, err)
	}
	if n := w.number(`select count(*) from items where state = 'open' and closed_at is null`); n != highs {
		t.Errorf("%d items are open", n)
	}
	if got := w.sheet(change.ID); got.State != review.Cancelled {
		t.Errorf("the review of the change is %s", got.State)
	}
	if n := w.number(`select highs from workload_standing`); n != highs {
		t.Errorf("its line counts %d highs", n)
	}
}

// A condition before launch holds a launch also after the workload went and came back.
func TestRetiringMendsNothing(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	w.sign(w.tomas, r, review.Agree)
	_, err := w.decide(w.noor, review.DecideInput{
		ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Conditional,
		Conditions: []review.ConditionInput{{Text: "Drill the failover.", Timing: remediation.BeforeLaunch, DueOn: "2026-12-01", OwnerID: w.asha.PersonID.String()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	held := func(when string) {
		t.Helper()
		g, err := w.reviews.Launch(t.Context(), w.vera, "payments", "")
		if err != nil || g.Status != review.GateHold {
			t.Errorf("%s the gate says %s, %v", when, g.Status, err)
		}
	}
	held("at first")
	if _, err := w.reviews.Retire(t.Context(), w.lead(), w.payments.ID, review.LifeInput{Version: w.version(), Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	held("while retired")
	if _, err := w.reviews.BringBack(t.Context(), w.lead(), w.payments.ID, review.LifeInput{Version: w.version(), Reason: "x", Stage: workload.Planned}); err != nil {
		t.Fatal(err)
	}
	held("after it came back")
}

func TestMove(t *testing.T) {
	w := newWorld(t, 2)
	shop := w.addTeam("shop")
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, false)
	r = w.submit(r.ID)
	in := review.LifeInput{Version: w.version(), Reason: "The shop runs it now.", TeamKey: "shop"}
	newcomer := w.person("Nils Ek", shop)
	for _, who := range []identity.Actor{w.asha, w.noor, newcomer} {
		_, err := w.reviews.Move(t.Context(), who, w.payments.ID, in)
		wantFault(t, err, fault.Forbidden, "lead of the owning team or an admin")
	}
	for field, bad := range map[string]review.LifeInput{
		"reason": {Version: in.Version, TeamKey: "shop"}, "team: Choose": {Version: in.Version, Reason: "x", TeamKey: "nobody"},
		"team: ledger owns": {Version: in.Version, Reason: "x", TeamKey: "ledger"},
	} {
		_, err := w.reviews.Move(t.Context(), w.lead(), w.payments.ID, bad)
		wantFault(t, err, fault.Invalid, field)
	}
	_, err := w.reviews.Move(t.Context(), w.lead(), w.payments.ID, review.LifeInput{Version: 9, Reason: "x", TeamKey: "shop"})
	wantFault(t, err, fault.Conflict, "changed this workload")
	returned, err := w.reviews.Move(t.Context(), w.lead(), w.payments.ID, in)
	if err != nil || returned != 1 {
		t.Fatalf("%d rounds returned, %v", returned, err)
	}
	moved := w.sheet(r.ID)
	if moved.Workload.TeamID != shop || moved.Round.State != review.Draft || !strings.Contains(moved.Round.ReturnedNote, "moved away from ledger") || !moved.AuthoredByActor {
		t.Errorf("after the move: team %s, %+v", moved.Workload.TeamKey, moved.Round)
	}
	_, err = w.reviews.Submit(t.Context(), w.asha, review.SubmitInput{ReviewID: r.ID})
	wantFault(t, err, fault.Forbidden, "owning team")
	items, _, err := w.items.List(t.Context(), newcomer, remediation.Filter{Limit: 100})
	if err != nil || len(items) == 0 || slices.ContainsFunc(items, func(it remediation.Item) bool { return it.OwnerID != w.asha.PersonID || it.TeamID != shop }) {
		t.Errorf("%d items, %v", len(items), err)
	}
	admin := w.vera
	admin.Roles = []identity.OrgRole{identity.Admin}
	if _, err := w.reviews.Move(t.Context(), admin, w.payments.ID, review.LifeInput{Version: w.version(), Reason: "Back.", TeamKey: "ledger"}); err != nil {
		t.Errorf("an admin: %v", err)
	}
}

// A restricted workload is not there for who may not read it, admins included.
func TestTheLifeOfARestrictedWorkloadIsHidden(t *testing.T) {
	w := newWorld(t, 2)
	secret := w.workload("secret", 2, true)
	admin := w.vera
	admin.Roles = []identity.OrgRole{identity.Admin}
	in := review.LifeInput{Version: 1, Reason: "x", Stage: workload.Live, TeamKey: "ledger"}
	_, err := w.reviews.Retire(t.Context(), admin, secret.ID, in)
	wantFault(t, err, fault.NotFound, "no such workload")
	_, err = w.reviews.BringBack(t.Context(), admin, secret.ID, in)
	wantFault(t, err, fault.NotFound, "no such workload")
	_, err = w.reviews.Move(t.Context(), admin, secret.ID, in)
	wantFault(t, err, fault.NotFound, "no such workload")
	r, err := w.reviews.Start(t.Context(), w.asha, secret.ID, review.StartInput{Type: "new-service"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.reviews.Cancel(t.Context(), w.vera, r.ID, "x")
	wantFault(t, err, fault.NotFound, "no such review")
}

// Starting a review and retiring its workload meet: no open review is left on a retired one.
func TestRetireBesideAStart(t *testing.T) {
	w := newWorld(t, 3)
	for range 5 {
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = w.reviews.Start(t.Context(), w.asha, w.payments.ID, review.StartInput{Type: "new-service"})
		})
		version := w.version()
		wg.Go(func() {
			if _, err := w.reviews.Retire(t.Context(), w.lead(), w.payments.ID, review.LifeInput{Version: version, Reason: "x"}); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if n := w.number(`select count(*) from reviews where state = 'open'`); n != 0 {
			t.Fatalf("%d reviews are open", n)
		}
		if _, err := w.reviews.BringBack(t.Context(), w.lead(), w.payments.ID, review.LifeInput{Version: w.version(), Reason: "x", Stage: workload.Live}); err != nil {
			t.Fatal(err)
		}
	}
}
