package review_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
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

// launch asks the launch gate about the workload or a change on it.
func (w *world) launch(change string) review.Gate {
	w.t.Helper()
	g, err := w.reviews.Launch(w.t.Context(), w.vera, w.payments.Key, change)
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

// later moves the clock, so that acts have an order.
func (w *world) later(d time.Duration) { w.clock = w.clock.Add(d) }

// outcome takes the review's draft to a decision by noor, answered by asha.
func (w *world) outcome(r review.Review, outcome string) review.Review {
	w.t.Helper()
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	w.sign(w.noor, r, review.Agree)
	in := review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: outcome, Reason: "because"}
	if outcome == review.Conditional {
		in.Conditions = []review.ConditionInput{{Text: "Run a game day.", Timing: remediation.AfterLaunch, OwnerID: w.mika.PersonID.String(), DueOn: "2027-10-15"}}
	}
	r, err := w.decide(w.noor, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// An older go never comes back: not by a revocation, not by cancelling the review.
func TestNothingOlderComesBack(t *testing.T) {
	w := newWorld(t, 3)
	first := w.outcome(w.start(review.StartInput{}), review.Go)
	w.later(time.Hour)
	second := w.outcome(w.start(review.StartInput{}), review.Go)
	w.later(time.Hour)
	_, err := w.revoke(w.noor, first.ID, "x")
	wantFault(t, err, fault.Conflict, "A newer decision governs")
	if _, err = w.revoke(w.noor, second.ID, "x"); err != nil {
		t.Fatal(err)
	}
	wantGate(t, w.launch(""), review.GateHold, "revoked")
	w.exec(`update rounds set state = 'cancelled' where review_id = $1 and state = 'draft'`, second.ID)
	w.exec(`update reviews set state = 'cancelled' where id = $1`, second.ID)
	wantGate(t, w.launch(""), review.GateHold, "revoked")
	w.later(time.Hour)
	third := w.start(review.StartInput{})
	wantGate(t, w.launch(""), review.GateHold, "revoked")
	w.outcome(third, review.Go)
	wantGate(t, w.launch(""), review.GateGo, "")
	w.later(time.Hour)
	open := w.start(review.StartInput{}) // taking back beside an open review opens no second one
	if third, err = w.revoke(w.noor, third.ID, "x"); err != nil || third.State != review.Closed {
		t.Fatalf("revoked beside an open review: %s, %v", third.State, err)
	}
	wantGate(t, w.launch(""), review.GateHold, "revoked")
	w.outcome(open, review.NoGo)
	_, err = w.revoke(w.noor, open.ID, "x")
	wantFault(t, err, fault.Conflict, "no-go")
}

func TestEndsToTheSecond(t *testing.T) {
	w := newWorld(t, 3)
	r := w.outcome(w.start(review.StartInput{}), review.Go)
	end := *w.launch("").ValidUntil
	at := func(d time.Duration) review.Gate { w.clock = end.Add(d); return w.launch("") }
	const day = 24 * time.Hour
	codes := func(g review.Gate) (list []string) {
		for _, reason := range append(g.Blockers, g.Warnings...) {
			if strings.HasPrefix(reason.Code, "decision_") || reason.Code == "expired" {
				list = append(list, reason.Code)
			}
		}
		return list
	}
	for _, c := range []struct {
		at     time.Duration
		status string
		code   string
	}{
		{-14*day - time.Second, review.GateGo, "[]"}, {-14*day + time.Second, review.GateGo, "[decision_ends_soon]"},
		{0, review.GateGo, "[decision_ends_soon]"}, {time.Second, review.GateGo, "[decision_in_grace]"},
		{14 * day, review.GateGo, "[decision_in_grace]"}, {14*day + time.Second, review.GateHold, "[expired]"},
	} {
		if g := at(c.at); g.Status != c.status || fmt.Sprint(codes(g)) != c.code {
			t.Errorf("%v after the end: %s %v, want %s %s", c.at, g.Status, codes(g), c.status, c.code)
		}
	}
	_, err := w.revoke(w.noor, r.ID, "x")
	wantFault(t, err, fault.Conflict, "has ended")

	w.clock = end.Add(-14*day - time.Second)
	_, err = w.reviews.OpenNextRound(t.Context(), w.asha, r.ID)
	wantFault(t, err, fault.Conflict, "stands for more than 14 days")
	w.clock = end.Add(20 * day)
	_, err = w.reviews.OpenNextRound(t.Context(), w.noor, r.ID)
	wantFault(t, err, fault.Forbidden, "owning team")
	a, err := w.reviews.AfterDecision(t.Context(), r)
	if err != nil || !a.Governs || !a.Ended || !a.Renewable || a.Revocable {
		t.Errorf("after the end: %+v, %v", a, err)
	}
	next, err := w.reviews.OpenNextRound(t.Context(), w.asha, r.ID)
	if err != nil || next.State != review.Open || next.Round.Number != 2 {
		t.Fatalf("the next round: %+v, %v", next.Round, err)
	}
	for _, e := range w.sheet(r.ID).Entries() { // older than 30 days: kept, to be confirmed
		if !e.Answer.ToConfirm || len(e.Answer.Chosen) == 0 {
			t.Errorf("the answer to %s was not kept: %+v", e.Key(), e.Answer)
		}
	}
	wantGate(t, w.launch(""), review.GateHold, "expired")
	_, err = w.reviews.OpenNextRound(t.Context(), w.asha, r.ID)
	wantFault(t, err, fault.Conflict, "is open")
}

// emergency is a good request.
func emergencyFor(w *world, days int) review.EmergencyInput {
	return review.EmergencyInput{Reason: "Cards fail.", Ticket: "https://tickets.example.com/INC-1", EndsOn: w.clock.AddDate(0, 0, days).Format(time.DateOnly)}
}

func TestEmergencyGo(t *testing.T) {
	w := newWorld(t, 2)
	good := emergencyFor(w, 3)
	for name, c := range map[string]struct {
		change func(*review.EmergencyInput)
		words  string
	}{
		"no reason":  {func(in *review.EmergencyInput) { in.Reason = " " }, "reason"},
		"no ticket":  {func(in *review.EmergencyInput) { in.Ticket = "" }, "ticket"},
		"http":       {func(in *review.EmergencyInput) { in.Ticket = "http://tickets.example.com/1" }, "ticket"},
		"script":     {func(in *review.EmergencyInput) { in.Ticket = "javascript:alert(1)" }, "ticket"},
		"no end":     {func(in *review.EmergencyInput) { in.EndsOn = "" }, "ends_on"},
		"past":       {func(in *review.EmergencyInput) { in.EndsOn = "2026-11-20" }, "in the past"},
		"15 days":    {func(in *review.EmergencyInput) { in.EndsOn = "2026-12-06" }, "within 14 days"},
		"change key": {func(in *review.EmergencyInput) { in.ChangeKey = "a b" }, "change_key"},
		"no title":   {func(in *review.EmergencyInput) { in.ChangeKey = "CHG-1" }, "change_title"},
	} {
		in := good
		c.change(&in)
		if _, err := w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, in); !fault.Is(err, fault.Invalid) || !strings.Contains(fieldWords(err), c.words) {
			t.Errorf("%s: %v %s, want %q", name, err, fieldWords(err), c.words)
		}
	}
	for _, who := range []identity.Actor{w.asha, w.vera} {
		_, err := w.reviews.DecideEmergency(t.Context(), who, w.payments.ID, good)
		wantFault(t, err, fault.Forbidden, "Only an approver")
	}
	r, err := w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, good)
	if err != nil || r.State != review.Open || r.TypeKey != "new-service" || len(w.sheet(r.ID).Entries()) != 15 {
		t.Fatalf("the full review is not open: %+v, %v", r, err)
	}
	g := w.launch("")
	if g.Decision != review.Emergency || g.ValidUntil == nil || g.Review != r.ID {
		t.Errorf("the gate says %+v", g)
	}
	wantWarning(t, g, "emergency")
	_, err = w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, good)
	wantFault(t, err, fault.Conflict, "runs already")

	w.clock = *g.ValidUntil
	wantGate(t, w.launch(""), review.GateHold, "emergency_ended")
	list, err := w.reviews.EmergenciesOf(t.Context(), w.payments.ID)
	if err != nil || len(list) != 1 || list[0].Running(w.clock) || !list[0].Running(w.clock.Add(-time.Second)) {
		t.Errorf("listed: %+v, %v", list, err)
	}
	w.later(time.Hour)
	w.answer(w.tomas, r.ID, w.sheet(r.ID).Entries()[0], true)
	_, err = w.reviews.DecideEmergency(t.Context(), w.tomas, w.payments.ID, emergencyFor(w, 14))
	wantFault(t, err, fault.Forbidden, "saved an answer")
	if _, err := w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, emergencyFor(w, 14)); err != nil {
		t.Fatalf("another after the first: %v", err)
	}
	if g = w.launch(""); g.ValidUntil.Sub(w.clock) != 14*24*time.Hour {
		t.Errorf("it runs for %v, want 14 days to the second", g.ValidUntil.Sub(w.clock))
	}
	w.later(time.Hour)
	w.outcome(r, review.NoGo)
	wantGate(t, w.launch(""), review.GateHold, "no_go")
	list, err = w.reviews.EmergenciesOf(t.Context(), w.payments.ID)
	if err != nil || len(list) != 2 || list[0].Running(w.clock) || list[0].FollowedAt == nil || list[1].FollowedAt != nil {
		t.Errorf("after a later decision: %+v, %v", list, err)
	}
	if _, err := w.db.Exec(t.Context(), `insert into emergency_decisions (id, review_id, reason, ticket, decided_by, decided_at, ends_at)
		values ($1, $2, 'x', 'https://x.example', $3, now(), now() + interval '1 day')`, uuid.New(), r.ID, w.tomas.PersonID); err == nil || !strings.Contains(err.Error(), "author") {
		t.Errorf("the database let an author: %v", err)
	}
	if _, broken, err := audit.Verify(t.Context(), w.db); err != nil || broken != nil {
		t.Errorf("audit: %+v, %v", broken, err)
	}
}

