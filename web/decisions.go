package web

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// decisionRoutes submit a round, sign it off and decide it.
func decisionRoutes() []Route {
	return []Route{
		{"GET", "/reviews/{id}/check", signedIn(checkPage)},
		{"POST", "/reviews/{id}/submit", signedIn(submitReview)},
		{"POST", "/reviews/{id}/withdraw", signedIn(withdrawReview)},
		{"GET", "/reviews/{id}/decide", signedIn(decidePage)},
		{"POST", "/reviews/{id}/sign-off", signedIn(signOff)},
		{"POST", "/reviews/{id}/decision", signedIn(decide)},
	}
}

func checkPage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	return v.showCheck(http.StatusOK, id, nil, nil, "")
}

// showCheck shows the page before submission with the first steps as typed, or as proposed:
// the owner of an open item of the same question or whoever answered, and the policy's date.
func (v *visit) showCheck(status int, id uuid.UUID, typed map[string]review.FirstStep, errs ui.FieldErrors, problem string) error {
	sheet, err := v.Reviews.Sheet(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	people, err := identity.PeopleOfTeam(v.ctx(), v.DB, sheet.Workload.TeamID)
	if err != nil {
		return err
	}
	c := views.CheckPage{
		Sheet: sheet, Owners: options(people), Steps: typed, Errors: errs, Problem: problem,
		MaySubmt: v.who.May(identity.SubmitReview, sheet.Target()) == nil,
	}
	if typed == nil {
		if c.Steps, err = v.proposedSteps(sheet); err != nil {
			return err
		}
	}
	p := v.page("Check answers of "+sheet.Workload.Name, "/reviews", reviewCrumbs(sheet.Review, "Check answers")...)
	p.Errors = c.Named()
	return v.render(status, views.Check(p, c))
}

func (v *visit) proposedSteps(sheet review.Sheet) (map[string]review.FirstStep, error) {
	items, err := remediation.OfWorkload(v.ctx(), v.DB, sheet.Workload.ID)
	if err != nil {
		return nil, err
	}
	policy, err := remediation.LoadPolicy(v.ctx(), v.DB)
	if err != nil {
		return nil, err
	}
	steps := map[string]review.FirstStep{}
	for _, e := range sheet.Highs() {
		step := review.FirstStep{DueOn: policy.Due("high", sheet.Tier, v.Now()).Format(time.DateOnly)}
		if e.Answer.SavedByID != nil {
			step.OwnerID = e.Answer.SavedByID.String()
		}
		if e.AskedToAccept() != nil {
			step = review.FirstStep{} // it needs none
		}
		for _, it := range items {
			if it.CauseKind == remediation.CauseQuestion && it.CauseKey == e.Key() && !it.Finished() {
				step.DueOn = it.DueOn.Format(time.DateOnly)
				if it.OwnerID != uuid.Nil {
					step.OwnerID = it.OwnerID.String()
				}
			}
		}
		steps[e.Key()] = step
	}
	return steps, nil
}

func submitReview(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	sheet, err := v.Reviews.Sheet(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	steps := map[string]review.FirstStep{}
	for _, e := range sheet.Highs() {
		steps[e.Key()] = review.FirstStep{OwnerID: form.Get(review.FieldName("owner", e.Key())), DueOn: form.Get(review.FieldName("due_on", e.Key()))}
	}
	_, err = v.Reviews.Submit(v.ctx(), v.who, review.SubmitInput{ReviewID: id, Steps: steps})
	if errs, ok := invalid(err); ok {
		return v.showCheck(http.StatusUnprocessableEntity, id, steps, errs, "")
	}
	if fault.Is(err, fault.Conflict) {
		return v.showCheck(http.StatusConflict, id, steps, nil, fault.MessageOf(err))
	}
	if err != nil {
		return err
	}
	return v.redirect(sheet.Path(), "Submitted. The answers are frozen, and an approver who answered nothing can decide.")
}

func withdrawReview(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	r, err := v.Reviews.Withdraw(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	return v.redirect(r.Path(), "Withdrawn. The round is a draft again, and earlier sign-offs no longer count.")
}

func decidePage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	return v.showDecide(http.StatusOK, id, review.DecideInput{}, review.SignOffInput{}, nil, nil)
}

const blankConditions = 1

func (v *visit) showDecide(status int, id uuid.UUID, in review.DecideInput, voice review.SignOffInput, errs ui.FieldErrors, conflict error) error {
	readout, err := v.Reviews.Readout(v.ctx(), v.who, id)
	if fault.Is(err, fault.Conflict) && v.r.Method == http.MethodGet {
		return v.redirect("/reviews/"+id.String()+"/record", fault.MessageOf(err))
	}
	if err != nil {
		return err
	}
	for len(in.Conditions) < blankConditions {
		in.Conditions = append(in.Conditions, review.ConditionInput{})
	}
	d := views.DecidePage{
		Readout: readout, Form: in, SignOff: voice, Errors: errs, Now: v.Now(),
		ValidTill: v.Now().AddDate(0, 0, readout.ValidDays), Missing: readout.Missing(!v.who.InTeam(readout.Workload.TeamID)),
	}
	d.Problem, d.Differences = conflictWords(conflict)
	d.CanJudge, d.WhyNot = v.canJudge(readout.Review)
	d.MayWithdraw = v.who.May(identity.SubmitReview, readout.Target()) == nil
	if d.Items, err = remediation.OfWorkload(v.ctx(), v.DB, readout.Workload.ID); err != nil {
		return err
	}
	if d.Since, err = v.Reviews.SinceDecision(v.ctx(), v.who, readout); err != nil {
		return err
	}
	if d.Again, err = v.Reviews.SinceSubmission(v.ctx(), readout); err != nil {
		return err
	}
	people, err := identity.PeopleOfTeam(v.ctx(), v.DB, readout.Workload.TeamID)
	if err != nil {
		return err
	}
	d.Owners = options(people)
	p := v.page("Decide on "+readout.Workload.Name, "/reviews", reviewCrumbs(readout.Review, "Decide")...)
	p.Errors = errs
	return v.render(status, views.Decide(p, d))
}

// conflictWords say why a voice or a decision was not taken, and what changed since it was
// written.
func conflictWords(err error) (problem string, differences []string) {
	var stale *review.StaleReadout
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &stale) && len(stale.Differences) > 0:
		return "This changed since you read it. Your input is still here.", stale.Differences
	}
	return fault.MessageOf(err), nil
}

