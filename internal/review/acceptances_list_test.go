package review_test

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/review"
)

// mediumAccepted is a review with one medium, which is accepted.
func mediumAccepted(t *testing.T) (w *world, r review.Review, medium review.Entry) {
	t.Helper()
	w = newWorld(t, 2)
	r = w.start(review.StartInput{})
	sheet := w.answerAll(w.asha, r.ID, true)
	for _, e := range sheet.Entries() {
		in := review.AnswerInput{ReviewID: r.ID, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID, Version: e.Answer.Version}
		for _, c := range e.Question.Choices {
			if c.Weight == "core" && !c.None {
				in.Chosen = append(in.Chosen, c.ID)
			}
		}
		if a, err := w.reviews.SaveAnswer(t.Context(), w.asha, in); err == nil && a.Risk == "medium" {
			e.Answer = a
			medium = e
			break
		}
	}
	if medium.Question == nil {
		t.Fatal("no question of the core path can be medium by its core choices alone")
	}
	w.grant(w.ask(medium.Key(), remediation.AskInput{Reason: "x", Control: "y", Until: "2027-11-19"}))
	return w, r, medium
}

// What was accepted as a medium does not cover a high.
func TestAMediumsAcceptanceCoversNoHigh(t *testing.T) {
	w, r, medium := mediumAccepted(t)
	if c := review.Count(w.sheet(r.ID).Entries()); c.Accepted != 1 {
		t.Errorf("counts of an accepted medium: %+v", c)
	}
	w.answer(w.asha, r.ID, medium, false)
	if c := review.Count(w.sheet(r.ID).Entries()); c.High != 1 || c.Accepted != 0 || c.Unaccepted != 1 {
		t.Errorf("counts of the high: %+v", c)
	}
}

// Nor does the gate leave out a high that came after it.
func TestAMediumsAcceptanceHidesNoHigh(t *testing.T) {
	w, r, medium := mediumAccepted(t)
	r = w.submit(r.ID)
	w.sign(w.noor, r, review.Agree)
	if _, err := w.decide(w.noor, review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Go}); err != nil {
		t.Fatal(err, fieldWords(err))
	}
	if g := w.gate(); !slices.Equal(codes(g.Warnings), []string{"risk_accepted"}) {
		t.Errorf("an accepted medium: %+v", g.Warnings)
	}
	w.later(time.Hour)
	next := w.start(review.StartInput{})
	w.answerAll(w.asha, next.ID, true)
	for _, e := range w.sheet(next.ID).Entries() {
		if e.Key() == medium.Key() {
			w.answer(w.asha, next.ID, e, false)
		}
	}
	w.submit(next.ID)
	if g := w.gate(); !slices.Equal(codes(g.Warnings), []string{"high_open", "risk_accepted"}) {
		t.Errorf("a high since: %+v", g.Warnings)
	}
}

func TestAcceptancesAreListed(t *testing.T) {
	w, _, key := risky(t, 2)
	id := w.ask(key, terms)
	list := func(who identity.Actor, view string) int {
		t.Helper()
		list, _, err := w.items.Acceptances(t.Context(), who, remediation.AcceptanceFilter{View: view})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	want := func(views map[string]int) {
		t.Helper()
		for view, n := range views {
			if got := list(w.vera, view); got != n {
				t.Errorf("%d in view %q, want %d", got, view, n)
			}
		}
	}
	want(map[string]int{"": 1, remediation.Asked: 1, remediation.Granted: 0, remediation.AcceptancesEnding: 0, remediation.Ended: 0, "all": 1})
	w.grant(id)
	want(map[string]int{"": 1, remediation.Asked: 0, remediation.Granted: 1, remediation.AcceptancesEnding: 0, remediation.Ended: 0})
	w.clock = time.Date(2027, 2, 2, 0, 0, 0, 0, time.UTC)
	want(map[string]int{remediation.AcceptancesEnding: 1, remediation.Ended: 0})
	w.clock = time.Date(2027, 3, 4, 0, 0, 0, 0, time.UTC)
	want(map[string]int{"": 0, remediation.Granted: 0, remediation.AcceptancesEnding: 0, remediation.Ended: 1, "all": 1})
	w.exec(`update workloads set restricted = true`)
	want(map[string]int{remediation.Ended: 0, "all": 0})
	if n := list(w.noor, "all"); n != 1 {
		t.Errorf("an approver sees %d of a restricted workload", n)
	}
	ctx := t.Context()
	for name, err := range map[string]error{
		"read":     second(w.items.Acceptance(ctx, w.vera, id)),
		"grant":    second(w.items.Grant(ctx, w.vera, id, remediation.GrantInput{})),
		"decline":  second(w.items.Decline(ctx, w.vera, id, "x")),
		"withdraw": second(w.items.Withdraw(ctx, w.vera, id)),
		"revoke":   second(w.items.Revoke(ctx, w.vera, id, "x")),
		"mend":     second(w.items.MendInstead(ctx, w.vera, id, "", "")),
	} {
		wantFault(t, err, fault.NotFound, "no such acceptance")
		_ = name
	}
	_, _, err := w.items.Acceptances(ctx, w.noor, remediation.AcceptanceFilter{View: "nothing"})
	wantFault(t, err, fault.Invalid, "view")
	_, _, err = w.items.Acceptances(ctx, w.noor, remediation.AcceptanceFilter{After: "nothing"})
	wantFault(t, err, fault.Invalid, "after")
}

func TestAcceptancesArePaged(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	sheet := w.answerAll(w.asha, r.ID, false)
	for i, e := range sheet.Highs()[:5] {
		w.ask(e.Key(), remediation.AskInput{Reason: "x", Control: "y", Until: []string{"2027-03-03", "2027-03-02", "2027-03-02", "2027-03-01", "2027-03-04"}[i]})
	}
	for _, view := range []string{"", "all"} {
		seen, after := map[uuid.UUID]bool{}, ""
		for pages := 0; ; pages++ {
			list, next, err := w.items.Acceptances(t.Context(), w.vera, remediation.AcceptanceFilter{View: view, After: after, Limit: 2})
			if err != nil || pages > 3 {
				t.Fatal(err, pages)
			}
			for _, a := range list {
				seen[a.ID] = true
			}
			if after = next; next == "" {
				break
			}
		}
		if len(seen) != 5 {
			t.Errorf("view %q: the pages held %d acceptances, want 5", view, len(seen))
		}
	}
}
