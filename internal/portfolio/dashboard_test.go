package portfolio_test

import (
	"testing"
	"time"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/review"
	"orrery/internal/workload"
)

func (w *world) dashboard(who identity.Actor, f portfolio.DashFilter) portfolio.Dashboard {
	w.t.Helper()
	d, err := w.portfolio.Dashboard(w.t.Context(), who, f)
	if err != nil {
		w.t.Fatal(err)
	}
	w.wantKept()
	return d
}

// wantKept compares what is kept of frozen rounds and decisions with what follows from them.
func (w *world) wantKept() {
	w.t.Helper()
	var risks, decisions int
	err := w.db.QueryRow(w.t.Context(), `
		select (select count(*) from (
				(select n.* from round_risks_now n join rounds x on x.id = n.round_id where x.state in ('submitted', 'sealed') except select * from round_risks)
				union all
				(select k.* from round_risks k join rounds x on x.id = k.round_id where x.state in ('submitted', 'sealed') except select * from round_risks_now)) d),
			(select count(*) from ((table decided_rounds_now except table decided_rounds) union all (table decided_rounds except table decided_rounds_now)) d)`).Scan(&risks, &decisions)
	if err != nil || risks+decisions != 0 {
		w.t.Errorf("%d lines of risks and %d of decisions are not as they follow, %v", risks, decisions, err)
	}
}

// sums adds up the highs of the questions, of the sections and of each team of a dashboard.
func sums(d portfolio.Dashboard) (questions, sections int, teams map[string]int) {
	teams = map[string]int{}
	for _, q := range d.Questions {
		questions += q.High
	}
	for _, s := range d.Sections {
		sections += s.High
	}
	for _, t := range d.Teams {
		teams[t.Key] = t.High
	}
	return questions, sections, teams
}

func TestDashboardAddsUpTheNewestRoundOfEach(t *testing.T) {
	w := newWorld(t)
	pay := w.review(w.asha, w.workload(w.asha, "pay"), all, 2)
	secret := w.review(w.asha, w.workload(w.asha, "secret", func(in *workload.Input) { in.Restricted = true }), all, 3)
	shoes := w.review(w.mika, w.workload(w.mika, "shoes"), all, 1)
	want(t, "of drafts", len(w.dashboard(w.jonas, portfolio.DashFilter{}).Questions), 0)
	late := w.now.AddDate(0, 0, -1).Format(time.DateOnly)
	w.submit(w.asha, pay.ID, w.asha, late)
	w.submit(w.asha, secret.ID, w.asha, late)
	w.submit(w.mika, shoes.ID, w.mika, w.now.AddDate(0, 0, 9).Format(time.DateOnly))

	d := w.dashboard(w.jonas, portfolio.DashFilter{})
	questions, sections, teams := sums(d)
	want(t, "what jonas may read", []any{d.Workloads, d.Judged, d.Highs, d.Overdue, questions, sections, teams}, []any{2, 2, 3, 2, 3, 3, map[string]int{"ledger": 2, "shop": 1}})
	d = w.dashboard(w.asha, portfolio.DashFilter{TeamKey: "ledger", Set: "orr"})
	questions, sections, teams = sums(d)
	want(t, "of her team", []any{d.Workloads, d.Overdue, questions, sections, teams}, []any{2, 5, 5, 5, map[string]int{"ledger": 5}})
	want(t, "of another set", len(w.dashboard(w.asha, portfolio.DashFilter{Set: "aws-foundations"}).Questions), 0)

	// What was submitted stands until it is submitted anew, and a draft does not count.
	if _, err := w.reviews.Withdraw(t.Context(), w.mika, shoes.ID); err != nil {
		t.Fatal(err)
	}
	_, _, teams = sums(w.dashboard(w.jonas, portfolio.DashFilter{}))
	want(t, "after it was withdrawn", teams["shop"], 0)
	second := shoes.Entries()[1]
	if _, err := w.reviews.SaveAnswer(t.Context(), w.mika, review.AnswerInput{ReviewID: shoes.ID, Questionnaire: second.Questionnaire, QuestionID: second.Question.ID, Version: 1, Unknown: true}); err != nil {
		t.Fatal(err)
	}
	w.submit(w.mika, shoes.ID, w.mika, late)
	_, _, teams = sums(w.dashboard(w.jonas, portfolio.DashFilter{}))
	want(t, "submitted anew", teams["shop"], 2)
}

func TestDashboardCountsDecisionsByMonth(t *testing.T) {
	w := newWorld(t)
	shoes := w.review(w.mika, w.workload(w.mika, "shoes"), all, 0)
	w.submit(w.mika, shoes.ID, w.mika, "")
	w.now = w.now.Add(48 * time.Hour)
	w.decide(approver(w.jonas, shoes.Workload.ID), shoes.ID, review.Go, w.mika)
	d := w.dashboard(w.asha, portfolio.DashFilter{Set: "orr"})
	m := d.Months[len(d.Months)-1]
	want(t, "this month", []any{m.Go, m.Conditional, m.NoGo, m.Median, m.P90}, []any{1, 0, 0, 2.0, 2.0})
	m = w.dashboard(w.asha, portfolio.DashFilter{Set: "aws-foundations"}).Months[len(d.Months)-1]
	want(t, "of another set", m.Decided(), 0)
}

func TestDashboardRefuses(t *testing.T) {
	w := newWorld(t)
	_, err := w.portfolio.Dashboard(t.Context(), identity.Actor{}, portfolio.DashFilter{})
	wantFault(t, err, fault.Unauthenticated, "")
	_, err = w.portfolio.Dashboard(t.Context(), w.jonas, portfolio.DashFilter{Tier: 4})
	wantFault(t, err, fault.Invalid, "tier")
}
