package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/portfolio"
	"orrery/internal/text"
	"orrery/web/views"
	"orrery/web/views/ui"
)

const incidentsPath = "/incidents"

// incidentRoutes list the incidents, write one and close it.
func incidentRoutes() []Route {
	return []Route{
		{"GET", "/incidents", signedIn(incidentList)},
		{"GET", "/incidents/new", signedIn(newIncident)},
		{"POST", "/incidents", signedIn(createIncident)},
		{"GET", "/incidents/{id}", signedIn(incidentPage)},
		{"GET", "/incidents/{id}/edit", signedIn(editIncident)},
		{"POST", "/incidents/{id}/edit", signedIn(updateIncident)},
		{"POST", "/incidents/{id}/close", signedIn(closeIncident)},
		{"POST", "/incidents/{id}/reopen", signedIn(reopenIncident)},
		{"POST", "/incidents/{id}/actions", signedIn(saveAction)},
		{"POST", "/incidents/{id}/actions/{action}/drop", signedIn(dropAction)},
	}
}

func incidentCrumbs(here string) []ui.Link {
	return []ui.Link{{Text: "Incidents", Href: incidentsPath}, {Text: here}}
}

func incidentList(v *visit) error {
	q := v.r.URL.Query()
	l := views.IncidentList{Filter: incident.Filter{State: q.Get("state"), WorkloadKey: text.Line(q.Get("workload")), After: q.Get("after")}, CanBegin: incident.CanBegin(v.who)}
	var err error
	if l.Lines, l.Next, err = v.Incidents.List(v.ctx(), v.who, l.Filter); err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Incidents(v.page("Incidents", incidentsPath), l))
}

func newIncident(v *visit) error {
	if !incident.CanBegin(v.who) {
		return fault.New(fault.Forbidden, "Members of a team write the incidents of its workloads, and you are in no team yet.")
	}
	return v.showIncidentForm(http.StatusOK, views.IncidentForm{Input: incident.Input{Workloads: []string{v.r.URL.Query().Get("workload")}}}, nil)
}

