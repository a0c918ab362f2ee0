package web

import (
	"net/http"

	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/text"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// evidenceRoutes show what evidence says of a workload, and collect it.
func evidenceRoutes() []Route {
	return []Route{
		{"GET", "/workloads/{key}/evidence", signedIn(evidencePage)},
		{"POST", "/workloads/{key}/evidence/runs", signedIn(startRun)},
		{"GET", "/runs/{id}", signedIn(runPage)},
		{"GET", "/runs/{id}/progress", signedIn(runProgress)},
		{"POST", "/runs/{id}/cancel", signedIn(cancelRun)},
	}
}

func evidencePage(v *visit) error {
	w, moved, err := v.workloadByPath("/evidence")
	if err != nil {
		return err
	}
	if moved != "" {
		return v.movedTo(moved)
	}
	q := v.r.URL.Query()
	e := views.EvidencePage{
		Workload: w, View: q.Get("view"), Verdict: readVerdict(q.Get("verdict")), Now: v.Now(), After: q.Get("after"), CanRead: v.who.CanReadFindings(w.Target()),
		CanCollect: v.who.May(identity.CollectEvidence, w.Target()) == nil, CanEdit: v.mayEdit(w),
		Filter: evidence.FactFilter{
			Source: text.Clean(q.Get("source")), Control: text.Clean(q.Get("control")), State: evidence.FactState(text.Clean(q.Get("state"))),
			Account: text.Clean(q.Get("account")), Region: text.Clean(q.Get("region")),
		},
	}
	if e.Evidence, err = v.Portfolio.Evidence(v.ctx(), v.who, w.ID); err != nil {
		return err
	}
	if e.Removed, err = evidence.RemovedAccounts(v.ctx(), v.DB, w.Production.Accounts); err != nil {
		return err
	}
	if e.CanRead && e.View == views.EvidenceFacts {
		if e.Facts, err = v.Evidence.Facts(v.ctx(), v.who, w.ID, e.Filter, e.After); err != nil {
			return err
		}
	}
	if e.CanRead {
		next := ""
		if e.Own, next, err = v.Evidence.Own(v.ctx(), v.who, w.ID, evidence.OwnFilter{Limit: 100}); err != nil {
			return err
		}
		e.MoreOwn = next != ""
	}
	return v.render(http.StatusOK, views.Evidence(v.page("Evidence of "+w.Name, "/workloads", workloadCrumbs(w, "Evidence")...), e))
}

// readVerdict reads the verdict that the shown checks are to have; anything else is all.
func readVerdict(typed string) evidence.State {
	switch s := evidence.State(typed); s {
	case evidence.Contradicts, evidence.Mixed, evidence.CannotTell, evidence.Stale, evidence.Supports:
		return s
	}
	return ""
}

// startRun starts a collection, or joins the one that is going on.
func startRun(v *visit) error {
	w, _, err := v.workloadByPath("")
	if err != nil {
		return err
	}
	run, joined, err := v.Evidence.StartRun(v.ctx(), v.who, w.ID)
	if fault.Is(err, fault.Conflict) {
		return v.problem(http.StatusConflict, "Nothing can be collected yet", fault.MessageOf(err))
	}
	if err != nil {
		return err
	}
	notice := "The collection is started."
	if joined {
		notice = "A collection was going on already. This is it."
	}
	return v.redirect("/runs/"+run.ID.String(), notice)
}

func (v *visit) run() (views.RunPage, error) {
	id, err := v.pathID("id")
	if err != nil {
		return views.RunPage{}, err
	}
	r := views.RunPage{Now: v.Now()}
	if r.Run, err = v.Evidence.Run(v.ctx(), v.who, id); err != nil {
		return r, err
	}
	r.Workload, err = workload.Load(v.ctx(), v.DB, v.who, r.Run.WorkloadID)
	r.CanCancel = r.Run.State == evidence.Running && v.who.May(identity.CollectEvidence, r.Workload.Target()) == nil
	return r, err
}

// cancelRun stops a run; what was read by then counts.
func cancelRun(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	err = v.Evidence.CancelRun(v.ctx(), v.who, id)
	if fault.Is(err, fault.Conflict) {
		return v.redirect("/runs/"+id.String(), "The collection was over already.")
	}
	if err != nil {
		return err
	}
	return v.redirect("/runs/"+id.String(), "The collection is stopped. What was read by then counts.")
}

func runPage(v *visit) error {
	r, err := v.run()
	if err != nil {
		return err
	}
	p := v.page("Collection of evidence for "+r.Workload.Name, "/workloads", ui.Link{Text: "Workloads", Href: "/workloads"},
		ui.Link{Text: r.Workload.Name, Href: "/workloads/" + r.Workload.Key}, ui.Link{Text: "Evidence", Href: "/workloads/" + r.Workload.Key + "/evidence"}, ui.Link{Text: "Collection"})
	if r.Run.State == evidence.Running {
		p.Refresh = 3
	}
	return v.render(http.StatusOK, views.Run(p, r))
}

// runProgress answers the part of a run's page that asks for itself.
func runProgress(v *visit) error {
	r, err := v.run()
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.RunFragment(r))
}
