package review_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/review"
)

// decided answers, submits and decides the review as the outcome.
func (w *world) decided(r review.Review, outcome string) review.Review {
	w.t.Helper()
	r = w.submit(r.ID)
	if outcome != review.NoGo {
		w.sign(w.noor, r, review.Agree)
	}
	r, err := w.decide(w.noor, review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: outcome, Reason: "x"})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// entry is the i-th question of the review as it stands.
func (w *world) entry(id uuid.UUID, i int) review.Entry {
	w.t.Helper()
	return w.sheet(id).Entries()[i]
}

// input is the answer of an entry as it would be saved again.
func input(id uuid.UUID, e review.Entry) review.AnswerInput {
	return review.AnswerInput{
		ReviewID: id, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID, Version: e.Answer.Version, Chosen: e.Answer.Chosen,
		Unknown: e.Answer.Unknown, Notes: e.Answer.Notes,
	}
}

// flagged is a review with one answer that has notes, one with a choice that does not apply,
// and one that does not apply at all.
func (w *world) flagged(r review.Review) review.Review {
	w.t.Helper()
	w.answerAll(w.asha, r.ID, true)
	in := input(r.ID, w.entry(r.ID, 0))
	in.Notes = "The drill's log is in the wiki."
	second := input(r.ID, w.entry(r.ID, 1))
	n := len(second.Chosen) - 1
	second.NAChoices, second.NAReasons, second.Chosen = second.Chosen[n:], []string{"We have one Region."}, second.Chosen[:n]
	third := input(r.ID, w.entry(r.ID, 2))
	third.Chosen, third.NotApplicable, third.Reason = nil, true, "There is no such thing here."
	for _, in := range []review.AnswerInput{in, second, third} {
		if _, err := w.reviews.SaveAnswer(w.t.Context(), w.asha, in); err != nil {
			w.t.Fatal(err)
		}
	}
	return r
}

func TestStartCarriesAnswersToBeConfirmed(t *testing.T) {
	w := newWorld(t, 2)
	w.decided(w.flagged(w.start(review.StartInput{})), review.Go)
	w.clock = w.clock.AddDate(1, 0, 0)
	r := w.start(review.StartInput{CarryOver: true})
	sheet := w.sheet(r.ID)
	c := review.Count(sheet.Entries())
	if c.Answered != 0 || c.ToConfirm != 14 || len(sheet.Blockers()) != 15 {
		t.Fatalf("carried: %+v, %d block", c, len(sheet.Blockers()))
	}
	if sheet.AuthoredByActor {
		t.Error("who answered in an earlier review is an author of this one")
	}
	for i, e := range sheet.Entries()[:3] {
		a := e.Answer
		if a.Notes != "" || a.NotApplicable || len(a.NAChoices) > 0 || a.Version != 0 || a.SavedByID != nil || a.Origin == nil || a.Origin.SavedBy != "Asha Rao" {
			t.Errorf("answer %d is carried as %+v", i, a)
		}
	}
	if third := sheet.Entries()[2]; third.Answer.ToConfirm || third.Answered() {
		t.Errorf("an answer that did not apply comes in as %+v", third.Answer)
	}
	page, err := w.reviews.Question(t.Context(), w.asha, r.ID, "orr", sheet.Entries()[2].Question.ID)
	if err != nil || page.Before == nil || page.Before.Reason != "There is no such thing here." || page.Before.Number == "" {
		t.Fatalf("before: %+v, %v", page.Before, err)
	}
	_, err = w.reviews.Submit(t.Context(), w.asha, review.SubmitInput{ReviewID: r.ID})
	wantFault(t, err, fault.Conflict, "1 unanswered question and 14 answers to confirm block")
	if other := w.sheet(w.start(review.StartInput{ChangeKey: "CHG-1", ChangeTitle: "x"}).ID); review.Count(other.Entries()).ToConfirm != 0 {
		t.Error("answers are carried though nobody asked for it")
	}
}

