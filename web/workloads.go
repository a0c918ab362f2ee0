package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/remediation"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// workloadRoutes list the workloads, show one, add and change them.
func workloadRoutes() []Route {
	return []Route{
		{"GET", "/workloads", signedIn(workloadList)},
		{"GET", "/workloads.csv", signedIn(workloadCSV)},
		{"GET", "/workloads/new", signedIn(newWorkload)},
		{"POST", "/workloads", signedIn(createWorkload)},
		{"GET", "/workloads/{key}", signedIn(workloadPage)},
		{"GET", "/workloads/{key}/edit", signedIn(editWorkload)},
		{"POST", "/workloads/{key}/edit", signedIn(updateWorkload)},
	}
}

// readWorkloadFilter reads the filter of the list from the address.
func readWorkloadFilter(q url.Values) portfolio.Filter {
	f := portfolio.Filter{
		Text: q.Get("name"), TeamKey: q.Get("team"), Stage: q.Get("stage"), Decision: q.Get("decision"), Sort: q.Get("sort"),
		Mine: q.Get("mine") == "1", Highs: q.Get("highs") == "1", Overdue: q.Get("overdue") == "1",
		Ending: q.Get("acceptances") == "ending",
	}
	if tier := q.Get("tier"); tier != "" {
		var err error
		if f.Tier, err = strconv.Atoi(tier); err != nil {
			f.Tier = -1 // no tier: the list says so
		}
	}
	return f
}

func workloadList(v *visit) error {
	q := v.r.URL.Query()
	l := views.WorkloadList{Filter: readWorkloadFilter(q), After: q.Get("after"), CanCreate: views.MayCreate(v.who), CanImport: v.who.Is(identity.Admin), Now: v.Now()}
	var err error
	if l.Lines, l.Next, err = v.Portfolio.Workloads(v.ctx(), v.who, l.Filter, l.After); err != nil {
		return err
	}
	if l.Views, err = counted(v, func() (portfolio.Views, error) { return v.Portfolio.Views(v.ctx(), v.who) }, "workloads"); err != nil {
		return err
	}
	if l.Teams, err = v.teamsWhere(func(identity.Team) bool { return true }); err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Workloads(v.page("Workloads", "/workloads"), l))
}

// teamsWhere lists the teams that keep accepts, by name.
func (v *visit) teamsWhere(keep func(identity.Team) bool) ([]ui.Option, error) {
	teams, err := v.Identity.Teams(v.ctx(), v.who)
	if err != nil {
		return nil, err
	}
	var list []ui.Option
	for _, t := range teams {
		if keep(t) {
			list = append(list, ui.Option{Value: t.Key, Text: t.Name})
		}
	}
	return list, nil
}

// workloadByPath reads the workload that the address names. When it names an old key, moved
// is the address that a page answers with instead.
func (v *visit) workloadByPath(rest string) (w workload.Workload, moved string, err error) {
	key := v.r.PathValue("key")
	w, err = v.Workloads.ByKey(v.ctx(), v.who, key)
	if err == nil && w.Key != key {
		moved = "/workloads/" + w.Key + rest
		if v.r.URL.RawQuery != "" {
			moved += "?" + v.r.URL.RawQuery
		}
	}
	return w, moved, err
}

// movedTo answers that an address has changed for good.
func (v *visit) movedTo(to string) error {
	v.w.Header().Set("Cache-Control", "no-store") // a key may be taken back
	http.Redirect(v.w, v.r, to, http.StatusTemporaryRedirect)
	return nil
}

func workloadCrumbs(w workload.Workload, here string) []ui.Link {
	if here == "" {
		return []ui.Link{{Text: "Workloads", Href: "/workloads"}, {Text: w.Name}}
	}
	return []ui.Link{{Text: "Workloads", Href: "/workloads"}, {Text: w.Name, Href: "/workloads/" + w.Key}, {Text: here}}
}

