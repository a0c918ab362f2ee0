package web

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// What a form begins with: a workload that is live and was let go is looked at again.
const (
	usualType = "new-service"
	againType = "annual"
)

// fittingTypes are the keys of the types that fit the workload, the best first.
func (v *visit) fittingTypes(w workload.Workload) ([]string, error) {
	g, err := v.Reviews.Launch(v.ctx(), v.who, w.Key, "")
	if err != nil {
		return nil, err
	}
	if w.Stage == workload.Live && slices.Contains([]string{review.Go, review.Conditional, review.Elsewhere}, g.Decision) {
		return []string{againType, usualType}, nil
	}
	return []string{usualType}, nil
}

// startRoutes start a review.
func startRoutes() []Route {
	return []Route{
		{"GET", "/workloads/{key}/reviews/new", signedIn(startReviewPage)},
		{"GET", "/workloads/{key}/reviews/total", signedIn(startTotal)},
		{"POST", "/workloads/{key}/reviews", signedIn(startReview)},
	}
}

// readStart reads the form of a start. A form that offers no history carries it over.
func readStart(form url.Values) review.StartInput {
	return review.StartInput{
		Type: form.Get("type"), ChangeKey: form.Get("change_key"), ChangeTitle: form.Get("change_title"), ChangeTicket: form.Get("change_ticket"),
		Sets: form["set"], CarryOver: form.Get("carry_over") != "" || !form.Has("earlier"), InheritFrom: form.Get("inherit_from"), Agenda: readAgenda(form),
	}
}

func readAgenda(form url.Values) review.AgendaInput {
	return review.AgendaInput{TargetOn: form.Get("target_on"), MeetingOn: form.Get("meeting_on"), Attendees: form.Get("attendees")}
}

func startReviewPage(v *visit) error {
	w, err := v.Workloads.ByKey(v.ctx(), v.who, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	return v.showStart(http.StatusOK, w, readStart(v.r.URL.Query()), nil)
}

func startReview(v *visit) error {
	w, err := v.Workloads.ByKey(v.ctx(), v.who, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	in := readStart(form)
	r, err := v.Reviews.Start(v.ctx(), v.who, w.ID, in)
	if errs, ok := invalid(err); ok {
		return v.showStart(http.StatusUnprocessableEntity, w, in, errs)
	}
	if fault.Is(err, fault.Conflict) {
		return v.showStart(http.StatusConflict, w, in, ui.FieldErrors{{Message: fault.MessageOf(err)}})
	}
	if err != nil {
		return err
	}
	return v.redirect(r.Path(), "The review is started.")
}

// startTotal answers with what the form would ask, while a person chooses.
func startTotal(v *visit) error {
	w, err := v.Workloads.ByKey(v.ctx(), v.who, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	in := readStart(v.r.URL.Query())
	t, err := v.Reviews.Type(v.ctx(), in.Type)
	if err != nil {
		return err
	}
	past, err := v.Reviews.PastOf(v.ctx(), w, in.ChangeKey)
	if err != nil {
		return err
	}
	sum, err := v.startSum(w, t, in, past)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.StartTotal(sum))
}

// startSum counts what the form would ask; extra sets that nobody published are left out.
func (v *visit) startSum(w workload.Workload, t review.Type, in review.StartInput, past review.Past) (views.StartSum, error) {
	if !in.CarryOver {
		past = nil
	}
	offers, err := v.Reviews.Offers(v.ctx(), w)
	if err != nil {
		return views.StartSum{}, err
	}
	extra := slices.DeleteFunc(slices.Clone(in.Sets), func(key string) bool {
		return !slices.ContainsFunc(offers, func(o review.Offer) bool { return o.Key == key })
	})
	plan, err := v.Reviews.PlanFor(v.ctx(), w, t, extra, past)
	return views.StartSum{Questions: plan.Questions, Minutes: plan.Minutes, Carried: plan.Carried}, err
}

func (v *visit) showStart(status int, w workload.Workload, in review.StartInput, errs ui.FieldErrors) error {
	s := views.StartPage{
		WorkloadKey: w.Key, WorkloadName: w.Name, TeamName: w.TeamName, Tier: w.Tier, Form: in,
		MayStart: v.who.May(identity.StartReview, w.Target()) == nil, WhyNot: "Only a member of " + w.TeamName + " may start a review.",
	}
	if w.Stage == workload.Retired {
		s.MayStart, s.WhyNot = false, "This workload is retired. Bring it back to review it."
	}
	if err := v.startChoices(w, &s); err != nil {
		return err
	}
	var err error
	if s.Judges, err = v.judges(w, uuid.Nil); err != nil {
		return err
	}
	lines, err := v.Reviews.OfWorkload(v.ctx(), w.ID)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.State == review.Open {
			s.Open = append(s.Open, ui.Link{Text: l.TypeName + " " + l.ChangeKey, Href: "/reviews/" + l.ID.String()})
		}
	}
	p := v.page("Start a review", "/workloads", ui.Link{Text: "Workloads", Href: "/workloads"}, ui.Link{Text: w.Name, Href: "/workloads/" + w.Key}, ui.Link{Text: "Start a review"})
	p.Errors = errs
	return v.render(status, views.Start(p, s))
}

// startChoices reads what may be chosen, and counts what is.
func (v *visit) startChoices(w workload.Workload, s *views.StartPage) error {
	types, err := v.Reviews.Types(v.ctx())
	if err != nil {
		return err
	}
	if s.Past, err = v.Reviews.PastOf(v.ctx(), w, s.Form.ChangeKey); err != nil {
		return err
	}
	if s.Offers, err = v.Reviews.Offers(v.ctx(), w); err != nil {
		return err
	}
	if s.Sources, err = v.Reviews.Sources(v.ctx(), w.ID); err != nil {
		return err
	}
	types = slices.DeleteFunc(types, func(t review.Type) bool { return t.Retired })
	known := func(key string) bool {
		return slices.ContainsFunc(types, func(t review.Type) bool { return t.Key == key })
	}
	if !known(s.Form.Type) && len(types) > 0 {
		fitting, err := v.fittingTypes(w)
		if err != nil {
			return err
		}
		s.Form.Type = types[0].Key
		if i := slices.IndexFunc(fitting, known); i >= 0 {
			s.Form.Type = fitting[i]
		}
	}
	for _, t := range types {
		plan, err := v.Reviews.PlanFor(v.ctx(), w, t, nil, s.Past)
		if err != nil {
			return err
		}
		s.Plans = append(s.Plans, plan)
		if t.Key == s.Form.Type {
			if s.Total, err = v.startSum(w, t, s.Form, s.Past); err != nil {
				return err
			}
		}
	}
	return nil
}