// Whoever confirms an answer is an author, also when nothing of it changes.
func TestConfirmingMakesAnAuthor(t *testing.T) {
	w := newWorld(t, 2)
	first := w.start(review.StartInput{})
	w.answerAll(w.asha, first.ID, true)
	w.decided(first, review.Go)
	r := w.start(review.StartInput{CarryOver: true})
	e := w.entry(r.ID, 0)
	a, err := w.reviews.SaveAnswer(t.Context(), w.tomas, input(r.ID, e))
	if err != nil || a.Version != 1 || a.ToConfirm || a.SavedBy != "Tomas Berg" {
		t.Fatalf("confirmed as %+v, %v", a, err)
	}
	if e = w.entry(r.ID, 0); e.Answer.ToConfirm || e.Answer.Version != 1 || e.Answer.Origin == nil {
		t.Errorf("after it is confirmed: %+v", e.Answer)
	}
	var revisions int
	if err := w.db.QueryRow(t.Context(), `select count(*) from answer_revisions where round_id = $1 and saved_by = $2`, r.Round.ID, w.tomas.PersonID).Scan(&revisions); err != nil || revisions != 1 {
		t.Errorf("%d revisions, %v", revisions, err)
	}
	for _, s := range w.sheet(r.ID).Sections {
		in := review.ConfirmInput{ReviewID: r.ID, Round: 1, Questionnaire: s.Questionnaire, Section: s.ID}
		_, err := w.reviews.ConfirmSection(t.Context(), w.vera, in)
		wantFault(t, err, fault.Forbidden, "owning team")
		if _, err := w.reviews.ConfirmSection(t.Context(), w.asha, in); err != nil {
			t.Fatal(err)
		}
		_, err = w.reviews.ConfirmSection(t.Context(), w.asha, in)
		wantFault(t, err, fault.Conflict, "Nothing of this section")
		in.Round = 2
		_, err = w.reviews.ConfirmSection(t.Context(), w.asha, in)
		wantFault(t, err, fault.Conflict, "round 1")
	}
	if c := review.Count(w.sheet(r.ID).Entries()); c.ToConfirm != 0 || c.Answered != 15 {
		t.Fatalf("after the sections are confirmed: %+v", c)
	}
	r = w.submit(r.ID)
	agree := review.SignOffInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Voice: review.Agree}
	wantFault(t, w.reviews.SignOff(t.Context(), w.tomas, agree), fault.Forbidden, "saved an answer")
	_, err = w.db.Exec(t.Context(), `insert into signoffs (id, round_id, person_id, voice, note, outside_team, content_sha256, signed_at)
		values ($1, $2, $3, 'agree', '', false, $4, now())`, uuid.New(), r.Round.ID, w.tomas.PersonID, r.Round.ContentSHA256)
	if err == nil || !strings.Contains(err.Error(), "author of the round") {
		t.Errorf("the database let who confirmed sign off: %v", err)
	}
}

func TestConfirmingAtOnceLeavesOutWhatWasFlagged(t *testing.T) {
	w := newWorld(t, 2)
	w.decided(w.flagged(w.start(review.StartInput{})), review.Go)
	r := w.start(review.StartInput{CarryOver: true})
	parts, err := w.reviews.ToConfirm(t.Context(), w.sheet(r.ID))
	if err != nil {
		t.Fatal(err)
	}
	all, atOnce := 0, 0
	for _, p := range parts {
		all, atOnce = all+len(p.Entries), atOnce+p.AtOnce
		if n, err := w.reviews.ConfirmSection(t.Context(), w.asha, review.ConfirmInput{ReviewID: r.ID, Round: 1, Questionnaire: p.Questionnaire, Section: p.ID}); err != nil || n != p.AtOnce {
			t.Errorf("%s: %d confirmed, want %d, %v", p.Name, n, p.AtOnce, err)
		}
	}
	if c := review.Count(w.sheet(r.ID).Entries()); all != 14 || atOnce != 13 || c.ToConfirm != 1 {
		t.Errorf("%d wait, %d at once, then %+v", all, atOnce, c)
	}
}

func TestNextRoundAsksOldAnswersAgain(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	entries := w.sheet(r.ID).Entries()
	for _, e := range entries[:5] {
		w.answer(w.tomas, r.ID, e, true)
	}
	in := input(r.ID, w.entry(r.ID, 0))
	in.Notes = "old words"
	if _, err := w.reviews.SaveAnswer(t.Context(), w.tomas, in); err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.AddDate(0, 0, 31)
	for _, e := range entries[5:] {
		w.answer(w.asha, r.ID, e, true)
	}
	r = w.decided(r, review.NoGo)
	sheet := w.sheet(r.ID)
	if c := review.Count(sheet.Entries()); c.ToConfirm != 5 || c.Answered != 10 {
		t.Fatalf("in the next round: %+v", c)
	}
	if a := sheet.Entries()[0].Answer; a.Notes != "" || a.Risk != questionnaire.RiskNone || !slices.Equal(a.Chosen, in.Chosen) {
		t.Errorf("an old answer is carried as %+v", a)
	}
	// who wrote them stays an author, whoever confirms them
	for _, e := range sheet.Entries()[:5] {
		if _, err := w.reviews.SaveAnswer(t.Context(), w.asha, input(r.ID, e)); err != nil {
			t.Fatal(err)
		}
	}
	r = w.submit(r.ID)
	agree := review.SignOffInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Voice: review.Agree}
	wantFault(t, w.reviews.SignOff(t.Context(), w.tomas, agree), fault.Forbidden, "saved an answer")
	_, err := w.db.Exec(t.Context(), `insert into signoffs (id, round_id, person_id, voice, note, outside_team, content_sha256, signed_at)
		values ($1, $2, $3, 'agree', '', false, $4, now())`, uuid.New(), r.Round.ID, w.tomas.PersonID, r.Round.ContentSHA256)
	if err == nil || !strings.Contains(err.Error(), "author of the round") {
		t.Errorf("the database let an author of the round before sign off: %v", err)
	}
}

