package review_test

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/review"
)

// risky is a world with a draft whose answers are good but for the first: high.
func risky(t *testing.T, tier int) (w *world, r review.Review, key string) {
	t.Helper()
	w = newWorld(t, tier)
	r = w.start(review.StartInput{})
	sheet := w.answerAll(w.asha, r.ID, true)
	w.answer(w.asha, r.ID, sheet.Entries()[0], false)
	return w, r, sheet.Entries()[0].Key()
}

var terms = remediation.AskInput{Reason: "The new pool comes in spring.", Control: "We watch the quota daily.", Until: "2027-03-03"}

func (w *world) ask(key string, in remediation.AskInput) uuid.UUID {
	w.t.Helper()
	id, err := w.reviews.AskAcceptance(w.t.Context(), w.asha, "payments", key, in)
	if err != nil {
		w.t.Fatal(err, fieldWords(err))
	}
	return id
}

func (w *world) grant(id uuid.UUID) remediation.Acceptance {
	w.t.Helper()
	a, err := w.items.Grant(w.t.Context(), w.noor, id, remediation.GrantInput{})
	if err != nil {
		w.t.Fatal(err, fieldWords(err))
	}
	return a
}

func TestAskForAnAcceptance(t *testing.T) {
	w, r, key := risky(t, 2)
	with := func(change func(*remediation.AskInput)) remediation.AskInput {
		in := terms
		change(&in)
		return in
	}
	until := func(day string) remediation.AskInput {
		return with(func(in *remediation.AskInput) { in.Until = day })
	}
	for name, c := range map[string]struct {
		in    remediation.AskInput
		words string
	}{
		"no reason":    {with(func(in *remediation.AskInput) { in.Reason = " " }), "reason: Say why"},
		"no control":   {with(func(in *remediation.AskInput) { in.Control = "" }), "control: Say what keeps"},
		"long reason":  {with(func(in *remediation.AskInput) { in.Reason = strings.Repeat("é", 4001) }), "reason: Keep it under 4,000"},
		"no end":       {until(""), "An acceptance always ends."},
		"no day":       {until("soon"), "year-month-day"},
		"past":         {until("2026-11-20"), "in the past"},
		"too long":     {until("2027-05-24"), "A high risk in tier 2 is accepted for 180 days at most, so until Thursday 20 May 2027."},
		"saturday":     {until("2027-03-06"), "That is a Saturday, when nobody is at work to notice that it ends. Choose Friday 5 March 2027."},
		"sunday":       {until("2027-03-07"), "Choose Friday 5 March 2027."},
		"this weekend": {until("2026-11-22"), "Choose Monday 23 November 2026."}, // the clock stands on a Saturday
	} {
		_, err := w.reviews.AskAcceptance(t.Context(), w.asha, "payments", key, c.in)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fieldWords(err), c.words) {
			t.Errorf("%s: got %v%s, want %q", name, err, fieldWords(err), c.words)
		}
	}
	ask := func(who identity.Actor, workload, key string) error {
		return second(w.reviews.AskAcceptance(t.Context(), who, workload, key, terms))
	}
	pipeline := identity.Actor{PersonID: w.asha.PersonID, Service: true, Teams: w.asha.Teams}
	wantFault(t, ask(pipeline, "payments", key), fault.Forbidden, "A service does neither")
	reader := w.asha
	reader.TokenID, reader.Scopes = uuid.New(), []string{"read"}
	wantFault(t, ask(w.vera, "payments", key), fault.Forbidden, "owning team")
	wantFault(t, ask(w.noor, "payments", key), fault.Forbidden, "owning team")
	wantFault(t, ask(reader, "payments", key), fault.Forbidden, "lacks the scope items:write")
	wantFault(t, ask(w.asha, "nothing", key), fault.NotFound, "no such workload")
	wantFault(t, ask(w.asha, "payments", "orr/nothing"), fault.NotFound, "asks that question")
	wantFault(t, ask(w.asha, "payments", "nothing"), fault.NotFound, "asks that question")
	wantFault(t, ask(w.asha, "payments", w.sheet(r.ID).Entries()[1].Key()), fault.Conflict, "no risk to accept")
	w.ask(key, terms)
	wantFault(t, ask(w.mika, "payments", key), fault.Conflict, "asked for already")
	w.workload("secret", 2, true)
	wantFault(t, ask(w.vera, "secret", key), fault.NotFound, "no such workload")
}