// canJudge says whether the reader may sign off and decide, and why not.
func (v *visit) canJudge(r review.Review) (bool, string) {
	if err := v.who.May(identity.Judge, r.Target()); err != nil {
		return false, fault.MessageOf(err)
	}
	if r.AuthoredByActor {
		return false, "You saved answers in this round, so you may not sign off or decide it. Another approver must."
	}
	return true, ""
}

func signOff(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	in := review.SignOffInput{ReviewID: id, Content: form.Get("content"), Seen: form.Get("seen"), Voice: form.Get("voice"), Note: form.Get("note")}
	err = v.Reviews.SignOff(v.ctx(), v.who, in)
	if errs, ok := invalid(err); ok {
		return v.showDecide(http.StatusUnprocessableEntity, id, review.DecideInput{}, in, errs, nil)
	}
	if fault.Is(err, fault.Conflict) {
		return v.showDecide(http.StatusConflict, id, review.DecideInput{}, in, nil, err)
	}
	if err != nil {
		return err
	}
	return v.redirect("/reviews/"+id.String()+"/decide", "Your voice is recorded.")
}

// readDecision reads the posted form; conditions nobody wrote anything into are left out.
func readDecision(id uuid.UUID, form url.Values, keepBlank bool) review.DecideInput {
	in := review.DecideInput{
		ReviewID: id, Content: form.Get("content"), Outcome: form.Get("outcome"), Reason: form.Get("reason"), Acknowledge: form.Get("acknowledge") != "",
		Seen: form.Get("seen"),
	}
	for i := 0; form.Has(review.ConditionField("text", i)) && i <= 50; i++ {
		c := review.ConditionInput{
			Text: form.Get(review.ConditionField("text", i)), Timing: form.Get(review.ConditionField("timing", i)),
			OwnerID: form.Get(review.ConditionField("owner", i)), DueOn: form.Get(review.ConditionField("due_on", i)),
		}
		if keepBlank || c.Text != "" || c.OwnerID != "" || c.DueOn != "" {
			in.Conditions = append(in.Conditions, c)
		}
	}
	return in
}

func decide(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	if form.Has("add") {
		in := readDecision(id, form, true)
		in.Conditions = append(in.Conditions, review.ConditionInput{})
		return v.showDecide(http.StatusOK, id, in, review.SignOffInput{}, nil, nil)
	}
	in := readDecision(id, form, false)
	var r review.Review
	if form.Has("changes") {
		r, err = v.Reviews.RequestChanges(v.ctx(), v.who, id, in.Reason)
	} else {
		r, err = v.Reviews.Decide(v.ctx(), v.who, in)
	}
	if errs, ok := invalid(err); ok {
		return v.showDecide(http.StatusUnprocessableEntity, id, in, review.SignOffInput{}, errs, nil)
	}
	if fault.Is(err, fault.Conflict) {
		return v.showDecide(http.StatusConflict, id, in, review.SignOffInput{}, nil, err)
	}
	if err != nil {
		return err
	}
	if form.Has("changes") {
		return v.redirect(r.Path(), "The round went back to its team with your note.")
	}
	return v.redirect(r.Path()+"/record", "Decided and sealed.")
}
