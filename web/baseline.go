package web

import (
	"net/http"
	"time"

	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// baselineRoutes show what fails by control, from which people choose what to track.
func baselineRoutes() []Route {
	return []Route{
		{"GET", "/workloads/{key}/evidence/baseline", signedIn(baselinePage)},
		{"POST", "/workloads/{key}/evidence/baseline", signedIn(trackFailures)},
	}
}

func baselinePage(v *visit) error {
	b, moved, err := v.baseline("/evidence/baseline")
	if moved != "" {
		return v.movedTo(moved)
	}
	if err != nil {
		return err
	}
	policy, err := remediation.LoadPolicy(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	b.Owner, b.DueOn = v.who.PersonID.String(), policy.Due("medium", b.Workload.Tier, v.Now()).Format(time.DateOnly)
	return v.showBaseline(http.StatusOK, b, nil)
}

// baseline reads what fails, and who may own the work.
func (v *visit) baseline(tail string) (b views.BaselinePage, moved string, err error) {
	w, moved, err := v.workloadByPath(tail)
	if err != nil || moved != "" {
		return b, moved, err
	}
	b = views.BaselinePage{Workload: w, CanRead: v.who.CanReadFindings(w.Target()), CanTrack: v.who.May(identity.WorkItems, w.Target()) == nil, Now: v.Now(), Who: v.who}
	if b.CanRead {
		if b.Failures, err = v.Evidence.Failures(v.ctx(), v.who, w.ID); err != nil {
			return b, "", err
		}
	}
	people, err := identity.PeopleOfTeam(v.ctx(), v.DB, w.TeamID)
	b.Owners = options(people)
	return b, "", err
}

func (v *visit) showBaseline(status int, b views.BaselinePage, errs ui.FieldErrors) error {
	p := v.page("What fails in "+b.Workload.Name, "/workloads", workloadCrumbs(b.Workload, "Evidence")...)
	p.Errors = errs
	return v.render(status, views.Baseline(p, b))
}

// trackFailures opens an item for each failure that is ticked.
func trackFailures(v *visit) error {
	b, _, err := v.baseline("")
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	b.Chosen, b.Owner, b.DueOn = form["failure"], form.Get("owner"), form.Get("due_on")
	n, err := v.Evidence.Track(v.ctx(), v.who, b.Workload.ID, evidence.TrackInput{Keys: b.Chosen, OwnerID: b.Owner, DueOn: b.DueOn})
	if errs, ok := invalid(err); ok {
		return v.showBaseline(http.StatusUnprocessableEntity, b, errs)
	}
	if fault.Is(err, fault.Conflict) {
		return v.problem(http.StatusConflict, "Nothing is tracked", fault.MessageOf(err))
	}
	if err != nil {
		return err
	}
	return v.redirect("/workloads/"+b.Workload.Key+"/evidence/baseline", views.TrackedWords(n))
}
