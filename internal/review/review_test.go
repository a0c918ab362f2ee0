package review_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/review"
)

func wantFault(t *testing.T, err error, k fault.Kind, words string) {
	t.Helper()
	if !fault.Is(err, k) || !strings.Contains(fault.MessageOf(err)+fieldWords(err), words) {
		t.Fatalf("got %v (kind %d), want kind %d with %q", err, fault.KindOf(err), k, words)
	}
}

func fieldWords(err error) (all string) {
	for _, f := range fault.FieldsOf(err) {
		all += " " + f.Name + ": " + f.Message
	}
	return all
}

func TestStartAsksTheCorePath(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	sheet := w.sheet(r.ID)
	if n := len(sheet.Entries()); n != 15 {
		t.Errorf("%d questions are asked, want the 15 of the core path", n)
	}
	if n := len(sheet.Sections); n != 4 {
		t.Errorf("%d sections, want 4", n)
	}
	if n := len(sheet.Blockers()); n != 15 {
		t.Errorf("%d questions block, want 15", n)
	}
	_, err := w.reviews.Start(t.Context(), w.mika, w.payments.ID, review.StartInput{Type: "new-service"})
	wantFault(t, err, fault.Conflict, "open already")
	_, err = w.reviews.Start(t.Context(), w.mika, w.payments.ID, review.StartInput{Type: "new-service", ChangeKey: "CHG-1", ChangeTitle: "New sheet"})
	if err != nil {
		t.Errorf("a change is another subject: %v", err)
	}
	_, err = w.reviews.Start(t.Context(), w.vera, w.payments.ID, review.StartInput{Type: "new-service", ChangeKey: "CHG-2", ChangeTitle: "x"})
	wantFault(t, err, fault.Forbidden, "owning team")
	_, err = w.reviews.Start(t.Context(), w.asha, w.payments.ID, review.StartInput{Type: "nothing", ChangeKey: "CHG-2", ChangeTitle: "x"})
	wantFault(t, err, fault.Invalid, "type")
	_, err = w.reviews.Start(t.Context(), w.asha, w.payments.ID, review.StartInput{Type: "new-service", ChangeTitle: "x", ChangeTicket: "javascript:alert(1)"})
	wantFault(t, err, fault.Invalid, "change_ticket")
}

