package web

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// questionRoutes show and save one answer.
func questionRoutes() []Route {
	return []Route{
		{"GET", "/reviews/{id}/q/{set}/{question}", signedIn(questionPage)},
		{"POST", "/reviews/{id}/q/{set}/{question}", signedIn(saveAnswer)},
		{"POST", "/reviews/{id}/q/{set}/{question}/risk", signedIn(previewRisk)},
	}
}

func (v *visit) question() (review.QuestionPage, error) {
	id, err := v.pathID("id")
	if err != nil {
		return review.QuestionPage{}, err
	}
	return v.Reviews.Question(v.ctx(), v.who, id, v.r.PathValue("set"), v.r.PathValue("question"))
}

func questionPage(v *visit) error {
	q, err := v.question()
	if err != nil {
		return err
	}
	settings, err := identity.SettingsOf(v.ctx(), v.DB, v.who)
	if err != nil {
		return err
	}
	if settings.SectionPages && v.r.URL.Query().Get("view") != "one" && !v.cameFromHere() {
		return v.redirect(q.SectionLink(), "")
	}
	f := views.QuestionForm{AnswerInput: stored(q), Keys: settings.SingleKeys}
	if v.r.URL.Query().Get("use") == "evidence" && q.Round.State == review.Draft && v.who.May(identity.AnswerReview, q.Target()) == nil {
		f.UseEvidence(q)
	}
	return v.showQuestion(http.StatusOK, q, f)
}

// cameFromHere reports whether the reader was on this page already: after a form on it was
// taken one stays, however one likes questions.
func (v *visit) cameFromHere() bool {
	from, err := url.Parse(v.r.Referer())
	return err == nil && from.Path == v.r.URL.Path
}

// stored is the answer as it is kept, in the form's shape.
func stored(q review.QuestionPage) review.AnswerInput {
	a := q.Entry.Answer
	return review.AnswerInput{
		ReviewID: q.ID, Questionnaire: q.Entry.Questionnaire, QuestionID: a.QuestionID, Version: a.Version, Chosen: a.Chosen,
		Unknown: a.Unknown, NotApplicable: a.NotApplicable, Reason: a.Reason, NAChoices: a.NAChoices, NAReasons: a.NAReasons, Notes: a.Notes,
	}
}

// showQuestion completes the form with what the reader may do, and shows the page.
func (v *visit) showQuestion(status int, q review.QuestionPage, f views.QuestionForm) error {
	v.completeForm(&f, q)
	if !f.ReadOnly {
		people, err := identity.PeopleOfTeam(v.ctx(), v.DB, q.Workload.TeamID)
		if err != nil {
			return err
		}
		f.People = options(people)
	}
	var err error
	if f.Talk, err = v.talkOfQuestion(q); err != nil {
		return err
	}
	if f.Lessons, _, err = v.Incidents.Lessons(v.ctx(), v.who, incident.LessonFilter{State: incident.Accepted, Set: q.Entry.Questionnaire, Question: q.Entry.Question.ID}); err != nil {
		return err
	}
	p := v.page(q.Entry.Question.Title+" - "+q.Workload.Name, "/reviews", reviewCrumbs(q.Review, q.Section.Name)...)
	p.Errors = f.Errors
	return v.render(status, views.Question(p, q, f))
}

// completeForm adds to a form what the reader may do with it.
func (v *visit) completeForm(f *views.QuestionForm, q review.QuestionPage) {
	f.Now, f.Person = v.Now(), v.who.PersonID.String()
	switch err := v.who.May(identity.AnswerReview, q.Target()); {
	case q.Round.State != review.Draft:
		f.ReadOnly, f.WhyNot = true, "This round is "+q.Round.State+", so answers cannot change."
	case err != nil:
		f.ReadOnly, f.WhyNot = true, fault.MessageOf(err)
	}
	f.CanAsk = v.who.May(identity.AskAcceptance, q.Target()) == nil && q.Workload.Stage != workload.Retired
	f.Warn = v.who.Approves(q.Workload.ID) && !q.AuthoredByActor
}

