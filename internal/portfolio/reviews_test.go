package portfolio_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/portfolio"
	"orrery/internal/review"
)

func TestReviewsByState(t *testing.T) {
	w := newWorld(t)
	judge := approver(w.jonas, uuid.Nil)
	step := func() { w.now = w.now.Add(time.Hour) }
	decided := w.review(w.asha, w.workload(w.asha, "decided"), all, 0)
	w.submit(w.asha, decided.ID, w.asha, "")
	w.decide(judge, decided.ID, review.Go, w.asha)
	step()
	refused := w.review(w.asha, w.workload(w.asha, "refused"), all, 0)
	w.submit(w.asha, refused.ID, w.asha, "")
	w.decide(judge, refused.ID, review.NoGo, w.asha)
	step()
	waiting := w.review(w.mika, w.workload(w.mika, "waiting"), all, 0)
	w.submit(w.mika, waiting.ID, w.mika, "")
	step()
	stopped := w.review(w.mika, w.workload(w.mika, "stopped"), 0, 0)
	w.exec(`update rounds set state = 'cancelled' where review_id = $1`, stopped.ID)
	w.exec(`update reviews set state = 'cancelled' where id = $1`, stopped.ID)

	check := func(name string, f portfolio.ReviewFilter, expected ...string) {
		t.Helper()
		lines, next, err := w.portfolio.Reviews(t.Context(), w.asha, f, "")
		if err != nil || next != "" {
			t.Fatalf("%s: %q, %v", name, next, err)
		}
		var got []string
		for _, l := range lines {
			got = append(got, fmt.Sprintf("%s %s %d %s %s", l.WorkloadKey, l.State, l.Round, l.RoundState, l.Outcome))
		}
		want(t, name, fmt.Sprintf("%q", got), fmt.Sprintf("%q", expected))
	}
	const d, r, s, c = "decided closed 1 sealed go", "refused open 2 draft no_go", "waiting open 1 submitted ", "stopped cancelled 1 cancelled "
	check("open", portfolio.ReviewFilter{}, s, r)
	check("draft", portfolio.ReviewFilter{State: review.Draft}, r)
	check("submitted", portfolio.ReviewFilter{State: review.Submitted}, s)
	check("closed", portfolio.ReviewFilter{State: review.Closed}, d)
	check("cancelled", portfolio.ReviewFilter{State: review.Cancelled}, c)
	check("all, newest first", portfolio.ReviewFilter{State: portfolio.AnyState}, c, s, r, d)
	check("mine", portfolio.ReviewFilter{Mine: true}, r)
	counts, err := w.portfolio.ReviewViews(t.Context(), w.asha)
	want(t, "counts", fmt.Sprint(counts, err), fmt.Sprint(portfolio.ReviewViews{Open: 2, Mine: 1, Draft: 1, Submitted: 1, Closed: 1, Cancelled: 1}, nil))
}

func TestPagesOfReviewsStandStill(t *testing.T) {
	w := newWorld(t)
	w.grow(300)
	var seen []uuid.UUID
	cursor := ""
	for page := 0; page == 0 || cursor != ""; page++ {
		lines, next, err := w.portfolio.Reviews(t.Context(), w.asha, portfolio.ReviewFilter{State: portfolio.AnyState}, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			seen = append(seen, l.ID)
		}
		w.now = w.now.Add(time.Hour)
		w.review(w.asha, w.workload(w.asha, fmt.Sprintf("later-%d", page)), 0, 0)
		cursor = next
	}
	distinct := slices.Clone(seen)
	slices.SortFunc(distinct, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	if n := len(slices.Compact(distinct)); n != 200 || len(seen) != 200 {
		t.Errorf("%d lines, %d different, want the 200 that were there", len(seen), n)
	}
}

func TestEvidenceOfAWorkload(t *testing.T) {
	w := newWorld(t)
	pay := w.workload(w.asha, "payments")
	w.review(w.asha, pay, 0, 0)
	before, err := w.portfolio.Evidence(t.Context(), w.jonas, pay.ID)
	if err != nil {
		t.Fatal(err)
	}
	if before.HasRun || len(before.Sets) == 0 || !before.Sets[0].Asked || before.Sets[0].Key != "orr" {
		t.Fatalf("the set that the review asks comes first: %+v", before.Sets[0])
	}
	for _, s := range before.Sets[1:] {
		if s.Asked {
			t.Errorf("%s is asked by no review", s.Key)
		}
	}
	total := before.Counts.Unread
	want(t, "nothing read", before.Counts, portfolio.VerdictCounts{Unread: total})
	want(t, "nothing judged", before.Judged(), false)
	if total < 12 {
		t.Fatalf("only %d checks", total)
	}

	var digests []string
	for _, s := range before.Sets {
		for _, q := range s.Questions {
			for _, p := range q.Proofs {
				if p.Read || p.State != evidence.CannotTell {
					t.Errorf("%s: %+v before any run", q.Question.ID, p)
				}
				if d := p.Check.Digest(); !slices.Contains(digests, d) {
					digests = append(digests, d)
				}
			}
		}
	}
	want(t, "each check once", len(digests), total)
	w.exec(`insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn)
		values ($1, $1, 'production', true, '{}', '{}', '{}', '')`, pay.ID)
	run := uuid.Must(uuid.NewV7())
	w.exec(`insert into runs (id, workload_id, scope_id, state, requested_by, requested_at, finished_at, tags, application_arn) values ($1, $2, $2, 'complete', $3, $4, $4, '{}', '')`,
		run, pay.ID, w.asha.PersonID, w.now)
	for i, verdict := range []string{"supports", "contradicts", "mixed", "cannot_tell", "supports"} {
		asOf := w.now
		if i == 4 {
			asOf = w.now.AddDate(-1, 0, 0)
		}
		w.exec(`insert into verdicts (workload_id, check_digest, verdict, reason, detail, passed, failed, suppressed, not_evaluated, failing, as_of, run_id, computed_at)
			values ($1, $2, $3, '', '', 1, 0, 0, 0, '[]', $4, $5, $6)`, pay.ID, digests[i], verdict, asOf, run, w.now)
	}
	after, err := w.portfolio.Evidence(t.Context(), w.jonas, pay.ID)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "run", []any{after.HasRun, after.Run.ID, after.Run.RequestedByName}, []any{true, run, "Asha Rao"})
	want(t, "judged", after.Judged(), true)
	want(t, "counts", after.Counts, portfolio.VerdictCounts{Supports: 1, Contradicts: 1, Mixed: 1, CannotTell: 1, Stale: 1, Unread: total - 5})
}