func TestSaveAnswer(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	e := w.sheet(r.ID).Entries()[0]
	base := review.AnswerInput{ReviewID: r.ID, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID}
	first, second, none := e.Question.Choices[0].ID, e.Question.Choices[1].ID, e.Question.Choices[len(e.Question.Choices)-1].ID
	with := func(change func(*review.AnswerInput)) review.AnswerInput {
		in := base
		change(&in)
		return in
	}
	for name, c := range map[string]struct {
		in    review.AnswerInput
		kind  fault.Kind
		words string
	}{
		"unknown choice":      {with(func(in *review.AnswerInput) { in.Chosen = []string{"nope"} }), fault.Invalid, "no choice"},
		"none beside others":  {with(func(in *review.AnswerInput) { in.Chosen = []string{first, none} }), fault.Invalid, "None of these"},
		"unknown beside tick": {with(func(in *review.AnswerInput) { in.Chosen, in.Unknown = []string{first}, true }), fault.Invalid, "Do not know"},
		"na beside tick":      {with(func(in *review.AnswerInput) { in.Chosen, in.NotApplicable, in.Reason = []string{first}, true, "x" }), fault.Invalid, "has no ticks"},
		"na beside none":      {with(func(in *review.AnswerInput) { in.Chosen, in.NotApplicable, in.Reason = []string{none}, true, "x" }), fault.Invalid, "has no ticks"},
		"na beside unknown":   {with(func(in *review.AnswerInput) { in.Unknown, in.NotApplicable, in.Reason = true, true, "x" }), fault.Invalid, "has no ticks"},
		"no reason":           {with(func(in *review.AnswerInput) { in.NotApplicable = true }), fault.Invalid, "reason"},
		"choice na no reason": {with(func(in *review.AnswerInput) { in.NAChoices, in.NAReasons = []string{first}, []string{"  "} }), fault.Invalid, "na_" + first},
		"ticked and na": {with(func(in *review.AnswerInput) {
			in.Chosen, in.NAChoices, in.NAReasons = []string{first}, []string{first}, []string{"x"}
		}), fault.Invalid, "na_" + first},
		"long notes":       {with(func(in *review.AnswerInput) { in.Notes = strings.Repeat("é", 20_001) }), fault.Invalid, "20,000"},
		"unknown question": {with(func(in *review.AnswerInput) { in.QuestionID = "nope" }), fault.NotFound, "does not ask"},
		"unasked question": {with(func(in *review.AnswerInput) { in.QuestionID = "wa_review" }), fault.NotFound, "does not ask"},
		"unknown set":      {with(func(in *review.AnswerInput) { in.Questionnaire = "nope" }), fault.NotFound, "does not ask"},
		"unknown review":   {with(func(in *review.AnswerInput) { in.ReviewID = uuid.New() }), fault.NotFound, "no such review"},
	} {
		_, err := w.reviews.SaveAnswer(t.Context(), w.asha, c.in)
		if !fault.Is(err, c.kind) || !strings.Contains(fault.MessageOf(err)+fieldWords(err), c.words) {
			t.Errorf("%s: got %v %s, want %q", name, err, fieldWords(err), c.words)
		}
	}
	_, err := w.reviews.SaveAnswer(t.Context(), w.vera, base)
	wantFault(t, err, fault.Forbidden, "owning team")

	in := with(func(in *review.AnswerInput) { in.Chosen, in.Notes = []string{second, first}, "e\u0301\x00\r\nline" })
	a, err := w.reviews.SaveAnswer(t.Context(), w.asha, in)
	if err != nil {
		t.Fatal(err)
	}
	if a.Version != 1 || a.Chosen[0] != first || a.Notes != "é\nline" || a.SavedBy != "Asha Rao" {
		t.Errorf("stored %+v", a)
	}
	again, err := w.reviews.SaveAnswer(t.Context(), w.asha, in)
	if err != nil || again.Version != 1 {
		t.Errorf("the same save again: version %d, %v; want version 1 and no error", again.Version, err)
	}
	_, err = w.reviews.SaveAnswer(t.Context(), w.mika, with(func(in *review.AnswerInput) { in.Unknown = true }))
	var stale *review.StaleAnswer
	if !errors.As(err, &stale) || stale.Theirs.SavedBy != "Asha Rao" || !fault.Is(err, fault.Conflict) {
		t.Errorf("a stale version: %v", err)
	}
	unknown, err := w.reviews.SaveAnswer(t.Context(), w.mika, with(func(in *review.AnswerInput) { in.Unknown, in.Version = true, 1 }))
	if err != nil || unknown.Risk != questionnaire.RiskHigh {
		t.Errorf("do not know has risk %q, %v; want high", unknown.Risk, err)
	}
}