func createIncident(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f := views.IncidentForm{Input: readIncident(form)}
	i, err := v.Incidents.Create(v.ctx(), v.who, f.Input)
	if errs, bad := invalid(err); bad {
		return v.showIncidentForm(http.StatusUnprocessableEntity, f, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.IncidentPath(i.ID), "The draft is begun. Only the teams of its workloads, and auditors, see it until it is closed.")
}

// readIncident reads the posted form.
func readIncident(form url.Values) incident.Input {
	in := incident.Input{
		Title: form.Get("title"), Severity: form.Get("severity"), Workloads: append(slices.Clone(form["workload"]), splitList(form.Get("workloads"), true)...),
		Link: form.Get("link"), Summary: form.Get("summary"), Impact: form.Get("impact"), Started: form.Get("started_at"), Detected: form.Get("detected_at"),
		Mitigated: form.Get("mitigated_at"), Resolved: form.Get("resolved_at"), Scenario: form.Get("scenario"), Change: form.Get("change"),
		Causes: strings.Split(form.Get("causes"), "\n"), WhyNotCaught: form.Get("why_not_caught"), Question: text.Line(form.Get("question")), Answered: form.Get("answered"),
	}
	for n := range 20 {
		if id := text.Line(form.Get("related_" + strconv.Itoa(n))); id != "" {
			in.Related = append(in.Related, incident.RelatedInput{ID: id, Why: form.Get("why_" + strconv.Itoa(n))})
		}
	}
	return in
}

// showIncidentForm completes the form with what it offers.
func (v *visit) showIncidentForm(status int, f views.IncidentForm, errs ui.FieldErrors) error {
	var err error
	if f.Questions, err = v.questionOptions(); err != nil {
		return err
	}
	mine, _, err := v.Portfolio.Workloads(v.ctx(), v.who, portfolio.Filter{Mine: true}, "")
	if err != nil {
		return err
	}
	for _, l := range mine {
		f.Mine = append(f.Mine, ui.Option{Value: l.Key, Text: l.Name, Selected: slices.Contains(f.Input.Workloads, l.Key)})
	}
	others, _, err := v.Incidents.List(v.ctx(), v.who, incident.Filter{Limit: 100})
	if err != nil {
		return err
	}
	for _, l := range others {
		if l.ID != f.ID {
			f.Others = append(f.Others, ui.Option{Value: l.ID.String(), Text: l.Title})
		}
	}
	question := ""
	if f.Stored.QuestionID != "" {
		if question, err = v.titleOf(f.Stored.QuestionSet, f.Stored.QuestionID); err != nil {
			return err
		}
	}
	f.Offer(question)
	title, crumbs := "Write down an incident", incidentCrumbs("New")
	if f.ID != uuid.Nil {
		title = "Edit the incident"
		crumbs = []ui.Link{{Text: "Incidents", Href: incidentsPath}, {Text: f.Title, Href: views.IncidentPath(f.ID)}, {Text: "Edit"}}
	}
	p := v.page(title, incidentsPath, crumbs...)
	p.Errors = errs
	return v.render(status, views.IncidentEdit(p, f))
}

// questionOptions offers every question of every set.
func (v *visit) questionOptions() ([]ui.Option, error) {
	sets, err := v.Library.Sets(v.ctx(), v.DB)
	if err != nil {
		return nil, err
	}
	var list []ui.Option
	for _, s := range sets {
		for _, q := range s.Questionnaire.Questions() {
			list = append(list, ui.Option{Value: s.Key + "/" + q.ID, Text: q.Title, Group: s.Questionnaire.Name})
		}
	}
	return list, nil
}

// incident reads the incident of the path.
func (v *visit) incident() (incident.Incident, error) {
	id, err := v.pathID("id")
	if err != nil {
		return incident.Incident{}, err
	}
	return v.Incidents.Incident(v.ctx(), v.who, id)
}

func incidentPage(v *visit) error {
	i, err := v.incident()
	if err != nil {
		return err
	}
	return v.showIncident(http.StatusOK, views.IncidentPage{Incident: i}, nil)
}

// showIncident completes the page with what the reader may do.
func (v *visit) showIncident(status int, p views.IncidentPage, errs ui.FieldErrors) error {
	i := p.Incident
	p.Now, p.CanWrite = v.Now(), i.CanWrite(v.who)
	if p.CanWrite && i.State == incident.Draft {
		for _, place := range i.Places {
			people, err := identity.PeopleOfTeam(v.ctx(), v.DB, place.TeamID)
			if err != nil {
				return err
			}
			for _, o := range options(people) {
				if !slices.Contains(p.Owners, o) {
					p.Owners = append(p.Owners, o)
				}
			}
		}
	}
	var err error
	if p.Lessons, _, err = v.Incidents.Lessons(v.ctx(), v.who, incident.LessonFilter{IncidentID: i.ID}); err != nil {
		return err
	}
	if i.QuestionID != "" {
		if p.QuestionTitle, err = v.titleOf(i.QuestionSet, i.QuestionID); err != nil {
			return err
		}
	}
	frame := v.page(i.Title, incidentsPath, incidentCrumbs(i.Title)...)
	frame.Errors = errs
	return v.render(status, views.Incident(frame, p))
}

// titleOf is the title of a question in the newest version of its set, or its id where that
// asks it no longer.
func (v *visit) titleOf(set, question string) (string, error) {
	p, err := v.Library.Newest(v.ctx(), v.DB, set, "")
	if fault.Is(err, fault.NotFound) {
		return question, nil
	}
	if err != nil {
		return "", err
	}
	parsed, err := v.Library.Version(v.ctx(), v.DB, p.ID)
	if err != nil {
		return "", err
	}
	if q, ok := parsed.Question(question); ok {
		return q.Title, nil
	}
	return question, nil
}

func editIncident(v *visit) error {
	i, err := v.incident()
	if err != nil {
		return err
	}
	if !i.CanWrite(v.who) {
		return fault.New(fault.Forbidden, "Only members of the teams of its workloads may write this incident.")
	}
	if i.State == incident.Closed {
		return v.redirect(views.IncidentPath(i.ID), "This incident is closed. Open it again to change it.")
	}
	return v.showIncidentForm(http.StatusOK, views.FormOfIncident(i), nil)
}

// versionOf reads the version that a form was made on; one nobody wrote is 0, which is stale.
func versionOf(form url.Values) int {
	n, _ := strconv.Atoi(form.Get("version"))
	return n
}

func updateIncident(v *visit) error {
	i, err := v.incident()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	f := views.FormOfIncident(i)
	f.Input, f.Version = readIncident(form), form.Get("version")
	_, err = v.Incidents.Update(v.ctx(), v.who, i.ID, versionOf(form), f.Input)
	if errs, bad := invalid(err); bad {
		return v.showIncidentForm(http.StatusUnprocessableEntity, f, errs)
	}
	if fault.Is(err, fault.Conflict) && i.State == incident.Draft {
		f.Conflict, f.Version = fault.MessageOf(err)+" Saving again replaces what is stored with yours.", strconv.Itoa(i.Version)
		return v.showIncidentForm(http.StatusConflict, f, nil)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.IncidentPath(i.ID), "The draft is saved.")
}

// closeIncident closes it, or shows where what is missing is written.
func closeIncident(v *visit) error {
	i, err := v.incident()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	_, err = v.Incidents.Close(v.ctx(), v.who, i.ID, versionOf(form))
	if errs, bad := invalid(err); bad {
		typed := slices.DeleteFunc(slices.Clone([]ui.FieldError(errs)), func(one ui.FieldError) bool { return one.Name == "actions" })
		if len(typed) == 0 { // the form has no place for actions; the page has
			return v.showIncident(http.StatusUnprocessableEntity, views.IncidentPage{Incident: i}, errs)
		}
		return v.showIncidentForm(http.StatusUnprocessableEntity, views.FormOfIncident(i), typed)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.IncidentPath(i.ID), "The incident is closed. Everyone who may read its workloads reads it now.")
}

func reopenIncident(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	if _, err := v.Incidents.Reopen(v.ctx(), v.who, id, versionOf(form)); err != nil {
		return err
	}
	return v.redirect(views.IncidentPath(id), "The incident is a draft again.")
}

func saveAction(v *visit) error {
	i, err := v.incident()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	in := incident.ActionInput{ID: form.Get("id"), Title: form.Get("todo"), Workload: text.Line(form.Get("workload")), Owner: form.Get("owner"), DueOn: form.Get("due_on")}
	_, err = v.Incidents.SaveAction(v.ctx(), v.who, i.ID, in)
	if errs, bad := invalid(err); bad {
		return v.showIncident(http.StatusUnprocessableEntity, views.IncidentPage{Incident: i, Action: in}, errs)
	}
	if fault.Is(err, fault.Conflict) {
		words := fault.MessageOf(err)
		if i, err = v.incident(); err != nil {
			return err
		}
		return v.showIncident(http.StatusConflict, views.IncidentPage{Incident: i, Action: in, Conflict: words}, nil)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.IncidentPath(i.ID)+"#actions", "The action is saved.")
}

func dropAction(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	if _, err := v.Incidents.DropAction(v.ctx(), v.who, id, v.r.PathValue("action")); err != nil {
		return err
	}
	return v.redirect(views.IncidentPath(id)+"#actions", "The action is taken out.")
}
