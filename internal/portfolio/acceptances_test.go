package portfolio_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/remediation"
)

func TestHomeListsAcceptances(t *testing.T) {
	w := newWorld(t)
	load := w.workload(w.asha, "payments")
	sheet, err := w.reviews.Sheet(t.Context(), w.asha, w.review(w.asha, load, all, 2).ID)
	if err != nil {
		t.Fatal(err)
	}
	highs := sheet.Highs()
	judge := approver(w.jonas, uuid.Nil)
	w.exec(`insert into grants (id, person_id, kind, granted_by, granted_at) values ($1, $2, 'approver', $3, $4)`, uuid.New(), judge.PersonID, w.mika.PersonID, w.now)
	asking := approver(w.asha, uuid.Nil)
	in := remediation.AskInput{Reason: "x", Control: "y", Until: "2027-03-03"}
	home := func(who identity.Actor, asked, ending int) {
		t.Helper()
		h, err := w.portfolio.Home(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		want(t, who.Name+": asked, ending", []int{len(h.Asked), h.AskedTotal, len(h.AcceptancesEnding), h.AcceptancesEndingTotal}, []int{asked, asked, ending, ending})
	}
	id, err := w.reviews.AskAcceptance(t.Context(), w.asha, load.Key, highs[0].Key(), in)
	if err != nil {
		t.Fatal(err)
	}
	home(judge, 1, 0)
	home(asking, 0, 0) // asked for it, and answered its question
	home(w.mika, 0, 0)
	views := func(highs int) {
		t.Helper()
		v, err := w.portfolio.Views(t.Context(), w.asha)
		if err != nil {
			t.Fatal(err)
		}
		lines, _, err := w.portfolio.Workloads(t.Context(), w.asha, portfolio.Filter{Highs: true}, "")
		want(t, "workloads with a high", []any{v.Highs, len(lines), err}, []any{highs, highs, nil})
	}
	views(0)
	if _, err := w.items.Grant(t.Context(), judge, id, remediation.GrantInput{}); err != nil {
		t.Fatal(err)
	}
	views(1)
	home(judge, 0, 0)
	w.now = time.Date(2027, 2, 1, 12, 0, 0, 0, time.UTC)
	home(w.asha, 0, 0)
	w.now = time.Date(2027, 2, 2, 12, 0, 0, 0, time.UTC)
	home(w.asha, 0, 1)
	w.now = time.Date(2027, 3, 10, 12, 0, 0, 0, time.UTC)
	home(w.asha, 0, 1)
	home(w.mika, 0, 0)
	views(1)
	if _, err := w.items.MendInstead(t.Context(), w.asha, id, w.asha.PersonID.String(), "2027-03-20"); err != nil {
		t.Fatal(err)
	}
	lines, _, err := w.portfolio.Workloads(t.Context(), w.asha, portfolio.Filter{}, "")
	want(t, "an accepted high with an item is one high", []any{lines[0].Highs, err}, []any{1, nil})
}