// readAnswer reads the posted form of an answer. A choice does not apply when its field
// "na_<choice>" holds a reason.
func readAnswer(id uuid.UUID, set, question string, form url.Values) review.AnswerInput {
	in := review.AnswerInput{
		ReviewID: id, Questionnaire: set, QuestionID: question, Chosen: form["choice"], Unknown: form.Get("unknown") != "",
		NotApplicable: form.Get("not_applicable") != "", Reason: form.Get("reason"), Notes: form.Get("notes"),
	}
	in.Version, _ = strconv.Atoi(form.Get("version"))
	if in.Resolves = form.Get("settle"); in.Resolves == "" {
		in.Resolves = form.Get("resolves")
	}
	in.Round, _ = strconv.Atoi(form.Get("round"))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if choice, ok := strings.CutPrefix(name, "na_"); ok && strings.TrimSpace(form.Get(name)) != "" {
			in.NAChoices, in.NAReasons = append(in.NAChoices, choice), append(in.NAReasons, form.Get(name))
		}
	}
	return in
}

// answerForm reads the posted answer.
func (v *visit) answerForm() (review.AnswerInput, url.Values, error) {
	id, err := v.pathID("id")
	if err != nil {
		return review.AnswerInput{}, nil, err
	}
	form, err := v.form()
	if err != nil {
		return review.AnswerInput{}, nil, err
	}
	in := readAnswer(id, v.r.PathValue("set"), v.r.PathValue("question"), form)
	if _, err := strconv.Atoi(form.Get("version")); err != nil {
		return in, form, fault.New(fault.Invalid, "The form does not say which version of the answer it was made on. Open the question again.")
	}
	return in, form, nil
}

// saveAnswer stores the form and goes on; what is wrong comes back with the form as typed. A
// page that saves by itself gets its answer as JSON.
func saveAnswer(v *visit) error {
	if v.r.Header.Get("Accept") == "application/json" {
		return v.autosave()
	}
	in, form, err := v.answerForm()
	if err != nil {
		return err
	}
	_, err = v.Reviews.SaveAnswer(v.ctx(), v.who, in)
	if err == nil {
		to := v.r.URL.Path
		if back := form.Get("back"); back != "" {
			to = localPath(back)
		}
		if form.Get("go") == "next" {
			to = localPath(form.Get("next"))
		}
		return v.redirect(to, "")
	}
	f := views.QuestionForm{AnswerInput: in, Back: form.Get("back")}
	status := http.StatusUnprocessableEntity
	var stale *review.StaleAnswer
	errs, bad := invalid(err)
	switch {
	case errors.As(err, &stale):
		f.Version, f.Conflict, status = stale.Theirs.Version, &stale.Theirs, http.StatusConflict // saving the form then replaces theirs, knowingly
	case bad:
		f.Errors = errs
	case fault.Is(err, fault.Conflict) && in.Round != 0:
		return v.otherRound(err, f)
	default:
		return err
	}
	q, err := v.question()
	if err != nil {
		return err
	}
	return v.showQuestion(status, q, f)
}

// otherRound shows the question as the review asks it now, with the form that was made on a
// round that is over. When it is asked no more, or nothing can be saved, the form is kept as
// every refused form is.
func (v *visit) otherRound(refused error, f views.QuestionForm) error {
	q, err := v.question()
	if err != nil || q.Round.State != review.Draft {
		return refused
	}
	f.Version, f.Errors = q.Entry.Answer.Version, ui.FieldErrors{{Message: fault.MessageOf(refused)}}
	return v.showQuestion(http.StatusConflict, q, f)
}

// previewRisk answers with the risk panel for the ticks of the form; nothing is saved.
func previewRisk(v *visit) error {
	q, err := v.question()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Risk(q, readAnswer(q.ID, q.Entry.Questionnaire, q.Entry.Question.ID, form), formPrefix(form)))
}

// options turns people into the options of a select.
func options(people []identity.Ref) []ui.Option {
	list := make([]ui.Option, 0, len(people))
	for _, p := range people {
		list = append(list, ui.Option{Value: p.ID.String(), Text: p.Name})
	}
	return list
}

var prefixForm = regexp.MustCompile(`^q[0-9]{1,4}-$`)

// formPrefix is what stands before the ids of the form, where a page has several.
func formPrefix(form url.Values) string {
	if p := form.Get("prefix"); prefixForm.MatchString(p) {
		return p
	}
	return ""
}