func TestRestrictedIsNotFound(t *testing.T) {
	w := newWorld(t, 2)
	w.payments = w.workload("secret", 2, true)
	r := w.start(review.StartInput{})
	ctx := t.Context()
	for name, err := range map[string]error{
		"sheet":    second(w.reviews.Sheet(ctx, w.vera, r.ID)),
		"record":   second(w.reviews.Record(ctx, w.vera, r.ID)),
		"paper":    second(w.reviews.Paper(ctx, w.vera, r.ID, 0)),
		"frozen":   second(w.reviews.Frozen(ctx, w.vera, r.ID, 0)),
		"question": second(w.reviews.Question(ctx, w.vera, r.ID, "orr", "quotas")),
		"save":     second(w.reviews.SaveAnswer(ctx, w.vera, review.AnswerInput{ReviewID: r.ID, Questionnaire: "orr", QuestionID: "quotas"})),
		"submit":   second(w.reviews.Submit(ctx, w.vera, review.SubmitInput{ReviewID: r.ID})),
		"withdraw": second(w.reviews.Withdraw(ctx, w.vera, r.ID)),
		"readout":  second(w.reviews.Readout(ctx, w.vera, r.ID)),
		"sign off": w.reviews.SignOff(ctx, w.vera, review.SignOffInput{ReviewID: r.ID, Voice: review.Agree}),
		"decide":   second(w.reviews.Decide(ctx, w.vera, review.DecideInput{ReviewID: r.ID})),
		"gate":     second(w.reviews.Launch(ctx, w.vera, "secret", "")),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s of a restricted workload: %v, want not found", name, err)
		}
	}
	if _, err := w.reviews.Sheet(ctx, w.noor, r.ID); err != nil {
		t.Errorf("an approver reads it: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestSubmitBlocksAndFreezes(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	_, err := w.reviews.Submit(t.Context(), w.asha, review.SubmitInput{ReviewID: r.ID})
	wantFault(t, err, fault.Conflict, "15 unanswered questions")
	sheet := w.answerAll(w.asha, r.ID, false)
	if n := len(sheet.Highs()); n != 15 {
		t.Fatalf("%d highs, want 15", n)
	}
	_, err = w.reviews.Submit(t.Context(), w.asha, review.SubmitInput{ReviewID: r.ID})
	wantFault(t, err, fault.Invalid, "Choose who mends this")
	if items, _, _ := w.items.List(t.Context(), w.asha, remediation.Filter{}); len(items) != 0 {
		t.Fatalf("a refused submission left %d items", len(items))
	}
	r = w.submit(r.ID)
	if r.Round.State != review.Submitted || len(r.Round.ContentSHA256) != 32 {
		t.Fatalf("after submission: %+v", r.Round)
	}
	items, _, err := w.items.List(t.Context(), w.asha, remediation.Filter{Limit: 100})
	if err != nil || len(items) != 15 || items[0].OwnerID != w.asha.PersonID || items[0].State != remediation.Open {
		t.Fatalf("%d items are open after submission, %v", len(items), err)
	}
	e := sheet.Entries()[0]
	_, err = w.reviews.SaveAnswer(t.Context(), w.asha, review.AnswerInput{ReviewID: r.ID, Questionnaire: "orr", QuestionID: e.Question.ID, Version: 1, Unknown: true})
	wantFault(t, err, fault.Conflict, "cannot change")
	if _, err = w.db.Exec(t.Context(), `update answers set notes = 'forged' where round_id = $1`, r.Round.ID); err == nil {
		t.Error("the database let a frozen answer change")
	}
	if r, err = w.reviews.Withdraw(t.Context(), w.mika, r.ID); err != nil || r.Round.State != review.Draft {
		t.Fatalf("withdraw: %v, %s", err, r.Round.State)
	}
	w.answer(w.mika, r.ID, w.sheet(r.ID).Entries()[0], true)
	w.submit(r.ID)
	items, _, _ = w.items.List(t.Context(), w.asha, remediation.Filter{State: remediation.Done})
	if len(items) != 1 || items[0].DoneByName != "Mika Laine" {
		t.Errorf("%d items are done after the answer was mended, want 1", len(items))
	}
}

func TestFourEyes(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	w.answerAll(w.tomas, r.ID, true)
	w.answer(w.noor2(), r.ID, w.sheet(r.ID).Entries()[0], false)
	w.answer(w.asha, r.ID, w.sheet(r.ID).Entries()[0], true)
	r = w.submit(r.ID)
	content := hex.EncodeToString(r.Round.ContentSHA256)
	agree := review.SignOffInput{ReviewID: r.ID, Content: content, Voice: review.Agree}
	wantFault(t, w.reviews.SignOff(t.Context(), w.tomas, agree), fault.Forbidden, "saved an answer")
	wantFault(t, w.reviews.SignOff(t.Context(), w.vera, agree), fault.Forbidden, "Only an approver")
	self := w.vera
	self.Grants = []identity.Grant{{Kind: identity.Approver, SelfGiven: true}}
	wantFault(t, w.reviews.SignOff(t.Context(), self, agree), fault.Forbidden, "Only an approver")
	token := w.noor
	token.TokenID, token.Scopes = uuid.New(), []string{identity.ReadReviews, identity.WriteAnswers, identity.WriteItems}
	wantFault(t, w.reviews.SignOff(t.Context(), token, agree), fault.Forbidden, "Only an approver")
	_, err := w.decide(w.tomas, review.DecideInput{ReviewID: r.ID, Content: content, Outcome: review.NoGo, Reason: "x"})
	wantFault(t, err, fault.Forbidden, "saved an answer")
	_, err = w.db.Exec(t.Context(), `insert into signoffs (id, round_id, person_id, voice, note, outside_team, content_sha256, signed_at)
		values ($1, $2, $3, 'agree', '', false, $4, now())`, uuid.New(), r.Round.ID, w.tomas.PersonID, r.Round.ContentSHA256)
	if err == nil || !strings.Contains(err.Error(), "author of the round") {
		t.Errorf("the database let an author sign off: %v", err)
	}
	stale := agree
	stale.Content = strings.Repeat("0", 64)
	wantFault(t, w.reviews.SignOff(t.Context(), w.noor, stale), fault.Conflict, "Read it again")
	if err := w.reviews.SignOff(t.Context(), w.noor, agree); err != nil {
		t.Fatal(err)
	}
}

// noor2 is a team member who answers, so that answers of several authors are there.
func (w *world) noor2() identity.Actor { return w.mika }

func TestDecideGo(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	in := review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Go}
	_, err := w.decide(w.noor, in)
	wantFault(t, err, fault.Conflict, "0 of 1 sign-offs")
	w.sign(w.noor, r, review.Agree)
	r, err = w.decide(w.noor, in)
	if err != nil || r.Round.State != review.Sealed || r.State != review.Closed {
		t.Fatalf("decide: %v, round %s, review %s", err, r.Round.State, r.State)
	}
	_, err = w.decide(w.noor, in)
	wantFault(t, err, fault.Conflict, "sealed")
	for _, sql := range []string{
		`update rounds set state = 'draft' where id = $1`, `delete from rounds where id = $1`, `update decisions set reason = 'x' where round_id = $1`,
		`delete from decisions where round_id = $1`, `update answers set notes = 'x' where round_id = $1`, `delete from signoffs where round_id = $1`,
	} {
		if _, err := w.db.Exec(t.Context(), sql, r.Round.ID); err == nil {
			t.Errorf("a sealed round let %q through", sql)
		}
	}
	if _, broken, err := audit.Verify(t.Context(), w.db); err != nil || broken != nil {
		t.Errorf("audit: %+v, %v", broken, err)
	}
	f, err := w.reviews.Frozen(t.Context(), w.vera, r.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	var seal review.Seal
	if err := json.Unmarshal(f.Seal, &seal); err != nil || seal.Decision.Outcome != review.Go || seal.ContentSHA256 != f.ContentSHA256 || len(seal.SignOffs) != 1 {
		t.Errorf("the seal says %+v, %v", seal, err)
	}
}

func (w *world) sign(who identity.Actor, r review.Review, voice string) {
	w.t.Helper()
	err := w.reviews.SignOff(w.t.Context(), who, review.SignOffInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Voice: voice, Note: "because"})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestTierOneNeedsTwoAndAnOutsider(t *testing.T) {
	w := newWorld(t, 1)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	in := review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Go}
	lin := w.person("Lin Ode", w.team)
	w.approver(&lin)
	w.sign(w.tomas, r, review.Agree)
	_, err := w.decide(w.tomas, in)
	wantFault(t, err, fault.Conflict, "1 of 2")
	w.sign(lin, r, review.Agree)
	_, err = w.decide(w.tomas, in)
	wantFault(t, err, fault.Conflict, "from outside")
	w.sign(w.noor, r, review.Object)
	_, err = w.decide(w.noor, in)
	wantFault(t, err, fault.Invalid, "Somebody objects")
	w.sign(w.noor, r, review.Agree)
	if _, err = w.decide(w.tomas, in); err != nil {
		t.Fatal(err)
	}
}

