package web

import (
	"net/http"

	"orrery/internal/portfolio"
	"orrery/web/views"
)

// reviewListRoutes list the reviews across workloads.
func reviewListRoutes() []Route {
	return []Route{{"GET", "/reviews", signedIn(reviewList)}}
}

func reviewList(v *visit) error {
	q := v.r.URL.Query()
	l := views.ReviewList{
		Filter: portfolio.ReviewFilter{State: q.Get("state"), Mine: q.Get("mine") == "1"}, After: q.Get("after"), HasTeam: len(v.who.Teams) > 0, Now: v.Now(),
	}
	var err error
	if l.Lines, l.Next, err = v.Portfolio.Reviews(v.ctx(), v.who, l.Filter, l.After); err != nil {
		return err
	}
	if l.Views, err = counted(v, func() (portfolio.ReviewViews, error) { return v.Portfolio.ReviewViews(v.ctx(), v.who) }, "reviews"); err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Reviews(v.page("Reviews", "/reviews"), l))
}
