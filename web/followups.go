package web

import (
	"net/http"
	"strconv"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// followUpRoutes show one question that a lesson asks of a workload, and take its answer.
func followUpRoutes() []Route {
	return []Route{
		{"GET", "/follow-ups/{id}", signedIn(followUpPage)},
		{"POST", "/follow-ups/{id}", signedIn(answerFollowUp)},
	}
}

func (v *visit) followUp() (incident.FollowUp, error) {
	id, err := v.pathID("id")
	if err != nil {
		return incident.FollowUp{}, err
	}
	return v.Incidents.FollowUp(v.ctx(), v.who, id)
}

func followUpPage(v *visit) error {
	f, err := v.followUp()
	if err != nil {
		return err
	}
	return v.showFollowUp(http.StatusOK, views.FollowUpPage{FollowUp: f, Form: views.StoredFollowUp(f)}, nil)
}

func (v *visit) showFollowUp(status int, p views.FollowUpPage, errs ui.FieldErrors) error {
	p.Now, p.CanAnswer = v.Now(), v.who.May(identity.AnswerFollowUp, p.Target()) == nil
	frame := v.page(p.Question.Title, "/workloads", ui.Link{Text: "Workloads", Href: "/workloads"}, ui.Link{Text: p.WorkloadName, Href: "/workloads/" + p.WorkloadKey}, ui.Link{Text: "Follow-up"})
	frame.Errors = errs
	return v.render(status, views.FollowUp(frame, p))
}

func answerFollowUp(v *visit) error {
	f, err := v.followUp()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	in := incident.FollowAnswer{Chosen: form["choice"], Unknown: form.Get("unknown") != "", NotApplicable: form.Get("not_applicable") != "", Note: form.Get("note")}
	in.Version, _ = strconv.Atoi(form.Get("version")) // a version nobody wrote is 0, which is stale
	after, err := v.Incidents.Answer(v.ctx(), v.who, f.ID, in)
	p := views.FollowUpPage{FollowUp: f, Form: in}
	if errs, bad := invalid(err); bad {
		return v.showFollowUp(http.StatusUnprocessableEntity, p, errs)
	}
	if fault.Is(err, fault.Conflict) {
		p.Conflict, p.Form.Version = fault.MessageOf(err), f.Version
		return v.showFollowUp(http.StatusConflict, p, nil)
	}
	if err != nil {
		return err
	}
	if after.Risk.CountsAsHigh() {
		return v.redirect(f.Path(), "The answer is saved. It is a high, so an item is opened for the lead of the team.")
	}
	return v.redirect(f.Path(), "The answer is saved: "+after.Risk.Label()+".")
}