func TestEmergencyBesideOtherDecisions(t *testing.T) {
	w := newWorld(t, 1)
	_, err := w.reviews.DecideEmergency(t.Context(), w.tomas, w.payments.ID, emergencyFor(w, 3))
	wantFault(t, err, fault.Forbidden, "from outside")
	w.exec(`update workloads set tier = 3 where id = $1`, w.payments.ID)
	in := emergencyFor(w, 3)
	in.ChangeKey, in.ChangeTitle = "CHG-1", "Card numbers move"
	change, err := w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, in)
	if err != nil || change.ChangeTicket != in.Ticket {
		t.Fatal(err)
	}
	wantWarning(t, w.launch("CHG-1"), "emergency")
	wantGate(t, w.launch(""), review.GateUnknown, "never_reviewed")

	w.later(time.Hour) // ended early
	list, _ := w.reviews.EmergenciesOf(t.Context(), w.payments.ID)
	wantFault(t, w.reviews.EndEmergency(t.Context(), w.asha, list[0].ID, "x"), fault.Forbidden, "Only an approver")
	wantFault(t, w.reviews.EndEmergency(t.Context(), w.noor, list[0].ID, ""), fault.Invalid, "reason")
	wantFault(t, w.reviews.EndEmergency(t.Context(), w.noor, uuid.New(), "x"), fault.NotFound, "no such")
	if err := w.reviews.EndEmergency(t.Context(), w.tomas, list[0].ID, "It works again."); err != nil {
		t.Fatal(err)
	}
	wantGate(t, w.launch("CHG-1"), review.GateHold, "revoked")
	wantFault(t, w.reviews.EndEmergency(t.Context(), w.noor, list[0].ID, "x"), fault.Conflict, "does not run")

	r := w.outcome(w.start(review.StartInput{}), review.Go) // a go needs none
	w.later(time.Hour)
	_, err = w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, emergencyFor(w, 3))
	wantFault(t, err, fault.Conflict, "lets this subject through already")
	if _, err = w.revoke(w.noor, r.ID, "x"); err != nil {
		t.Fatal(err)
	}
	w.later(time.Hour) // after a revocation it is possible, in the review that is open already
	again, err := w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, emergencyFor(w, 3))
	if err != nil || again.ID != r.ID {
		t.Fatalf("in the open review: %v", err)
	}
	wantWarning(t, w.launch(""), "emergency")
	w.later(time.Hour)
	w.outcome(again, review.Go)
	wantGate(t, w.launch(""), review.GateGo, "")
	w.later(30 * 24 * time.Hour)
	wantGate(t, w.launch(""), review.GateGo, "")
}

