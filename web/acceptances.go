package web

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/text"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// acceptanceRoutes list the risk acceptances, ask for one, and judge or end it.
func acceptanceRoutes() []Route {
	return []Route{
		{"GET", "/acceptances", signedIn(acceptanceList)},
		{"GET", "/acceptances/{id}", signedIn(acceptancePage)},
		{"POST", "/acceptances/{id}/grant", signedIn(acceptanceAct)},
		{"POST", "/acceptances/{id}/decline", signedIn(acceptanceAct)},
		{"POST", "/acceptances/{id}/withdraw", signedIn(acceptanceAct)},
		{"POST", "/acceptances/{id}/revoke", signedIn(acceptanceAct)},
		{"POST", "/acceptances/{id}/mend", signedIn(acceptanceAct)},
		{"GET", "/workloads/{key}/acceptances", signedIn(workloadAcceptances)},
		{"POST", "/workloads/{key}/acceptances", signedIn(askAcceptance)},
		{"GET", "/workloads/{key}/acceptances/new", signedIn(newAcceptance)},
	}
}

func acceptanceList(v *visit) error {
	q := v.r.URL.Query()
	l := views.AcceptanceList{View: q.Get("view"), WorkloadKey: text.Clean(q.Get("workload")), After: q.Get("after"), Now: v.Now()}
	var err error
	l.Acceptances, l.Next, err = v.Items.Acceptances(v.ctx(), v.who, remediation.AcceptanceFilter{WorkloadKey: l.WorkloadKey, View: l.View, After: l.After})
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Acceptances(v.page("Risk acceptances", "/acceptances"), l))
}

// workloadAcceptances lists what is asked for, what runs and what is past of one workload.
func workloadAcceptances(v *visit) error {
	w, moved, err := v.workloadByPath("/acceptances")
	if err != nil {
		return err
	}
	if moved != "" {
		return v.movedTo(moved)
	}
	p := views.WorkloadAcceptances{Workload: w, Now: v.Now()}
	for _, part := range []struct {
		view string
		list *[]remediation.Acceptance
	}{{remediation.Asked, &p.Asked}, {remediation.Granted, &p.Running}, {remediation.Ended, &p.Past}} {
		list, next, err := v.Items.Acceptances(v.ctx(), v.who, remediation.AcceptanceFilter{WorkloadKey: w.Key, View: part.view})
		if err != nil {
			return err
		}
		*part.list, p.More = list, p.More || next != ""
	}
	return v.render(http.StatusOK, views.AcceptancesOfWorkload(v.page("Acceptances of "+w.Name, "/workloads", workloadCrumbs(w, "Acceptances")...), p))
}

func newAcceptance(v *visit) error {
	q := v.r.URL.Query()
	return v.showAsk(http.StatusOK, views.AskPage{Question: q.Get("question"), Next: q.Get("next")}, nil)
}

// showAsk shows the form that asks for an acceptance, as it was typed.
func (v *visit) showAsk(status int, f views.AskPage, errs ui.FieldErrors) error {
	var err error
	if f.About, err = v.Reviews.Acceptable(v.ctx(), v.who, v.r.PathValue("key"), f.Question); err != nil {
		return err
	}
	w := f.About.Workload
	if err := v.who.May(identity.AskAcceptance, w.Target()); err != nil {
		return err
	}
	all, err := remediation.AcceptancesOf(v.ctx(), v.DB, w.ID)
	if err != nil {
		return err
	}
	f.Now, f.Bearing = v.Now(), remediation.Bearings(all, v.Now())[f.Question]
	if b := f.Bearing.Running; b != nil && status == http.StatusOK {
		f.Form.Reason, f.Form.Control = b.Reason, b.Control
	}
	p := v.page("Ask to accept a risk of "+w.Name, "/workloads", append(workloadCrumbs(w, "Acceptances")[:2:2],
		ui.Link{Text: "Acceptances", Href: "/workloads/" + w.Key + "/acceptances"}, ui.Link{Text: "Ask"})...)
	p.Errors = errs
	return v.render(status, views.Ask(p, f))
}

func askAcceptance(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f := views.AskPage{Question: form.Get("question"), Next: form.Get("next"), Form: remediation.AskInput{
		Reason: form.Get("reason"), Control: form.Get("control"), Until: form.Get("until"),
	}}
	id, err := v.Reviews.AskAcceptance(v.ctx(), v.who, v.r.PathValue("key"), f.Question, f.Form)
	if errs, ok := invalid(err); ok {
		return v.showAsk(http.StatusUnprocessableEntity, f, errs)
	}
	if err != nil {
		return err
	}
	to := "/acceptances/" + id.String()
	if f.Next != "" {
		to = localPath(f.Next)
	}
	return v.redirect(to, "Asked. An approver who did not ask and did not answer the question grants or declines it.")
}

