package web

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// upgradeRoutes carry answers on: confirm what was carried, plan, upgrade a running review.
func upgradeRoutes() []Route {
	return []Route{
		{"POST", "/reviews/{id}/q/{set}/{question}/before", signedIn(takeBefore)},
		{"POST", "/reviews/{id}/confirm", signedIn(confirmSection)},
		{"POST", "/reviews/{id}/plan", signedIn(planReview)},
		{"GET", "/reviews/{id}/upgrade", signedIn(upgradePage)},
		{"POST", "/reviews/{id}/upgrade", signedIn(acceptUpgrade)},
	}
}

// takeBefore shows the question with the notes and not-applicable marks of the earlier answer
// filled in, beside what was typed. Nothing is saved.
func takeBefore(v *visit) error {
	q, err := v.question()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	in := readAnswer(q.ID, q.Entry.Questionnaire, q.Entry.Question.ID, form)
	if b := q.Before; b != nil && !b.Hidden {
		takeOver(&in, q, b)
	}
	return v.showQuestion(http.StatusOK, q, views.QuestionForm{AnswerInput: in})
}

// takeOver fills the input with what was not carried; what was typed stays.
func takeOver(in *review.AnswerInput, q review.QuestionPage, b *review.Before) {
	switch {
	case b.Notes == "" || in.Notes == b.Notes:
	case in.Notes == "":
		in.Notes = b.Notes
	default:
		in.Notes += "\n\n" + b.Notes
	}
	if b.NotApplicable && in.Reason == "" {
		in.NotApplicable, in.Reason = true, b.Reason
	}
	for i, id := range b.NAChoices {
		_, asked := q.Entry.Question.Choice(id)
		if asked && !slices.Contains(in.Chosen, id) && !slices.Contains(in.NAChoices, id) {
			in.NAChoices, in.NAReasons = append(in.NAChoices, id), append(in.NAReasons, b.NAReasons[i])
		}
	}
}

func confirmSection(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	in := review.ConfirmInput{ReviewID: id, Questionnaire: form.Get("set"), Section: form.Get("section")}
	in.Round, _ = strconv.Atoi(form.Get("round")) // a round nobody wrote is 0, which is over
	n, err := v.Reviews.ConfirmSection(v.ctx(), v.who, in)
	if err != nil {
		return err
	}
	words := " answers are confirmed. You are their author now."
	if n == 1 {
		words = " answer is confirmed. You are its author now."
	}
	return v.redirect("/reviews/"+id.String(), strconv.Itoa(n)+words)
}

func planReview(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	in := readAgenda(form)
	in.Version, _ = strconv.Atoi(form.Get("version"))
	err = v.Reviews.SaveAgenda(v.ctx(), v.who, id, in)
	if errs, bad := invalid(err); bad {
		return v.showReview(http.StatusUnprocessableEntity, id, &in, "", errs)
	}
	if fault.Is(err, fault.Conflict) {
		return v.showReview(http.StatusConflict, id, &in, fault.MessageOf(err), nil)
	}
	if err != nil {
		return err
	}
	return v.redirect("/reviews/"+id.String(), "The plan is saved.")
}

func upgradePage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	return v.showUpgrade(http.StatusOK, id, "", nil)
}

func (v *visit) showUpgrade(status int, id uuid.UUID, problem string, errs ui.FieldErrors) error {
	u, err := v.Reviews.Upgrade(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	page := views.UpgradePage{Upgrade: u, Problem: problem, MayAccept: v.who.May(identity.AnswerReview, u.Target()) == nil}
	p := v.page("Upgrade the questions of "+u.Workload.Name, "/reviews", reviewCrumbs(u.Review, "Upgrade")...)
	p.Errors = errs
	return v.render(status, views.UpgradeReview(p, page))
}

func acceptUpgrade(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	in := review.UpgradeInput{ReviewID: id, Seen: form.Get("seen")}
	for _, value := range form["versions"] {
		version, err := uuid.Parse(value)
		if err != nil {
			return fault.New(fault.Invalid, "The form names no version. Open the page again.")
		}
		in.Versions = append(in.Versions, version)
	}
	r, err := v.Reviews.AcceptUpgrade(v.ctx(), v.who, in)
	if errs, bad := invalid(err); bad {
		return v.showUpgrade(http.StatusUnprocessableEntity, id, "", errs)
	}
	if fault.Is(err, fault.Conflict) {
		return v.showUpgrade(http.StatusConflict, id, fault.MessageOf(err), nil)
	}
	if err != nil {
		return err
	}
	return v.redirect(r.Path(), "The review is upgraded. What was carried waits to be confirmed.")
}