func workloadPage(v *visit) error {
	w, moved, err := v.workloadByPath("")
	if err != nil {
		return err
	}
	if moved != "" {
		return v.movedTo(moved)
	}
	p := views.WorkloadPage{
		Workload: w, Now: v.Now(), CanEdit: v.mayEdit(w), CanStart: v.who.May(identity.StartReview, w.Target()) == nil,
		CanCollect: v.who.May(identity.CollectEvidence, w.Target()) == nil && w.Stage != workload.Retired,
		CanRetire:  v.who.May(identity.RetireWorkload, w.Target()) == nil, CanMove: v.who.May(identity.MoveWorkload, w.Target()) == nil,
	}
	if p.Gate, err = v.Reviews.Launch(v.ctx(), v.who, w.Key, ""); err != nil {
		return err
	}
	if err := v.readLaunch(&p, w); err != nil {
		return err
	}
	if p.Reviews, err = v.Reviews.OfWorkload(v.ctx(), w.ID); err != nil {
		return err
	}
	items, err := remediation.OfWorkload(v.ctx(), v.DB, w.ID)
	if err != nil {
		return err
	}
	for _, it := range items {
		if !it.Finished() {
			p.Items = append(p.Items, it)
		}
	}
	if p.Acceptances, err = remediation.AcceptancesOf(v.ctx(), v.DB, w.ID); err != nil {
		return err
	}
	if p.Decided, p.Turned, err = v.Reviews.EvidenceSince(v.ctx(), v.who, w.ID); err != nil {
		return err
	}
	if p.Evidence, err = v.Portfolio.Evidence(v.ctx(), v.who, w.ID); err != nil {
		return err
	}
	if p.FollowUps, err = v.Incidents.FollowUpsOfWorkload(v.ctx(), v.who, w.ID); err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Workload(v.page(w.Name, "/workloads", workloadCrumbs(w, "")...), p))
}

// mayEdit reports whether the reader may open the form of a workload: its team, and its
// approvers, who may lower its tier.
func (v *visit) mayEdit(w workload.Workload) bool {
	return v.who.May(identity.EditWorkload, w.Target()) == nil || v.who.Approves(w.ID)
}

func newWorkload(v *visit) error {
	f := views.WorkloadForm{Team: v.r.URL.Query().Get("team"), Stage: workload.Planned}
	return v.showNewWorkload(http.StatusOK, f, nil)
}

func (v *visit) showNewWorkload(status int, f views.WorkloadForm, errs ui.FieldErrors) error {
	if !views.MayCreate(v.who) {
		return fault.New(fault.Forbidden, "Members of a team add its workloads, and you are in no team yet. An admin adds you to one.")
	}
	var err error
	f.Teams, err = v.teamsWhere(func(t identity.Team) bool {
		return v.who.May(identity.CreateWorkload, identity.Target{TeamID: t.ID}) == nil
	})
	if err != nil {
		return err
	}
	if len(f.Teams) == 1 && f.Team == "" {
		f.Team = f.Teams[0].Value
	}
	p := v.page("Add a workload", "/workloads", ui.Link{Text: "Workloads", Href: "/workloads"}, ui.Link{Text: "Add a workload"})
	p.Errors = errs
	return v.render(status, views.WorkloadEdit(p, f))
}

// readWorkloadForm reads what was typed.
func readWorkloadForm(form url.Values) views.WorkloadForm {
	return views.WorkloadForm{
		Key: form.Get("key"), Name: form.Get("name"), Description: form.Get("description"), Team: form.Get("team"), Tier: form.Get("tier"),
		Stage: form.Get("stage"), Restricted: form.Get("restricted") != "", LaunchOn: form.Get("launch_on"), Accounts: form.Get("accounts"),
		Regions: form.Get("regions"), Tags: form.Get("tags"), ApplicationARN: form.Get("application_arn"), WAWorkloads: form.Get("wa_workloads"), Version: form.Get("version"),
	}
}

