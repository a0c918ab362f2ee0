package views

import (
	"net/url"
	"time"

	"orrery/internal/portfolio"
	"orrery/internal/review"
	"orrery/web/views/ui"
)

// ReviewList is a page of the list of reviews.
type ReviewList struct {
	Filter      portfolio.ReviewFilter
	Lines       []portfolio.ReviewLine
	Views       portfolio.ReviewViews
	After, Next string
	HasTeam     bool
	Now         time.Time
}

// ReviewsPath is the address of the list of reviews under a filter, after a cursor.
func ReviewsPath(f portfolio.ReviewFilter, after string) string {
	q := url.Values{}
	if f.State != "" {
		q.Set("state", f.State)
	}
	if f.Mine {
		q.Set("mine", "1")
	}
	if after != "" {
		q.Set("after", after)
	}
	return withQuery("/reviews", q)
}

func (l ReviewList) tabs() []ui.Tab {
	tab := func(text string, n int, f portfolio.ReviewFilter) ui.Tab {
		return ui.Tab{Text: text, Count: n, HasCount: true, Href: ReviewsPath(f, ""), Current: l.Filter == f}
	}
	v := l.Views
	return []ui.Tab{
		tab("Open", v.Open, portfolio.ReviewFilter{}), tab("Mine", v.Mine, portfolio.ReviewFilter{Mine: true}),
		tab("Being answered", v.Draft, portfolio.ReviewFilter{State: review.Draft}), tab("To decide", v.Submitted, portfolio.ReviewFilter{State: review.Submitted}),
		tab("Decided", v.Closed, portfolio.ReviewFilter{State: review.Closed}),
		tab("All", v.Open+v.Closed+v.Cancelled, portfolio.ReviewFilter{State: portfolio.AnyState}),
	}
}

// decisionOfReview is the newest decision of a review; empty words when there is none.
func decisionOfReview(l portfolio.ReviewLine, now time.Time) (ui.Kind, string) {
	if l.Outcome == "" {
		return "", ""
	}
	kind, words := decisionStatus(portfolio.Line{Outcome: l.Outcome, ValidUntil: l.ValidUntil}, now)
	if l.Outcome == review.NoGo && l.State == review.Open {
		words = "No-go in the round before"
	}
	return kind, words
}

// openReview is the address of the open review of the whole workload; empty when there is none.
func (w WorkloadPage) openReview() string {
	for _, r := range w.Reviews {
		if r.State == review.Open && r.ChangeKey == "" {
			return "/reviews/" + r.ID.String()
		}
	}
	return ""
}