func TestConditionalAndGate(t *testing.T) {
	w := newWorld(t, 2)
	gate := func(change string) review.Gate {
		t.Helper()
		g, err := w.reviews.Launch(t.Context(), w.vera, "payments", change)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	wantGate(t, gate(""), review.GateUnknown, "never_reviewed")
	r := w.start(review.StartInput{})
	wantGate(t, gate(""), review.GateHold, "not_decided")
	w.answerAll(w.asha, r.ID, true)
	w.answer(w.asha, r.ID, w.sheet(r.ID).Entries()[3], false)
	r = w.submit(r.ID)
	w.sign(w.noor, r, review.Agree)
	in := review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Go}
	_, err := w.decide(w.noor, in)
	wantFault(t, err, fault.Invalid, "plain go is refused")
	in.Outcome = review.Conditional
	_, err = w.decide(w.noor, in)
	wantFault(t, err, fault.Invalid, "at least one condition")
	in.Conditions = []review.ConditionInput{
		{Text: "Rollback starts without a person.", Timing: remediation.BeforeLaunch, OwnerID: w.asha.PersonID.String()},
		{Text: "Run a game day.", Timing: remediation.AfterLaunch, OwnerID: w.mika.PersonID.String(), DueOn: "2027-01-15"},
		{Text: "", Timing: "later", OwnerID: "nobody", DueOn: "2020-01-01"},
	}
	_, err = w.decide(w.noor, in)
	wantFault(t, err, fault.Invalid, "condition_due_on_2")
	in.Conditions = in.Conditions[:2]
	if _, err = w.decide(w.noor, in); err != nil {
		t.Fatal(err)
	}
	g := gate("")
	wantGate(t, g, review.GateHold, "condition_before_launch")
	w.finish(t, g.Blockers[0].Item, w.asha, w.mika)
	wantGate(t, gate(""), review.GateConditional, "")
	w.clock = time.Date(2027, 1, 17, 0, 0, 0, 0, time.UTC)
	wantGate(t, gate(""), review.GateHold, "condition_overdue")
	for _, warning := range gate("").Blockers {
		w.finish(t, warning.Item, w.mika, w.asha)
	}
	wantGate(t, gate(""), review.GateConditional, "")
	w.clock = time.Date(2027, 11, 10, 0, 0, 0, 0, time.UTC)
	wantWarning(t, gate(""), "decision_ends_soon")
	w.clock = time.Date(2027, 11, 30, 0, 0, 0, 0, time.UTC)
	wantWarning(t, gate(""), "decision_in_grace")
	w.clock = time.Date(2027, 12, 10, 0, 0, 0, 0, time.UTC)
	wantGate(t, gate(""), review.GateHold, "expired")
	wantGate(t, gate("CHG-9"), review.GateUnknown, "never_reviewed")
}