// workloadInput is the form as the service takes it.
func workloadInput(f views.WorkloadForm) workload.Input {
	tier, _ := strconv.Atoi(f.Tier) // anything but a number is tier 0, which the service refuses
	return workload.Input{
		Key: f.Key, Name: f.Name, Description: f.Description, TeamKey: f.Team, Tier: tier, Stage: f.Stage, Restricted: f.Restricted,
		LaunchOn: f.LaunchOn, Accounts: splitList(f.Accounts, true), Regions: splitList(f.Regions, true), Tags: splitList(f.Tags, false),
		ApplicationARN: f.ApplicationARN, WAWorkloads: strings.FieldsFunc(f.WAWorkloads, func(r rune) bool { return r == '\n' || r == '\r' }),
	}
}

// splitList parts what was typed at commas and lines, and at spaces where an entry holds none.
func splitList(typed string, spaces bool) []string {
	return strings.FieldsFunc(typed, func(r rune) bool {
		return r == ',' || r == ';' || r == '\n' || r == '\r' || spaces && (r == ' ' || r == '\t' || r == '\u00a0')
	})
}

func createWorkload(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f := readWorkloadForm(form)
	w, err := v.Workloads.Create(v.ctx(), v.who, workloadInput(f))
	if errs, ok := invalid(err); ok {
		return v.showNewWorkload(http.StatusUnprocessableEntity, f, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/workloads/"+w.Key, w.Name+" is added.")
}

func editWorkload(v *visit) error {
	w, moved, err := v.workloadByPath("/edit")
	if err != nil {
		return err
	}
	if !v.mayEdit(w) {
		return v.who.May(identity.EditWorkload, w.Target())
	}
	if moved != "" {
		return v.movedTo(moved)
	}
	return v.showEditWorkload(http.StatusOK, views.FormOf(w), w, nil)
}

func (v *visit) showEditWorkload(status int, f views.WorkloadForm, w workload.Workload, errs ui.FieldErrors) error {
	var err error
	f.Stored = &w
	f.TierOnly = v.who.May(identity.EditWorkload, w.Target()) != nil
	if f.Teams, err = v.teamsWhere(func(identity.Team) bool { return true }); err != nil {
		return err
	}
	p := v.page("Edit "+w.Name, "/workloads", workloadCrumbs(w, "Edit")...)
	p.Errors = errs
	return v.render(status, views.WorkloadEdit(p, f))
}

// typedWorkload reads the form of a stored workload. That of an approver from outside its team
// has the tier alone.
func (v *visit) typedWorkload(form url.Values, w workload.Workload) views.WorkloadForm {
	f := readWorkloadForm(form)
	if v.who.May(identity.EditWorkload, w.Target()) != nil {
		tier, seen := f.Tier, f.Version
		f = views.FormOf(w)
		f.Tier, f.Version = tier, seen
	}
	return f
}

func updateWorkload(v *visit) error {
	w, _, err := v.workloadByPath("")
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	f := v.typedWorkload(form, w)
	version, _ := strconv.Atoi(f.Version) // a version nobody wrote is 0, which is stale
	saved, err := v.Workloads.Update(v.ctx(), v.who, w.ID, version, workloadInput(f))
	if errs, ok := invalid(err); ok {
		return v.showEditWorkload(http.StatusUnprocessableEntity, f, w, errs)
	}
	if fault.Is(err, fault.Conflict) {
		if w, err = workload.Load(v.ctx(), v.DB, v.who, w.ID); err != nil {
			return err
		}
		f = v.typedWorkload(form, w)
		f.Conflict, f.Version = "Somebody changed this workload since you opened it. Your input is still here.", strconv.Itoa(w.Version)
		return v.showEditWorkload(http.StatusConflict, f, w, nil)
	}
	if err != nil {
		return err
	}
	return v.redirect("/workloads/"+saved.Key, saved.Name+" is changed.")
}