func TestInheritFromAPlatform(t *testing.T) {
	w := newWorld(t, 2)
	payments := w.payments
	platform := w.workload("platform", 2, false)
	w.payments = platform
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	in := input(r.ID, w.entry(r.ID, 0))
	in.Notes = "Only the platform's people knew this."
	if _, err := w.reviews.SaveAnswer(t.Context(), w.asha, in); err != nil {
		t.Fatal(err)
	}
	source := w.decided(r, review.Go)
	w.payments = w.workload("secret", 2, true)
	hidden := w.start(review.StartInput{})
	w.answerAll(w.asha, hidden.ID, true)
	w.decided(hidden, review.Go)
	w.payments = payments

	sources, err := w.reviews.Sources(t.Context(), payments.ID)
	if err != nil || len(sources) != 1 || sources[0].ReviewID != source.ID || sources[0].TeamName != "ledger" {
		t.Fatalf("sources %+v, %v", sources, err)
	}
	open := w.start(review.StartInput{ChangeKey: "CHG-2", ChangeTitle: "x"})
	for name, from := range map[string]string{"restricted": hidden.ID.String(), "undecided": open.ID.String(), "unknown": uuid.NewString(), "no id": "x"} {
		_, err := w.reviews.Start(t.Context(), w.asha, payments.ID, review.StartInput{Type: "new-service", InheritFrom: from})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fieldWords(err), "inherit_from") {
			t.Errorf("inherit from a review that is %s: %v", name, err)
		}
	}
	mine := w.start(review.StartInput{InheritFrom: source.ID.String()})
	sheet := w.sheet(mine.ID)
	if c := review.Count(sheet.Entries()); c.ToConfirm != 15 || sheet.AuthoredByActor {
		t.Fatalf("inherited: %+v", c)
	}
	ask := func(who identity.Actor) *review.Before {
		t.Helper()
		page, err := w.reviews.Question(t.Context(), who, mine.ID, "orr", sheet.Entries()[0].Question.ID)
		if err != nil {
			t.Fatal(err)
		}
		return page.Before
	}
	if b := ask(w.vera); b.Workload != "The platform" || b.Notes == "" {
		t.Errorf("before: %+v", b)
	}
	w.exec(`update workloads set restricted = true where id = $1`, platform.ID)
	if b := ask(w.vera); !b.Hidden || b.Notes != "" || b.Workload != "" {
		t.Errorf("an outsider reads of a restricted workload: %+v", b)
	}
	if b := ask(w.asha); b.Hidden {
		t.Error("its own team reads nothing of it")
	}
}

func TestExtraSetsAreAskedWhole(t *testing.T) {
	w := newWorld(t, 3)
	_, err := w.reviews.Start(t.Context(), w.asha, w.payments.ID, review.StartInput{Type: "new-service", Sets: []string{"nope"}})
	wantFault(t, err, fault.Invalid, "sets")
	r := w.start(review.StartInput{Sets: []string{"serverless", "orr"}, Agenda: review.AgendaInput{TargetOn: "2026-12-24", MeetingOn: "2026-12-20", Attendees: "Asha, Noor"}})
	sheet := w.sheet(r.ID)
	if len(sheet.Entries()) != 15+9 || len(sheet.Pins) != 2 || !sheet.Pins[1].Extra || len(sheet.Blockers()) != 24 {
		t.Errorf("%d questions of %+v", len(sheet.Entries()), sheet.Pins)
	}
	plan, err := w.reviews.PlanFor(t.Context(), w.payments, review.Type{Questionnaires: []string{"orr"}, CoreTiers: []int{3}, Signoffs: []int{1, 1, 1}}, []string{"serverless"}, nil)
	if err != nil || plan.Questions != 24 || plan.Minutes == 0 || len(plan.Bring) < 4 {
		t.Errorf("plan %+v, %v", plan, err)
	}
	if a := sheet.Agenda; a.TargetOn == nil || a.TargetOn.Format(time.DateOnly) != "2026-12-24" || a.Attendees != "Asha, Noor" {
		t.Errorf("agenda %+v", a)
	}
	wantFault(t, w.reviews.SaveAgenda(t.Context(), w.vera, r.ID, review.AgendaInput{}), fault.Forbidden, "owning team")
	wantFault(t, w.reviews.SaveAgenda(t.Context(), w.asha, r.ID, review.AgendaInput{TargetOn: "soon", Attendees: strings.Repeat("é", 501)}), fault.Invalid, "target_on")
	if err := w.reviews.SaveAgenda(t.Context(), w.asha, r.ID, review.AgendaInput{MeetingOn: "2026-12-21"}); err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.reviews.SaveAgenda(t.Context(), w.asha, r.ID, review.AgendaInput{MeetingOn: "2026-12-22"}), fault.Conflict, "Somebody changed the plan")
}