func TestPolicyOfAcceptances(t *testing.T) {
	for _, c := range []struct {
		risk string
		tier int
		days int
	}{{"high", 1, 90}, {"high", 2, 180}, {"high", 3, 180}, {"medium", 1, 365}, {"medium", 3, 365}} {
		if days := remediation.LongestAcceptance(c.risk, c.tier); days != c.days {
			t.Errorf("%s in tier %d: %d days, want %d", c.risk, c.tier, days, c.days)
		}
	}
	w, _, key := risky(t, 1)
	_, err := w.reviews.AskAcceptance(t.Context(), w.asha, "payments", key, terms)
	wantFault(t, err, fault.Invalid, "90 days at most")
}

func TestGrantNeedsAnotherPair(t *testing.T) {
	w, r, key := risky(t, 2)
	tomas := w.tomas // an approver in the team asks
	id, err := w.reviews.AskAcceptance(t.Context(), tomas, "payments", key, terms)
	if err != nil {
		t.Fatal(err)
	}
	grant := func(who identity.Actor, in remediation.GrantInput) error {
		return second(w.items.Grant(t.Context(), who, id, in))
	}
	wantFault(t, grant(tomas, remediation.GrantInput{}), fault.Forbidden, "another approver")
	wantFault(t, second(w.items.Decline(t.Context(), tomas, id, "x")), fault.Forbidden, "another approver")
	wantFault(t, grant(w.mika, remediation.GrantInput{}), fault.Forbidden, "Only an approver")
	self, token := w.vera, w.noor
	self.Grants = []identity.Grant{{Kind: identity.Approver, SelfGiven: true}}
	token.TokenID, token.Scopes = uuid.New(), []string{identity.ReadReviews, identity.WriteAnswers, identity.WriteItems}
	wantFault(t, grant(self, remediation.GrantInput{}), fault.Forbidden, "Only an approver")
	wantFault(t, grant(token, remediation.GrantInput{}), fault.Forbidden, "Only an approver")
	author := w.person("Lin Ode", w.team)
	w.approver(&author)
	w.answer(author, r.ID, w.sheet(r.ID).Entries()[0], false)
	if err := w.items.MayJudge(t.Context(), author, w.acceptance(id)); err != nil {
		t.Errorf("who saved nothing new: %v", err)
	}
	w.answer(author, r.ID, w.sheet(r.ID).Entries()[0], true)
	w.answer(author, r.ID, w.sheet(r.ID).Entries()[0], false)
	wantFault(t, grant(author, remediation.GrantInput{}), fault.Forbidden, "another approver")
	wantFault(t, w.items.MayJudge(t.Context(), author, w.acceptance(id)), fault.Forbidden, "another approver")

	wantFault(t, grant(w.noor, remediation.GrantInput{Until: "2027-03-04"}), fault.Invalid, "no longer than Wednesday 3 March 2027")
	wantFault(t, grant(w.noor, remediation.GrantInput{Until: "2027-02-27"}), fault.Invalid, "Choose Friday 26 February 2027")
	wantFault(t, grant(w.noor, remediation.GrantInput{Note: strings.Repeat("x", 4001)}), fault.Invalid, "4,000")
	if err := grant(w.noor, remediation.GrantInput{Until: "2027-02-26", Note: "Show me the graph."}); err != nil {
		t.Fatal(err)
	}
	if a := w.acceptance(id); a.JudgedByName != "Noor Haddad" || a.Until.Format(time.DateOnly) != "2027-02-26" || !a.Running(w.clock) || a.Note != "Show me the graph." {
		t.Errorf("granted: %+v", a)
	}
	wantFault(t, grant(w.noor, remediation.GrantInput{}), fault.Conflict, "does not wait")
	wantFault(t, second(w.items.Decline(t.Context(), w.noor, id, "x")), fault.Conflict, "does not wait")
	wantFault(t, second(w.items.Grant(t.Context(), w.noor, uuid.New(), remediation.GrantInput{})), fault.NotFound, "no such acceptance")
}