func outsideFor() review.OutsideInput {
	return review.OutsideInput{Outcome: review.Conditional, DecidedOn: "2026-03-01", DecidedBy: "The old board", ValidUntil: "2027-03-01", FileName: "minutes.pdf", File: []byte("%PDF-1.7 x")}
}

func TestDecidedElsewhere(t *testing.T) {
	w := newWorld(t, 2)
	for name, c := range map[string]struct {
		change func(*review.OutsideInput)
		words  string
	}{
		"no-go":     {func(in *review.OutsideInput) { in.Outcome = review.NoGo }, "outcome"},
		"nobody":    {func(in *review.OutsideInput) { in.DecidedBy = "" }, "decided_by"},
		"tomorrow":  {func(in *review.OutsideInput) { in.DecidedOn = "2026-11-22" }, "decided_on"},
		"no date":   {func(in *review.OutsideInput) { in.DecidedOn = "x" }, "decided_on"},
		"over":      {func(in *review.OutsideInput) { in.ValidUntil = "2026-11-20" }, "valid_until"},
		"too long":  {func(in *review.OutsideInput) { in.ValidUntil = "2029-03-06" }, "1,100 days"},
		"no proof":  {func(in *review.OutsideInput) { in.File = nil }, "file"},
		"a program": {func(in *review.OutsideInput) { in.File = []byte("\x7fELF") }, "PDF, PNG or JPEG"},
		"too large": {func(in *review.OutsideInput) { in.File = append([]byte("%PDF-"), make([]byte, 10<<20)...) }, "10 MB"},
		"link":      {func(in *review.OutsideInput) { in.Link = "javascript:alert(1)" }, "link"},
	} {
		in := outsideFor()
		c.change(&in)
		if _, err := w.reviews.RecordOutside(t.Context(), w.asha, w.payments.ID, in); !fault.Is(err, fault.Invalid) || !strings.Contains(fieldWords(err), c.words) {
			t.Errorf("%s: %v %s, want %q", name, err, fieldWords(err), c.words)
		}
	}
	_, err := w.reviews.RecordOutside(t.Context(), w.noor, w.payments.ID, outsideFor())
	wantFault(t, err, fault.Forbidden, "owning team or an admin")
	admin := w.vera
	admin.Roles = []identity.OrgRole{identity.Admin}
	if _, err := w.reviews.RecordOutside(t.Context(), admin, w.payments.ID, outsideFor()); err != nil {
		t.Errorf("an admin records: %v", err)
	}
	id, err := w.reviews.RecordOutside(t.Context(), w.tomas, w.payments.ID, outsideFor())
	if err != nil {
		t.Fatal(err)
	}
	wantGate(t, w.launch(""), review.GateUnknown, "never_reviewed")
	judge := func(who identity.Actor, verdict, note string) error {
		return w.reviews.JudgeOutside(t.Context(), who, id, verdict, note)
	}
	wantFault(t, judge(w.asha, review.Confirmed, ""), fault.Forbidden, "Only an approver")
	wantFault(t, judge(w.tomas, review.Confirmed, ""), fault.Forbidden, "You recorded")
	wantFault(t, judge(w.noor, "maybe", ""), fault.Invalid, "verdict")
	wantFault(t, judge(w.noor, review.Refused, " "), fault.Invalid, "note")
	if _, err := w.db.Exec(t.Context(), `insert into outside_verdicts values ($1, 'confirmed', '', $2, now())`, id, w.tomas.PersonID); err == nil {
		t.Error("the database let him confirm what he recorded")
	}
	if err := judge(w.noor, review.Confirmed, "I was there."); err != nil {
		t.Fatal(err)
	}
	wantFault(t, judge(w.noor, review.Confirmed, ""), fault.Conflict, "confirmed already")
	g := w.launch("")
	if g.Decision != review.Elsewhere || g.Review != uuid.Nil || g.DecidedAt.Format(time.DateOnly) != "2026-03-01" {
		t.Errorf("the gate says %+v", g)
	}
	wantWarning(t, g, "decided_elsewhere")
	wantGate(t, w.launch("CHG-1"), review.GateUnknown, "never_reviewed")
	f, err := w.reviews.OutsideFile(t.Context(), w.vera, id)
	if err != nil || f.Type != "application/pdf" || f.Name != "minutes.pdf" || string(f.Data) != "%PDF-1.7 x" {
		t.Errorf("the file: %+v, %v", f, err)
	}

	r := w.start(review.StartInput{}) // an open review does not take it away, a decision does
	wantWarning(t, w.launch(""), "decided_elsewhere")
	w.outcome(r, review.NoGo)
	wantGate(t, w.launch(""), review.GateHold, "no_go")
	_, err = w.reviews.RecordOutside(t.Context(), w.asha, w.payments.ID, outsideFor())
	wantFault(t, err, fault.Conflict, "decided on this workload already")
	if err := judge(w.noor, review.Refused, "The minutes were of another system."); err != nil {
		t.Errorf("refused after it was confirmed: %v", err)
	}
	list, err := w.reviews.OutsideOf(t.Context(), w.payments.ID)
	if err != nil || len(list) != 2 || list[0].Verdict() != review.Refused || list[1].Verdict() != "" {
		t.Errorf("listed: %+v, %v", list, err)
	}
}