// finish takes an item through done by one person and verified by another.
func (w *world) finish(t *testing.T, id string, doer, checker identity.Actor) {
	t.Helper()
	it, err := w.items.Item(t.Context(), doer, uuid.MustParse(id))
	if err != nil {
		t.Fatal(err)
	}
	c := remediation.Change{Version: it.Version, OwnerID: it.OwnerID.String(), DueOn: it.DueOn.Format(time.DateOnly), State: remediation.Done, Resolution: "It is mended."}
	if it, err = w.items.Change(t.Context(), doer, it.ID, c); err != nil {
		t.Fatal(err)
	}
	c.Version, c.State = it.Version, remediation.Verified
	_, err = w.items.Change(t.Context(), doer, it.ID, c)
	wantFault(t, err, fault.Forbidden, "Another person")
	if _, err = w.items.Change(t.Context(), checker, it.ID, c); err != nil {
		t.Fatal(err)
	}
}

func wantGate(t *testing.T, g review.Gate, status, code string) {
	t.Helper()
	if g.Status != status {
		t.Fatalf("the gate says %s with %+v, want %s", g.Status, g.Blockers, status)
	}
	if code == "" {
		if len(g.Blockers) > 0 {
			t.Fatalf("blockers %+v, want none", g.Blockers)
		}
		return
	}
	for _, b := range g.Blockers {
		if b.Code == code && strings.HasPrefix(b.URL, "https://orrery.test/") {
			return
		}
	}
	t.Fatalf("blockers %+v, want %s", g.Blockers, code)
}

func wantWarning(t *testing.T, g review.Gate, code string) {
	t.Helper()
	for _, warning := range g.Warnings {
		if warning.Code == code && g.Status == review.GateConditional {
			return
		}
	}
	t.Fatalf("status %s, warnings %+v, want %s", g.Status, g.Warnings, code)
}

func TestNoGoOpensTheNextRound(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	in := review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.NoGo}
	_, err := w.decide(w.noor, in)
	wantFault(t, err, fault.Invalid, "reason")
	in.Reason = "The drill failed."
	r, err = w.decide(w.noor, in)
	if err != nil || r.Round.Number != 2 || r.Round.State != review.Draft || r.State != review.Open {
		t.Fatalf("after a no-go: %+v, %v", r.Round, err)
	}
	sheet := w.sheet(r.ID)
	if c := review.Count(sheet.Entries()); c.Answered != 15 {
		t.Errorf("%d answers were kept, want 15", c.Answered)
	}
	if !sheet.AuthoredByActor {
		t.Error("a no-go washed away who wrote the answers")
	}
	g, _ := w.reviews.Launch(t.Context(), w.vera, "payments", "")
	wantGate(t, g, review.GateHold, "no_go")
}

func TestRequestChanges(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	w.sign(w.noor, r, review.Agree)
	_, err := w.reviews.RequestChanges(t.Context(), w.noor, r.ID, " ")
	wantFault(t, err, fault.Invalid, "what should change")
	_, err = w.reviews.RequestChanges(t.Context(), w.asha, r.ID, "x")
	wantFault(t, err, fault.Forbidden, "Only an approver")
	if r, err = w.reviews.RequestChanges(t.Context(), w.noor, r.ID, "Bring the drill's log."); err != nil || r.Round.State != review.Draft {
		t.Fatal(err)
	}
	e := w.sheet(r.ID).Entries()[0]
	if _, err := w.reviews.SaveAnswer(t.Context(), w.asha, review.AnswerInput{
		ReviewID: r.ID, Questionnaire: "orr", QuestionID: e.Question.ID, Version: 1, Chosen: e.Answer.Chosen, Notes: "The log is in the wiki.",
	}); err != nil {
		t.Fatal(err)
	}
	r = w.submit(r.ID)
	readout, err := w.reviews.Readout(t.Context(), w.noor, r.ID)
	if err != nil || len(readout.SignOffs) != 0 || r.Round.Submissions != 2 {
		t.Errorf("the sign-off on the earlier content still counts: %+v, %v", readout.SignOffs, err)
	}
}
