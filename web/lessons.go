package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/questionnaire"
	"orrery/internal/text"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// lessonRoutes show what incidents taught, and let curators judge it.
func lessonRoutes() []Route {
	return []Route{
		{"GET", "/lessons", signedIn(lessonList)},
		{"GET", "/lessons/year", signedIn(lessonYear)},
		{"GET", "/incidents/{id}/lessons/new", signedIn(newLesson)},
		{"POST", "/incidents/{id}/lessons", signedIn(proposeLesson)},
		{"GET", "/lessons/{id}", signedIn(lessonPage)},
		{"GET", "/lessons/{id}/edit", signedIn(editLesson)},
		{"POST", "/lessons/{id}/edit", signedIn(changeLesson)},
		{"POST", "/lessons/{id}/accept", signedIn(acceptLesson)},
		{"POST", "/lessons/{id}/merge", signedIn(mergeLesson)},
		{"POST", "/lessons/{id}/decline", signedIn(declineLesson)},
		{"GET", "/lessons/{id}/today", signedIn(lessonToday)},
	}
}

func lessonCrumbs(here ...ui.Link) []ui.Link {
	return append([]ui.Link{{Text: "Incidents", Href: incidentsPath}, {Text: "Lessons", Href: "/lessons"}}, here...)
}

func lessonList(v *visit) error {
	q := v.r.URL.Query()
	l := views.LessonList{Filter: incident.LessonFilter{State: q.Get("state"), After: q.Get("after")}}
	var err error
	if l.Lessons, l.Next, err = v.Incidents.Lessons(v.ctx(), v.who, l.Filter); err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Lessons(v.page("Lessons", incidentsPath, ui.Link{Text: "Incidents", Href: incidentsPath}, ui.Link{Text: "Lessons"}), l))
}

func lessonYear(v *visit) error {
	y, err := v.Incidents.LastYear(v.ctx(), v.who)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.LessonYear(v.page("Lessons of the last year", incidentsPath, lessonCrumbs(ui.Link{Text: "Last year"})...), y))
}

func newLesson(v *visit) error {
	i, err := v.incident()
	if err != nil {
		return err
	}
	in := incident.LessonInput{Kind: incident.NewQuestion, MaxRisk: "high", Question: i.Question()}
	return v.showLessonForm(http.StatusOK, views.LessonForm{Incident: i, Input: in}, nil)
}