func TestElsewhereRefusedAndTierOne(t *testing.T) {
	w := newWorld(t, 1)
	id, err := w.reviews.RecordOutside(t.Context(), w.asha, w.payments.ID, outsideFor())
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.reviews.JudgeOutside(t.Context(), w.tomas, id, review.Confirmed, ""), fault.Forbidden, "from outside")
	if err := w.reviews.JudgeOutside(t.Context(), w.noor, id, review.Confirmed, ""); err != nil {
		t.Fatal(err)
	}
	wantWarning(t, w.launch(""), "decided_elsewhere")
	w.clock = time.Date(2027, 3, 16, 0, 0, 0, 0, time.UTC)
	wantGate(t, w.launch(""), review.GateHold, "expired")
	w.clock = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	if err := w.reviews.JudgeOutside(t.Context(), w.tomas, id, review.Refused, "No."); err != nil {
		t.Fatal(err)
	}
	wantGate(t, w.launch(""), review.GateUnknown, "never_reviewed")
}

func TestRestrictedHidesWhatFollows(t *testing.T) {
	w := newWorld(t, 2)
	w.payments = w.workload("secret", 2, true)
	id, err := w.reviews.RecordOutside(t.Context(), w.asha, w.payments.ID, outsideFor())
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, emergencyFor(w, 1))
	if err != nil {
		t.Fatal(err)
	}
	list, _ := w.reviews.EmergenciesOf(t.Context(), w.payments.ID)
	ctx, admin := t.Context(), w.vera
	admin.Roles = []identity.OrgRole{identity.Admin}
	for name, err := range map[string]error{
		"revoke":        second(w.revoke(w.vera, r.ID, "x")),
		"next round":    second(w.reviews.OpenNextRound(ctx, w.vera, r.ID)),
		"emergency":     second(w.reviews.DecideEmergency(ctx, w.vera, w.payments.ID, emergencyFor(w, 1))),
		"end emergency": w.reviews.EndEmergency(ctx, w.vera, list[0].ID, "x"),
		"record":        second(w.reviews.RecordOutside(ctx, admin, w.payments.ID, outsideFor())),
		"judge":         w.reviews.JudgeOutside(ctx, w.vera, id, review.Refused, "x"),
		"file":          second(w.reviews.OutsideFile(ctx, w.vera, id)),
		"no such file":  second(w.reviews.OutsideFile(ctx, w.vera, uuid.New())),
		"no such":       w.reviews.JudgeOutside(ctx, w.noor, uuid.New(), review.Refused, "x"),
		"no workload":   second(w.reviews.RecordOutside(ctx, w.asha, uuid.New(), outsideFor())),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s of a restricted workload: %v, want not found", name, err)
		}
	}
}