func (w *world) acceptance(id uuid.UUID) remediation.Acceptance {
	w.t.Helper()
	a, err := w.items.Acceptance(w.t.Context(), w.noor, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func TestDeclineWithdrawRevokeRenew(t *testing.T) {
	w, _, key := risky(t, 2)
	ctx := t.Context()
	id := w.ask(key, terms)
	wantFault(t, second(w.items.Decline(ctx, w.noor, id, " ")), fault.Invalid, "decline_note: Say why")
	wantFault(t, second(w.items.Revoke(ctx, w.noor, id, "x")), fault.Conflict, "asked for")
	if a, err := w.items.Decline(ctx, w.noor, id, "Mend it."); err != nil || a.State != remediation.Declined || a.Note != "Mend it." {
		t.Fatal(a, err)
	}
	wantFault(t, second(w.items.Withdraw(ctx, w.asha, id)), fault.Conflict, "declined")

	id = w.ask(key, terms)
	wantFault(t, second(w.items.Withdraw(ctx, w.noor, id)), fault.Forbidden, "owning team")
	if a, err := w.items.Withdraw(ctx, w.mika, id); err != nil || a.State != remediation.Withdrawn || a.ClosedByName != "Mika Laine" {
		t.Fatal(a, err)
	}
	id = w.ask(key, terms)
	w.grant(id)
	renewed := w.ask(key, remediation.AskInput{Reason: "Later.", Control: "As before.", Until: "2027-04-30"})
	if a := w.acceptance(id); !a.Running(w.clock) {
		t.Errorf("asking to renew ended it: %s", a.State)
	}
	w.grant(renewed)
	if a := w.acceptance(id); a.State != remediation.Replaced {
		t.Errorf("after the renewal the old one is %s", a.State)
	}
	wantFault(t, second(w.items.Revoke(ctx, w.asha, renewed, "x")), fault.Forbidden, "Only an approver")
	wantFault(t, second(w.items.Revoke(ctx, w.noor, renewed, "")), fault.Invalid, "revoke_note: Say why")
	if a, err := w.items.Revoke(ctx, w.noor, renewed, "The graph stopped."); err != nil || a.State != remediation.Revoked || a.CloseNote != "The graph stopped." {
		t.Fatal(a, err)
	}
	if n := w.count(`select count(*) from acceptances`); n != 4 {
		t.Errorf("%d acceptances are kept, want 4", n)
	}
	if _, broken, err := audit.Verify(ctx, w.db); err != nil || broken != nil {
		t.Errorf("audit: %+v, %v", broken, err)
	}
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// What the services promise the database holds as well.
func TestAcceptancesAreGuarded(t *testing.T) {
	w, r, key := risky(t, 2)
	id := w.ask(key, terms)
	judge := `update acceptances set state = 'granted', until = wanted_until, judged_at = now(), judged_by = $2 where id = $1`
	author := w.person("Lin Ode", w.team)
	w.approver(&author)
	w.answer(author, r.ID, w.sheet(r.ID).Entries()[0], true)
	w.answer(author, r.ID, w.sheet(r.ID).Entries()[0], false)
	self := w.person("Self Made", uuid.Nil)
	w.exec(`insert into grants (id, person_id, kind, granted_by, granted_at) values ($1, $2, 'approver', $2, $3)`, uuid.New(), self.PersonID, w.clock)
	for name, who := range map[string]uuid.UUID{"who asked": w.asha.PersonID, "who answered": author.PersonID, "by their own word": self.PersonID, "no approver": w.vera.PersonID} {
		if _, err := w.db.Exec(t.Context(), judge, id, who); err == nil || !strings.Contains(err.Error(), "may not judge") {
			t.Errorf("%s granted: %v", name, err)
		}
	}
	refused := func(sql string) {
		t.Helper()
		if _, err := w.db.Exec(t.Context(), sql, id); err == nil {
			t.Errorf("the database let %q through", sql)
		}
	}
	refused(`delete from acceptances where id = $1`)
	refused(`update acceptances set reason = 'forged' where id = $1`)
	refused(`update acceptances set wanted_until = '2030-01-01' where id = $1`)
	refused(`update acceptances set until = wanted_until where id = $1`)
	refused(`update acceptances set state = 'replaced', closed_at = now(), until = wanted_until where id = $1`)
	w.grant(id)
	refused(`update acceptances set until = until - 1 where id = $1`)
	refused(`update acceptances set state = 'asked', until = null where id = $1`)
	refused(`update acceptances set note = 'forged' where id = $1`)
	refused(`insert into acceptances select gen_random_uuid(), workload_id, question, title, risk, href, reason, control, wanted_until, asked_by, asked_at, 'granted', until, judged_by, judged_at, '' from acceptances where id = $1`)
	if _, err := w.items.Revoke(t.Context(), w.noor, id, "x"); err != nil {
		t.Fatal(err)
	}
	refused(`update acceptances set state = 'granted' where id = $1`)
	refused(`update acceptances set close_note = 'forged' where id = $1`)
}

func TestSubmitWithAnAcceptance(t *testing.T) {
	w, r, key := risky(t, 2)
	_, err := w.reviews.Submit(t.Context(), w.asha, review.SubmitInput{ReviewID: r.ID})
	wantFault(t, err, fault.Invalid, "Choose who mends this")
	id := w.ask(key, terms)
	_, err = w.reviews.Submit(t.Context(), w.asha, review.SubmitInput{ReviewID: r.ID, Steps: map[string]review.FirstStep{key: {OwnerID: w.asha.PersonID.String()}}})
	wantFault(t, err, fault.Invalid, "due date")
	if r, err = w.reviews.Submit(t.Context(), w.asha, review.SubmitInput{ReviewID: r.ID}); err != nil {
		t.Fatal(err)
	}
	readout, err := w.reviews.Readout(t.Context(), w.noor, r.ID)
	if err != nil || len(readout.Unowned) != 1 || len(readout.Content.Acceptances) != 1 || readout.Content.Acceptances[0].State != remediation.Asked {
		t.Fatalf("%d unowned, acceptances %+v, %v", len(readout.Unowned), readout.Content.Acceptances, err)
	}
	content := hex.EncodeToString(r.Round.ContentSHA256)
	w.sign(w.noor, r, review.Agree)
	conditional := review.DecideInput{ReviewID: r.ID, Content: content, Outcome: review.Conditional, Conditions: []review.ConditionInput{
		{Text: "Page somebody.", Timing: remediation.BeforeLaunch, OwnerID: w.asha.PersonID.String()},
	}}
	_, err = w.decide(w.noor, conditional)
	wantFault(t, err, fault.Invalid, "neither an owner nor a running acceptance")
	readout, _ = w.reviews.Readout(t.Context(), w.noor, r.ID)
	in := review.DecideInput{ReviewID: r.ID, Content: content, Outcome: review.Go}
	_, err = w.decide(w.noor, in)
	wantFault(t, err, fault.Invalid, "plain go is refused")
	w.grant(id)
	in.Seen = readout.Seen()
	_, err = w.reviews.Decide(t.Context(), w.noor, in)
	wantFault(t, err, fault.Conflict, "has an acceptance that is granted")
	if _, err = w.decide(w.noor, in); err != nil {
		t.Fatalf("a plain go with every high accepted: %v%s", err, fieldWords(err))
	}
	if n := w.count(`select count(*) from items`); n != 0 {
		t.Errorf("%d items were opened for an accepted high", n)
	}
	f, err := w.reviews.Frozen(t.Context(), w.noor, r.ID, 1)
	var seal review.Seal
	if err != nil || json.Unmarshal(f.Seal, &seal) != nil || len(seal.Acceptances) != 1 || seal.Acceptances[0].GrantedBy != "Noor Haddad" {
		t.Errorf("the seal holds %+v, %v", seal.Acceptances, err)
	}
}

// decidedOn is a risky world whose high was accepted, and a go decided on it.
func decidedOn(t *testing.T) (w *world, id uuid.UUID, key string) {
	t.Helper()
	w, r, key := risky(t, 2)
	id = w.ask(key, terms)
	w.grant(id)
	r = w.submit(r.ID)
	w.sign(w.noor, r, review.Agree)
	if _, err := w.decide(w.noor, review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Go}); err != nil {
		t.Fatal(err, fieldWords(err))
	}
	return w, id, key
}

func (w *world) gate() review.Gate {
	w.t.Helper()
	g, err := w.reviews.Launch(w.t.Context(), w.vera, "payments", "")
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func codes(list []review.GateReason) (all []string) {
	for _, r := range list {
		all = append(all, r.Code)
	}
	return all
}

func TestAnAcceptanceEnds(t *testing.T) {
	w, id, key := decidedOn(t)
	at := func(year int, month time.Month, day, hour, minute, second int) {
		w.clock = time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	}
	g := w.gate()
	wantGate(t, g, review.GateGo, "")
	if !slices.Equal(codes(g.Warnings), []string{"risk_accepted"}) || g.Warnings[0].Question != key || !strings.HasPrefix(g.Warnings[0].Message, "High, accepted until 3 March 2027: ") {
		t.Errorf("warnings %+v", g.Warnings)
	}
	if s := g.Standing; s.Highs != 1 || s.Accepted != 1 || s.AcceptedUntil == nil || s.Ended != 0 {
		t.Errorf("standing %+v", s)
	}
	at(2027, 2, 1, 23, 59, 59)
	if w.acceptance(id).Ending(w.clock) {
		t.Error("it is said to end more than 30 days before")
	}
	at(2027, 2, 2, 0, 0, 0)
	if g = w.gate(); !slices.Equal(codes(g.Warnings), []string{"acceptance_ending"}) {
		t.Errorf("30 days before: warnings %+v", g.Warnings)
	}
	at(2027, 3, 3, 23, 59, 59)
	wantGate(t, w.gate(), review.GateGo, "")
	at(2027, 3, 4, 0, 0, 0)
	g = w.gate()
	wantGate(t, g, review.GateHold, "acceptance_ended")
	if s := g.Standing; s.Highs != 1 || s.Accepted != 0 || s.Ended != 1 || !strings.Contains(g.Blockers[0].Message, "ended on 3 March 2027") {
		t.Errorf("standing %+v, %+v", s, g.Blockers)
	}
	wantFault(t, second(w.items.Revoke(t.Context(), w.noor, id, "x")), fault.Conflict, "ended")

	renewed := w.ask(key, remediation.AskInput{Reason: "Again.", Control: "As before.", Until: "2027-03-31"})
	wantGate(t, w.gate(), review.GateHold, "acceptance_ended")
	w.grant(renewed)
	wantGate(t, w.gate(), review.GateGo, "")
	if _, err := w.items.Revoke(t.Context(), w.noor, renewed, "No."); err != nil {
		t.Fatal(err)
	}
	wantGate(t, w.gate(), review.GateHold, "acceptance_ended")
}

func TestMendedRisksNeedNoAcceptance(t *testing.T) {
	w, id, key := decidedOn(t)
	_, err := w.items.MendInstead(t.Context(), w.noor, id, w.asha.PersonID.String(), "2026-12-24")
	wantFault(t, err, fault.Forbidden, "owning team")
	_, err = w.items.MendInstead(t.Context(), w.asha, id, "nobody", "soon")
	wantFault(t, err, fault.Invalid, "due_on")
	_, err = w.items.MendInstead(t.Context(), w.asha, id, uuid.NewString(), "2026-12-24")
	wantFault(t, err, fault.Invalid, "owner")
	item, err := w.items.MendInstead(t.Context(), w.asha, id, w.asha.PersonID.String(), "2026-12-24")
	if err != nil {
		t.Fatal(err)
	}
	if g := w.gate(); !slices.Equal(codes(g.Warnings), []string{"risk_accepted"}) {
		t.Errorf("what is accepted is said twice: %+v", g.Warnings)
	}
	w.clock = time.Date(2026, 12, 25, 0, 0, 0, 0, time.UTC)
	if g := w.gate(); !slices.Equal(codes(g.Warnings), []string{"high_overdue", "risk_accepted"}) {
		t.Errorf("the work is late: %+v", g.Warnings)
	}
	w.clock = time.Date(2027, 3, 4, 0, 0, 0, 0, time.UTC)
	wantGate(t, w.gate(), review.GateHold, "acceptance_ended")
	w.finish(t, item.String(), w.asha, w.mika)
	g := w.gate()
	wantGate(t, g, review.GateGo, "")
	if s := g.Standing; s.Highs != 0 || s.Mended != 1 || s.Ended != 0 {
		t.Errorf("standing %+v", s)
	}
	if a := w.acceptance(id); a.StateAt(w.clock) != remediation.Mended {
		t.Errorf("the acceptance is %s", a.StateAt(w.clock))
	}
	_, err = w.items.MendInstead(t.Context(), w.asha, id, w.asha.PersonID.String(), "2027-12-24")
	wantFault(t, err, fault.Conflict, "mended")
	if _, err := w.reviews.AskAcceptance(t.Context(), w.asha, "payments", key, remediation.AskInput{Reason: "x", Control: "y", Until: "2027-04-01"}); err != nil {
		t.Errorf("asking again: %v", err)
	}
}

// What broke again after it was verified, and what the decision on a change settled, is as it
// was decided on: an acceptance that is over holds the launch.
func TestAnAcceptanceIsNotForgotten(t *testing.T) {
	w, id, _ := decidedOn(t)
	item, err := w.items.MendInstead(t.Context(), w.asha, id, w.asha.PersonID.String(), "2026-12-24")
	if err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.Add(time.Hour)
	w.finish(t, item.String(), w.asha, w.mika)
	it, err := w.items.Item(t.Context(), w.asha, item)
	if err != nil {
		t.Fatal(err)
	}
	again := remediation.Change{Version: it.Version, OwnerID: it.OwnerID.String(), DueOn: "2027-06-01", State: remediation.Open}
	if _, err := w.items.Change(t.Context(), w.asha, item, again); err != nil {
		t.Fatal(err)
	}
	if g := w.gate(); !slices.Equal(codes(g.Warnings), []string{"risk_accepted"}) {
		t.Errorf("broken again: %+v", g.Warnings)
	}
	w.clock = time.Date(2027, 3, 4, 0, 0, 0, 0, time.UTC)
	wantGate(t, w.gate(), review.GateHold, "acceptance_ended")

}

func TestAChangeSettlesNothingOfTheWorkload(t *testing.T) {
	w, id, key := decidedOn(t)
	if _, err := w.items.Revoke(t.Context(), w.noor, id, "No."); err != nil {
		t.Fatal(err)
	}
	wantGate(t, w.gate(), review.GateHold, "acceptance_ended")
	w.clock = w.clock.Add(time.Hour)
	r := w.outcome(w.start(review.StartInput{ChangeKey: "CHG-7", ChangeTitle: "Faster exports"}), review.Go)
	if !slices.ContainsFunc(w.sheet(r.ID).Entries(), func(e review.Entry) bool { return e.Key() == key }) {
		t.Fatal("the change was not asked " + key)
	}
	wantGate(t, w.gate(), review.GateHold, "acceptance_ended")
}

// A next review that finds no risk leaves nothing to accept.
func TestADecisionSettlesWhatIsMended(t *testing.T) {
	w, id, _ := decidedOn(t)
	w.clock = w.clock.Add(time.Hour)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	w.sign(w.noor, r, review.Agree)
	if _, err := w.decide(w.noor, review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Go}); err != nil {
		t.Fatal(err, fieldWords(err))
	}
	if a := w.acceptance(id); a.StateAt(w.clock) != remediation.Mended {
		t.Errorf("the acceptance is %s", a.StateAt(w.clock))
	}
	wantFault(t, second(w.items.Withdraw(t.Context(), w.asha, id)), fault.Conflict, "mended")
	if g := w.gate(); len(g.Warnings) != 0 || g.Standing.Highs != 0 {
		t.Errorf("the gate says %+v", g)
	}
}

func TestSheetsShowWhatIsAccepted(t *testing.T) {
	w, r, key := risky(t, 2)
	w.grant(w.ask(key, terms))
	c := review.Count(w.sheet(r.ID).Entries())
	if c.High != 1 || c.Accepted != 1 || c.Unaccepted != 0 {
		t.Errorf("counts %+v", c)
	}
	set, question, _ := strings.Cut(key, "/")
	page, err := w.reviews.Question(t.Context(), w.vera, r.ID, set, question)
	if err != nil || page.Entry.Accepted() == nil {
		t.Errorf("the question is not accepted: %+v, %v", page.Entry.Acceptance, err)
	}
	w.clock = time.Date(2027, 3, 4, 0, 0, 0, 0, time.UTC)
	sheet := w.sheet(r.ID)
	if c = review.Count(sheet.Entries()); c.High != 1 || c.Accepted != 0 || c.Unaccepted != 1 {
		t.Errorf("after the end: counts %+v", c)
	}
	if sheet.Highs()[0].Acceptance.Past == nil {
		t.Error("the acceptance that ended is not beside its question")
	}
}