func proposeLesson(v *visit) error {
	i, err := v.incident()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	f := views.LessonForm{Incident: i, Input: readLesson(form)}
	l, err := v.Incidents.Propose(v.ctx(), v.who, i.ID, f.Input)
	if errs, bad := invalid(err); bad {
		return v.showLessonForm(http.StatusUnprocessableEntity, f, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect(l.Path(), "The lesson is proposed. A curator judges it.")
}

// readLesson reads the posted form.
func readLesson(form url.Values) incident.LessonInput {
	in := incident.LessonInput{
		Title: form.Get("title"), Failure: form.Get("failure"), Kind: form.Get("kind"), Question: form.Get("question"), Proposal: form.Get("proposal"),
		Why: form.Get("why"), MaxRisk: form.Get("max_risk"), Prompts: strings.Split(form.Get("prompts"), "\n"), Tiers: form["tier"],
		Tags: splitList(form.Get("tags"), false), ConcernsSet: form.Get("concerns_set"),
	}
	for n := range 20 {
		at := "_" + strconv.Itoa(n)
		if title := text.Line(form.Get("practice" + at)); title != "" {
			in.Practices = append(in.Practices, incident.Practice{Title: title, URL: form.Get("url" + at), Effect: form.Get("effect" + at)})
		}
	}
	return in
}

func (v *visit) showLessonForm(status int, f views.LessonForm, errs ui.FieldErrors) error {
	var err error
	if f.Questions, err = v.questionOptions(); err != nil {
		return err
	}
	sets, err := v.Library.Sets(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	for _, s := range sets {
		f.Sets = append(f.Sets, ui.Option{Value: s.Key, Text: s.Questionnaire.Name})
	}
	here := []ui.Link{{Text: "Propose"}}
	title := "Propose a lesson"
	if f.Lesson.Title != "" {
		title, here = "Change the lesson", []ui.Link{{Text: f.Lesson.Title, Href: f.Lesson.Path()}, {Text: "Change"}}
	}
	p := v.page(title, incidentsPath, lessonCrumbs(here...)...)
	p.Errors = errs
	return v.render(status, views.LessonEdit(p, f))
}

// lesson reads the lesson of the path.
func (v *visit) lesson() (incident.Lesson, error) {
	id, err := v.pathID("id")
	if err != nil {
		return incident.Lesson{}, err
	}
	return v.Incidents.Lesson(v.ctx(), v.who, id)
}

func lessonPage(v *visit) error {
	l, err := v.lesson()
	if err != nil {
		return err
	}
	return v.showLesson(http.StatusOK, views.LessonPage{Lesson: l}, nil)
}

// showLesson completes the page with what the reader may do.
func (v *visit) showLesson(status int, p views.LessonPage, errs ui.FieldErrors) error {
	l := p.Lesson
	p.Now = v.Now()
	p.CanJudge = v.who.May(identity.JudgeLesson, identity.Target{}) == nil
	p.CanChange = l.State == incident.Proposed && l.MayChange(v.who) == nil
	var err error
	if p.RollOut, err = v.Incidents.RollOut(v.ctx(), v.who, l.ID); err != nil {
		return err
	}
	if p.Progress, err = v.Incidents.RollOutProgress(v.ctx(), v.who, l.ID); err != nil {
		return err
	}
	if l.QuestionID != "" {
		if p.QuestionTitle, err = v.titleOf(l.SetKey, l.QuestionID); err != nil {
			return err
		}
	}
	if l.PublishedAt != nil {
		if p.SetName, err = v.setName(l.PutSet); err != nil {
			return err
		}
	}
	if p.CanJudge {
		if err := v.offerJudging(&p); err != nil {
			return err
		}
	}
	frame := v.page(l.Title, incidentsPath, lessonCrumbs(ui.Link{Text: l.Title})...)
	frame.Errors = errs
	return v.render(status, views.Lesson(frame, p))
}

// offerJudging reads what a curator chooses from: sets of the organisation, other lessons,
// and where the draft is.
func (v *visit) offerJudging(p *views.LessonPage) error {
	sets, err := v.Library.Sets(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	for _, s := range sets {
		if s.Origin == questionnaire.Organisation && s.Key != incident.LessonSet {
			p.Sets = append(p.Sets, ui.Option{Value: s.Key, Text: s.Questionnaire.Name})
		}
	}
	others, err := v.everyLesson(incident.LessonFilter{Mergeable: true})
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.ID != p.Lesson.ID {
			p.Others = append(p.Others, ui.Option{Value: o.ID.String(), Text: o.Title})
		}
	}
	if p.MergedHere, err = v.everyLesson(incident.LessonFilter{MergedInto: p.Lesson.ID}); err != nil {
		return err
	}
	p.DraftPath, err = v.draftOf(p.Lesson)
	return err
}

func editLesson(v *visit) error {
	l, err := v.lesson()
	if err != nil {
		return err
	}
	if err := l.MayChange(v.who); err != nil {
		return err
	}
	if l.State != incident.Proposed {
		return v.redirect(l.Path(), "This lesson is "+l.State+" already.")
	}
	return v.showLessonForm(http.StatusOK, views.FormOfLesson(l), nil)
}

func changeLesson(v *visit) error {
	l, err := v.lesson()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	f := views.FormOfLesson(l)
	f.Input = readLesson(form)
	_, err = v.Incidents.ChangeLesson(v.ctx(), v.who, l.ID, versionOf(form), f.Input)
	if errs, bad := invalid(err); bad {
		return v.showLessonForm(http.StatusUnprocessableEntity, f, errs)
	}
	if fault.Is(err, fault.Conflict) && l.State == incident.Proposed {
		f.Conflict = fault.MessageOf(err) + " Saving again replaces what is stored with yours."
		return v.showLessonForm(http.StatusConflict, f, nil)
	}
	if err != nil {
		return err
	}
	return v.redirect(l.Path(), "The lesson is saved.")
}

// judge takes one of a curator's forms and shows the page with it when it is refused.
func (v *visit) judge(notice string, do func(l incident.Lesson, form url.Values, p *views.LessonPage) (incident.Lesson, error)) error {
	l, err := v.lesson()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := views.LessonPage{Lesson: l}
	_, err = do(l, form, &p)
	if errs, bad := invalid(err); bad {
		return v.showLesson(http.StatusUnprocessableEntity, p, errs)
	}
	if fault.Is(err, fault.Conflict) {
		p.Conflict = fault.MessageOf(err)
		if p.Lesson, err = v.lesson(); err != nil {
			return err
		}
		return v.showLesson(http.StatusConflict, p, nil)
	}
	if err != nil {
		return err
	}
	return v.redirect(l.Path(), notice)
}

func acceptLesson(v *visit) error {
	return v.judge("The lesson stands in the draft. See who would fail it today before you publish the set.", func(l incident.Lesson, form url.Values, p *views.LessonPage) (incident.Lesson, error) {
		p.Accept = incident.AcceptInput{Version: versionOf(form), Set: form.Get("set"), DueDays: form.Get("due_days"), Monthly: form.Get("monthly") != ""}
		return v.Incidents.Accept(v.ctx(), v.who, l.ID, p.Accept)
	})
}

func mergeLesson(v *visit) error {
	return v.judge("The lesson is merged.", func(l incident.Lesson, form url.Values, p *views.LessonPage) (incident.Lesson, error) {
		p.Into = form.Get("into")
		return v.Incidents.Merge(v.ctx(), v.who, l.ID, versionOf(form), p.Into)
	})
}

func declineLesson(v *visit) error {
	return v.judge("The lesson is declined.", func(l incident.Lesson, form url.Values, p *views.LessonPage) (incident.Lesson, error) {
		p.Reason = form.Get("reason")
		return v.Incidents.Decline(v.ctx(), v.who, l.ID, versionOf(form), p.Reason)
	})
}

// setName is the name of the newest version of a set.
func (v *visit) setName(key string) (string, error) {
	p, err := v.Library.Newest(v.ctx(), v.DB, key, "")
	if err != nil {
		return "", err
	}
	parsed, err := v.Library.Version(v.ctx(), v.DB, p.ID)
	if err != nil {
		return "", err
	}
	return parsed.Name, nil
}

// lessonsIn are the lessons that publishing the draft would ask for the first time.
func (v *visit) lessonsIn(d questionnaire.Draft) ([]incident.Lesson, error) {
	list, err := v.everyLesson(incident.LessonFilter{Draft: d.Key})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(l incident.Lesson) bool {
		return !slices.ContainsFunc(d.Set.Questions(), func(q *questionnaire.Question) bool { return q.ID == l.PutQuestion })
	}), nil
}

// everyLesson reads every page of the lessons of the filter.
func (v *visit) everyLesson(f incident.LessonFilter) ([]incident.Lesson, error) {
	var all []incident.Lesson
	f.Limit = 100
	for {
		list, next, err := v.Incidents.Lessons(v.ctx(), v.who, f)
		if err != nil {
			return nil, err
		}
		if all = append(all, list...); next == "" {
			return all, nil
		}
		f.After = next
	}
}

// draftOf is the address of the lesson's question in the draft of its set; empty where there
// is none.
func (v *visit) draftOf(l incident.Lesson) (string, error) {
	drafts, err := v.Library.Drafts(v.ctx(), v.who)
	if err != nil {
		return "", err
	}
	if n := slices.IndexFunc(drafts, func(d questionnaire.Draft) bool { return d.Key == l.PutSet }); n >= 0 && l.PublishedAt == nil {
		return views.DraftQuestionPath(drafts[n], l.PutQuestion), nil
	}
	return "", nil
}

func lessonToday(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	f, err := v.Incidents.WouldFail(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	draft, err := v.draftOf(f.Lesson)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.LessonToday(v.page("Who would fail this today", incidentsPath, lessonCrumbs(ui.Link{Text: f.Lesson.Title, Href: f.Lesson.Path()}, ui.Link{Text: "Today"})...), f, draft))
}