// What is sealed is signed, and the signature is what the record exports and Verify checks.
func TestSealedIsSigned(t *testing.T) {
	w := newWorld(t, 3)
	key, err := audit.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	w.reviews.SignWith(key)
	if err := audit.KeepKey(t.Context(), w.db, identity.CommandLine, key, w.clock); err != nil {
		t.Fatal(err)
	}
	r := w.outcome(w.start(review.StartInput{}), review.Go)
	f, err := w.reviews.Frozen(t.Context(), w.vera, r.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := audit.PublicKeys(t.Context(), w.db)
	if err != nil || len(keys) != 1 || keys[0].ID != key.ID() {
		t.Fatalf("the keys are %+v, %v", keys, err)
	}
	v, err := review.Verify(file, keys)
	if err != nil || !v.OK() || !v.Signed || !strings.HasPrefix(v.Name, "The payments (payments), New service, round 1") {
		t.Fatalf("verify: %+v, %v", v, err)
	}
	start, step := strings.Index(string(file), `"content"`), 997
	for i := start; i < len(file); i += step { // one bit anywhere is found, or makes the file unreadable
		if i > len(file)-900 {
			step = 3 // in the seal and its signature
		}
		forged := []byte(string(file))
		forged[i] ^= 1
		v, err := review.Verify(forged, keys)
		if err == nil && v.OK() && v.Signed {
			t.Fatalf("byte %d (%q in %q) may change unseen", i, file[i], file[max(0, i-40):min(len(file), i+20)])
		}
	}
	if _, err := w.db.Exec(t.Context(), `update checkpoints set signature = signature`); err == nil {
		t.Error("the database let a checkpoint change")
	}
}

// Only what was decided writes what governs launches.
func TestNobodyWritesLaunchActs(t *testing.T) {
	w := newWorld(t, 2)
	w.outcome(w.start(review.StartInput{}), review.NoGo)
	for _, sql := range []string{`update launch_acts set outcome = 'go'`, `delete from launch_acts`, `insert into launch_acts select * from launch_acts_now`} {
		if _, err := w.db.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "rows of launch_acts are never changed") {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
