package portfolio_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/portfolio"
	"orrery/internal/remediation"
)

// A draft is ready to submit when the page before submission has nothing left to ask for: a
// high that is neither accepted nor asked to be still wants somebody who mends it.
func TestDraftIsReadyAsThePageBeforeSubmissionCounts(t *testing.T) {
	w := newWorld(t)
	sheet := w.review(w.asha, w.workload(w.asha, "payments"), all, 2)
	judge := approver(w.jonas, uuid.Nil)
	draft := func(unowned int, ready bool) {
		t.Helper()
		h, err := w.portfolio.Home(t.Context(), w.asha)
		if err != nil || len(h.Drafts) != 1 {
			t.Fatalf("%v, %v", h.Drafts, err)
		}
		read, err := w.reviews.Sheet(t.Context(), w.asha, sheet.ID)
		if err != nil {
			t.Fatal(err)
		}
		d := h.Drafts[0]
		want(t, "blocks", []any{d.Blocking, d.Unowned, d.Ready()}, []any{len(read.Blockers()), unowned, ready})
		want(t, "the page before submission", len(read.Unowned()), unowned)
	}
	w.exec(`insert into grants (id, person_id, kind, granted_at) values ($1, $2, 'approver', $3)`, uuid.Must(uuid.NewV7()), judge.PersonID, w.now)
	draft(2, false)
	ask := func(i int) uuid.UUID {
		t.Helper()
		id, err := w.reviews.AskAcceptance(t.Context(), w.asha, "payments", sheet.Entries()[i].Key(), remediation.AskInput{
			Reason: "The vendor ends it in spring.", Control: "Watched by hand.", Until: "2026-11-20",
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := ask(0)
	draft(1, false)
	ask(1)
	draft(0, true)
	if _, err := w.items.Grant(t.Context(), judge, first, remediation.GrantInput{}); err != nil {
		t.Fatal(err)
	}
	draft(0, true)
	w.now = time.Date(2026, 11, 20, 23, 59, 0, 0, time.UTC) // the last day is not over
	draft(0, true)
	w.now = w.now.Add(time.Minute)
	draft(1, false)
	want(t, "a draft that says nothing", portfolio.Draft{Blocking: 1}.Ready(), false)
}
