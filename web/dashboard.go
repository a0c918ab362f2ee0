package web

import (
	"net/http"
	"strconv"

	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// dashboardRoutes show what workloads have in common.
func dashboardRoutes() []Route {
	return []Route{{"GET", "/dashboard", signedIn(dashboard)}}
}

func dashboard(v *visit) error {
	q := v.r.URL.Query()
	d := views.DashboardPage{Filter: portfolio.DashFilter{TeamKey: q.Get("team"), Set: q.Get("set")}, Now: v.Now()}
	if tier := q.Get("tier"); tier != "" {
		var err error
		if d.Filter.Tier, err = strconv.Atoi(tier); err != nil {
			d.Filter.Tier = -1 // no tier: the page says so
		}
	}
	var err error
	d.Dashboard, err = counted(v, func() (portfolio.Dashboard, error) { return v.Portfolio.Dashboard(v.ctx(), v.who, d.Filter) },
		"dashboard", d.Filter.TeamKey, d.Filter.Tier, d.Filter.Set)
	if err != nil {
		return err
	}
	if d.Teams, err = v.teamsWhere(func(identity.Team) bool { return true }); err != nil {
		return err
	}
	sets, err := v.Library.Sets(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	for _, s := range sets {
		d.Sets = append(d.Sets, ui.Option{Value: s.Key, Text: s.Questionnaire.Name})
	}
	return v.render(http.StatusOK, views.Dashboard(v.page("Dashboard", "/dashboard"), d))
}
