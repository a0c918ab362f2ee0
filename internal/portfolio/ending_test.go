package portfolio_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
)

// judge is an approver of everything, by somebody else's word.
func (w *world) judge(who identity.Actor) identity.Actor {
	w.exec(`insert into grants (id, person_id, kind, granted_by, granted_at) values ($1, $2, 'approver', $3, $4)`, uuid.New(), who.PersonID, w.mika.PersonID, w.now)
	return approver(who, uuid.Nil)
}

func TestWorkloadsByAcceptancesThatEnd(t *testing.T) {
	w := newWorld(t)
	load := w.workload(w.asha, "payments")
	w.workload(w.mika, "shoes")
	sheet, err := w.reviews.Sheet(t.Context(), w.asha, w.review(w.asha, load, all, 2).ID)
	if err != nil {
		t.Fatal(err)
	}
	judge := w.judge(w.jonas)
	for i, until := range []string{"2027-03-03", "2027-01-05"} {
		id, err := w.reviews.AskAcceptance(t.Context(), w.asha, load.Key, sheet.Highs()[i].Key(), remediation.AskInput{Reason: "x", Control: "y", Until: until})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.items.Grant(t.Context(), judge, id, remediation.GrantInput{}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(day string, ending int) {
		t.Helper()
		if w.now, err = time.Parse(time.DateOnly, day); err != nil {
			t.Fatal(err)
		}
		lines, _, err := w.portfolio.Workloads(t.Context(), w.mika, portfolio.Filter{}, "")
		if err != nil {
			t.Fatal(err)
		}
		want(t, day+": on the lines", []int{lines[0].AcceptancesEnding, lines[1].AcceptancesEnding}, []int{ending, 0})
		v, err := w.portfolio.Views(t.Context(), w.mika)
		keys := w.keys(w.mika, portfolio.Filter{Ending: true})
		want(t, day+": in the view", []any{v.Acceptances, len(keys), err}, []any{min(ending, 1), min(ending, 1), nil})
	}
	check("2026-12-06", 0)
	check("2026-12-07", 1)
	check("2027-01-05", 1)
	check("2027-01-06", 0)
	check("2027-02-02", 1)
}

func TestEmergencyGosAreNamedAndCounted(t *testing.T) {
	w := newWorld(t)
	load := w.workload(w.asha, "payments")
	w.workload(w.mika, "shoes")
	judge := w.judge(w.jonas)
	r, err := w.reviews.DecideEmergency(t.Context(), judge, load.ID, review.EmergencyInput{
		Reason: "Cards fail.", Ticket: "https://tickets.example.com/1", EndsOn: w.now.AddDate(0, 0, 3).Format(time.DateOnly),
	})
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, runs bool, now, counted int) {
		t.Helper()
		lines, _, err := w.portfolio.Reviews(t.Context(), w.mika, portfolio.ReviewFilter{}, "")
		if err != nil || len(lines) != 1 {
			t.Fatalf("%s: %+v, %v", when, lines, err)
		}
		want(t, when+": on the line", lines[0].EmergencyUntil != nil, runs)
		d := w.dashboard(w.mika, portfolio.DashFilter{})
		teams := map[string]int{}
		for _, one := range d.Teams {
			teams[one.Key] = one.Emergencies
		}
		want(t, when+": on the dashboard", []any{d.Emergency, teams}, []any{now, map[string]int{"ledger": counted, "shop": 0}})
	}
	check("while it runs", true, 1, 1)
	list, err := w.reviews.EmergenciesOf(t.Context(), r.Workload.ID)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	begun := w.now
	w.now = w.now.AddDate(0, 0, 5)
	check("when it is over", false, 0, 1)
	w.now = begun.Add(time.Hour)
	if err := w.reviews.EndEmergency(t.Context(), judge, list[0].ID, "Mended."); err != nil {
		t.Fatal(err)
	}
	check("ended early", false, 0, 1)
	w.now = begun.AddDate(1, 0, 0)
	check("a year later", false, 0, 0)
}

// A decision is said to end within 30 days from the second on that this is so, and until its end.
func TestDecisionsEndWithin30Days(t *testing.T) {
	w := newWorld(t)
	load := w.workload(w.asha, "old", func(in *workload.Input) { in.Stage = workload.Live })
	sheet := w.review(w.asha, load, all, 0)
	w.submit(w.asha, sheet.ID, w.asha, "")
	w.decide(approver(w.jonas, uuid.Nil), sheet.ID, review.Go, w.asha)
	lines, _, err := w.portfolio.Workloads(t.Context(), w.asha, portfolio.Filter{}, "")
	if err != nil || lines[0].ValidUntil == nil {
		t.Fatalf("%+v, %v", lines, err)
	}
	end := *lines[0].ValidUntil
	const day = 24 * time.Hour
	for _, c := range []struct {
		before time.Duration
		ending int
	}{{30*day + time.Second, 0}, {30*day - time.Second, 1}, {time.Second, 1}, {-time.Second, 0}} {
		w.now = end.Add(-c.before)
		h, err := w.portfolio.Home(t.Context(), w.asha)
		want(t, c.before.String()+" before the end", []any{len(h.Ending), err}, []any{c.ending, nil})
	}
}