func acceptancePage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	p, err := v.acceptance(id)
	if err != nil {
		return err
	}
	policy, err := remediation.LoadPolicy(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	p.Form.Until, p.Form.DueOn = p.WantedUntil.Format(time.DateOnly), policy.Due(p.Risk, p.Tier, p.Now).Format(time.DateOnly)
	return v.showAcceptance(http.StatusOK, p, nil)
}

// acceptance reads an acceptance with what the reader may do about it.
func (v *visit) acceptance(id uuid.UUID) (views.AcceptancePage, error) {
	p := views.AcceptancePage{Now: v.Now()}
	var err error
	if p.Acceptance, err = v.Items.Acceptance(v.ctx(), v.who, id); err != nil {
		return p, err
	}
	p.InTeam = v.who.May(identity.AskAcceptance, p.Target()) == nil
	p.CanRevoke = v.who.May(identity.GrantAcceptance, p.Target()) == nil
	switch err := v.Items.MayJudge(v.ctx(), v.who, p.Acceptance); {
	case err == nil:
		p.CanJudge = true
	case fault.Is(err, fault.Forbidden):
		p.WhyNot = fault.MessageOf(err)
	default:
		return p, err
	}
	people, err := identity.PeopleOfTeam(v.ctx(), v.DB, p.TeamID)
	if err != nil {
		return p, err
	}
	p.Owners = options(people)
	all, _, err := v.Items.Acceptances(v.ctx(), v.who, remediation.AcceptanceFilter{WorkloadKey: p.WorkloadKey, View: "all", Limit: 100})
	p.Others = slices.DeleteFunc(all, func(a remediation.Acceptance) bool { return a.Question != p.Question || a.ID == p.ID })
	return p, err
}

func (v *visit) showAcceptance(status int, a views.AcceptancePage, errs ui.FieldErrors) error {
	p := v.page("Acceptance: "+a.Title, "/workloads", ui.Link{Text: "Workloads", Href: "/workloads"}, ui.Link{Text: a.WorkloadName, Href: "/workloads/" + a.WorkloadKey},
		ui.Link{Text: "Acceptances", Href: "/workloads/" + a.WorkloadKey + "/acceptances"}, ui.Link{Text: "Acceptance"})
	p.Errors = errs
	return v.render(status, views.Acceptance(p, a))
}

// acceptanceAct does what the last part of the address says, and shows the page again with
// what was typed when that is refused.
func acceptanceAct(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	act := v.r.URL.Path[len("/acceptances/")+len(v.r.PathValue("id"))+1:]
	to, notice, err := v.actOn(act, id, form)
	if err == nil {
		return v.redirect(to, notice)
	}
	errs, bad := invalid(err)
	if !bad && !fault.Is(err, fault.Conflict) {
		return err
	}
	p, readErr := v.acceptance(id)
	if readErr != nil {
		return readErr
	}
	p.Form = views.AcceptanceForm{
		Until: form.Get("until"), Note: form.Get("note"), DeclineNote: form.Get("decline_note"), RevokeNote: form.Get("revoke_note"),
		Owner: form.Get("owner"), DueOn: form.Get("due_on"),
	}
	if bad {
		return v.showAcceptance(http.StatusUnprocessableEntity, p, errs)
	}
	p.Problem = fault.MessageOf(err)
	return v.showAcceptance(http.StatusConflict, p, nil)
}

func (v *visit) actOn(act string, id uuid.UUID, form url.Values) (to, notice string, err error) {
	var a remediation.Acceptance
	to = "/acceptances/" + id.String()
	switch act {
	case "grant":
		a, err = v.Items.Grant(v.ctx(), v.who, id, remediation.GrantInput{Until: form.Get("until"), Note: form.Get("note")})
		if err == nil {
			notice = "Granted until the end of " + a.Until.Format("2 January 2006") + "."
		}
	case "decline":
		_, err = v.Items.Decline(v.ctx(), v.who, id, form.Get("decline_note"))
		notice = "Declined. The team reads your reason."
	case "withdraw":
		_, err = v.Items.Withdraw(v.ctx(), v.who, id)
		notice = "Withdrawn. The risk stands."
	case "revoke":
		_, err = v.Items.Revoke(v.ctx(), v.who, id, form.Get("revoke_note"))
		notice = "Revoked. The risk stands again."
	default:
		var item uuid.UUID
		item, err = v.Items.MendInstead(v.ctx(), v.who, id, form.Get("owner"), form.Get("due_on"))
		to, notice = "/items/"+item.String(), "The risk has an item now."
	}
	return to, notice, err
}
