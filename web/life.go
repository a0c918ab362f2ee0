package web

import (
	"net/http"
	"net/url"
	"strconv"

	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// lifeRoutes retire a workload and bring it back, move it to another team, and cancel a
// review. Each page shows first what would happen.
func lifeRoutes() []Route {
	return []Route{
		{"GET", "/workloads/{key}/retire", signedIn(showLife("retire"))},
		{"POST", "/workloads/{key}/retire", signedIn(postLife("retire", retireWorkload))},
		{"POST", "/workloads/{key}/bring-back", signedIn(postLife("retire", bringBack))},
		{"GET", "/workloads/{key}/move", signedIn(showLife("move"))},
		{"POST", "/workloads/{key}/move", signedIn(postLife("move", moveWorkload))},
		{"GET", "/reviews/{id}/cancel", signedIn(cancelPage)},
		{"POST", "/reviews/{id}/cancel", signedIn(cancelReview)},
	}
}

// lifeActions are the rights that the pages need.
var lifeActions = map[string]identity.Action{"retire": identity.RetireWorkload, "move": identity.MoveWorkload}

func showLife(page string) handler {
	return func(v *visit) error {
		w, moved, err := v.workloadByPath("/" + page)
		if err != nil {
			return err
		}
		if err := v.who.May(lifeActions[page], w.Target()); err != nil {
			return err
		}
		if moved != "" {
			return v.movedTo(moved)
		}
		return v.lifePage(http.StatusOK, page, w, review.LifeInput{Version: w.Version}, nil)
	}
}

// lifePage shows what the act would do to the workload as it is now, with the form as it
// was typed.
func (v *visit) lifePage(status int, page string, w workload.Workload, in review.LifeInput, errs ui.FieldErrors) error {
	p := views.LifePage{Workload: w, Input: in, Now: v.Now()}
	reviews, err := v.Reviews.OfWorkload(v.ctx(), w.ID)
	if err != nil {
		return err
	}
	for _, r := range reviews {
		if r.State == review.Open {
			p.Reviews = append(p.Reviews, r)
		}
	}
	items, err := remediation.OfWorkload(v.ctx(), v.DB, w.ID)
	if err != nil {
		return err
	}
	for _, it := range items {
		switch {
		case it.State == remediation.Closed:
			p.Closed++
		case !it.Finished():
			p.Items = append(p.Items, it)
		}
	}
	acceptances, err := remediation.AcceptancesOf(v.ctx(), v.DB, w.ID)
	if err != nil {
		return err
	}
	for _, a := range acceptances {
		if state := a.StateAt(v.Now()); state == remediation.Asked || state == remediation.Granted {
			p.Acceptances++
		}
	}
	run, found, err := evidence.LatestRun(v.ctx(), v.DB, w.ID)
	if err != nil {
		return err
	}
	p.Collecting = found && run.State == evidence.Running
	if page == "move" {
		if p.Teams, err = v.teamsWhere(func(t identity.Team) bool { return t.ID != w.TeamID }); err != nil {
			return err
		}
		frame := v.page("Move "+w.Name, "/workloads", workloadCrumbs(w, "Move")...)
		frame.Errors = errs
		return v.render(status, views.MoveWorkload(frame, p))
	}
	title := "Retire "
	if w.Stage == workload.Retired {
		title = "Bring back "
	}
	frame := v.page(title+w.Name, "/workloads", workloadCrumbs(w, title)...)
	frame.Errors = errs
	return v.render(status, views.RetireWorkload(frame, p))
}

// postLife makes the handler of an act on the life of a workload; act returns where it
// leads and what it says there.
func postLife(page string, act func(v *visit, w workload.Workload, in review.LifeInput) (to, notice string, err error)) handler {
	return func(v *visit) error {
		w, _, err := v.workloadByPath("")
		if err != nil {
			return err
		}
		form, err := v.form()
		if err != nil {
			return err
		}
		in := readLife(form)
		to, notice, err := act(v, w, in)
		errs, bad := invalid(err)
		switch {
		case bad:
			return v.lifePage(http.StatusUnprocessableEntity, page, w, in, errs)
		case fault.Is(err, fault.Conflict):
			if w, err := workload.Load(v.ctx(), v.DB, v.who, w.ID); err == nil {
				in.Version = w.Version
				return v.lifePage(http.StatusConflict, page, w, in, ui.FieldErrors{{Message: lifeWords(w)}})
			}
			return err
		case err != nil:
			return err
		}
		return v.redirect(to, notice)
	}
}

func lifeWords(w workload.Workload) string {
	return w.Name + " changed since you opened this page. What would happen now stands below, with what you typed."
}

func readLife(form url.Values) review.LifeInput {
	version, _ := strconv.Atoi(form.Get("version")) // a version nobody wrote is 0, which is stale
	return review.LifeInput{Version: version, Reason: form.Get("reason"), Stage: form.Get("stage"), TeamKey: form.Get("team")}
}

func retireWorkload(v *visit, w workload.Workload, in review.LifeInput) (to, notice string, err error) {
	done, err := v.Reviews.Retire(v.ctx(), v.who, w.ID, in)
	return "/workloads/" + w.Key, w.Name + " is retired. " + views.RetiredWords(done), err
}

func bringBack(v *visit, w workload.Workload, in review.LifeInput) (to, notice string, err error) {
	items, err := v.Reviews.BringBack(v.ctx(), v.who, w.ID, in)
	return "/workloads/" + w.Key, w.Name + " is back as " + in.Stage + ". " + views.BackWords(items), err
}

// moveWorkload leads to the workload, or to the list for who no longer sees it.
func moveWorkload(v *visit, w workload.Workload, in review.LifeInput) (to, notice string, err error) {
	returned, err := v.Reviews.Move(v.ctx(), v.who, w.ID, in)
	if err != nil {
		return "", "", err
	}
	to = "/workloads/" + w.Key
	if _, err := workload.Load(v.ctx(), v.DB, v.who, w.ID); fault.Is(err, fault.NotFound) {
		to = "/workloads"
	}
	return to, w.Name + " has moved. " + views.MovedWords(returned), nil
}

func cancelPage(v *visit) error {
	r, err := v.reviewToCancel()
	if err != nil {
		return err
	}
	return v.showCancel(http.StatusOK, r, "", nil)
}

// reviewToCancel reads the review of the path for who may cancel it.
func (v *visit) reviewToCancel() (review.Review, error) {
	id, err := v.pathID("id")
	if err != nil {
		return review.Review{}, err
	}
	sheet, err := v.Reviews.Sheet(v.ctx(), v.who, id)
	if err != nil {
		return review.Review{}, err
	}
	if err := v.who.May(identity.CancelReview, sheet.Target()); err != nil {
		return review.Review{}, err
	}
	if sheet.State != review.Open {
		return review.Review{}, fault.New(fault.Conflict, "This review is %s already.", sheet.State)
	}
	return sheet.Review, nil
}

func (v *visit) showCancel(status int, r review.Review, reason string, errs ui.FieldErrors) error {
	frame := v.page("Cancel "+r.Title(), "/reviews", ui.Link{Text: "Workloads", Href: "/workloads"},
		ui.Link{Text: r.Workload.Name, Href: "/workloads/" + r.Workload.Key}, ui.Link{Text: r.Title(), Href: r.Path()}, ui.Link{Text: "Cancel"})
	frame.Errors = errs
	return v.render(status, views.CancelReview(frame, views.CancelPage{Review: r, Reason: reason}))
}

func cancelReview(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	r, err := v.Reviews.Cancel(v.ctx(), v.who, id, form.Get("reason"))
	if errs, bad := invalid(err); bad {
		if r, err = v.reviewToCancel(); err != nil {
			return err
		}
		return v.showCancel(http.StatusUnprocessableEntity, r, form.Get("reason"), errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/workloads/"+r.Workload.Key, r.Title()+" is cancelled. Its answers stay to be read.")
}
