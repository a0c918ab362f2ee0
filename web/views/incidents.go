package views

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"orrery/internal/incident"
	"orrery/web/views/ui"
)

// IncidentList is a page of the list of incidents.
type IncidentList struct {
	Filter   incident.Filter
	Lines    []incident.Line
	Next     string
	CanBegin bool
}

// IncidentPath is the address of an incident.
func IncidentPath(id uuid.UUID) string { return "/incidents/" + id.String() }

// path is the address of the list in a state, after a cursor.
func (l IncidentList) path(state, after string) string {
	q := url.Values{}
	for name, value := range map[string]string{"state": state, "workload": l.Filter.WorkloadKey, "after": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return withQuery("/incidents", q)
}

// everywhere is the address of the list of all workloads in its state.
func (l IncidentList) everywhere() string {
	state := l.Filter.State
	l.Filter = incident.Filter{}
	return l.path(state, "")
}

func (l IncidentList) tabs() []ui.Tab {
	tab := func(text, state string) ui.Tab {
		return ui.Tab{Text: text, Href: l.path(state, ""), Current: l.Filter.State == state}
	}
	return []ui.Tab{tab("All", ""), tab("Drafts", incident.Draft), tab("Closed", incident.Closed)}
}

func (l IncidentList) filters() int {
	if l.Filter.WorkloadKey == "" {
		return 0
	}
	return 1
}

func incidentStatus(state string) (ui.Kind, string) {
	if state == incident.Closed {
		return ui.StateDone, "Closed"
	}
	return ui.StateProgress, "Draft"
}

func mendedWords(done, total int) string {
	if total == 0 {
		return "none"
	}
	return itoa(done) + " of " + itoa(total) + " finished"
}

// IncidentForm is the form of an incident, as it was typed.
type IncidentForm struct {
	ID        uuid.UUID // uuid.Nil: a new one
	Title     string    // as it is stored
	Version   string
	Input     incident.Input
	Conflict  string
	Mine      []ui.Option // workloads of the writer's teams
	Others    []ui.Option // earlier incidents
	Questions []ui.Option
	Stored    incident.Incident // the zero Incident: a new one
}

// FormOfIncident is the form of an incident as it stands.
func FormOfIncident(i incident.Incident) IncidentForm {
	return IncidentForm{ID: i.ID, Title: i.Title, Version: strconv.Itoa(i.Version), Input: i.Input(), Stored: i}
}

// Offer adds what is stored to what the form offers, where that is left out there: a question that
// is asked no longer, whose title is given, and older incidents. So saving loses neither.
func (f *IncidentForm) Offer(question string) {
	if named := f.Stored.Question(); named != "" && !offers(f.Questions, named) {
		f.Questions = append(f.Questions, ui.Option{Value: named, Text: question, Group: "Not asked any more"})
	}
	for _, r := range f.Stored.Related {
		if !offers(f.Others, r.ID.String()) {
			f.Others = append(f.Others, ui.Option{Value: r.ID.String(), Text: r.Title})
		}
	}
}

func offers(list []ui.Option, value string) bool {
	return slices.ContainsFunc(list, func(o ui.Option) bool { return o.Value == value })
}

func (f IncidentForm) action() string {
	if f.ID == uuid.Nil {
		return "/incidents"
	}
	return IncidentPath(f.ID) + "/edit"
}

// elsewhere are the keys of the workloads that the list of the writer's own does not offer.
func (f IncidentForm) elsewhere() string {
	var keys []string
	for _, k := range f.Input.Workloads {
		if !offers(f.Mine, k) {
			keys = append(keys, k)
		}
	}
	return strings.Join(keys, ", ")
}

// related are the rows for earlier incidents, with one to spare.
func (f IncidentForm) related() []incident.RelatedInput {
	return append(slices.Clone(f.Input.Related), incident.RelatedInput{})
}

var severities = []ui.Option{
	{Value: "1", Text: "1", Hint: "Customers or safety were harmed, or money or data was lost."}, {Value: "2", Text: "2", Hint: "Customers noticed, and much did not work."},
	{Value: "3", Text: "3", Hint: "Few noticed, or there was a way around."}, {Value: "4", Text: "4", Hint: "Nobody outside noticed: it could have been worse."},
}

var answeredOptions = []ui.Option{
	{Value: "", Text: "Not known yet"}, {Value: incident.NotAsked, Text: "It was not asked of this workload"},
	{Value: incident.AnsweredRight, Text: "It was asked, and the answer was right"}, {Value: incident.AnsweredWrong, Text: "It was asked, and the answer did not fit what was there"},
}

// IncidentPage is one incident, with the form of an action as it was typed.
type IncidentPage struct {
	incident.Incident
	QuestionTitle string
	Action        incident.ActionInput
	Conflict      string // why the action was not saved
	Owners        []ui.Option
	CanWrite      bool
	Lessons       []incident.Lesson
	Now           time.Time
}

func (p IncidentPage) path() string { return IncidentPath(p.ID) }

// workloads are the options for the workload of an action.
func (p IncidentPage) workloads(chosen string) []ui.Option {
	var list []ui.Option
	for _, w := range p.Places {
		list = append(list, ui.Option{Value: w.Key, Text: w.Name, Selected: w.Key == chosen})
	}
	return list
}

// answeredWords say what became of the question.
func (p IncidentPage) answeredWords() string {
	for _, o := range answeredOptions[1:] {
		if o.Value == p.Answered {
			return o.Text + "."
		}
	}
	return "Whether it was asked and answered is not known yet."
}

// times are the four key times, and how long it took from the start.
func (p IncidentPage) times() []ui.Definition {
	var list []ui.Definition
	for _, one := range []struct {
		word string
		at   *time.Time
	}{{"Started", p.StartedAt}, {"Detected", p.DetectedAt}, {"Mitigated", p.MitigatedAt}, {"Resolved", p.ResolvedAt}} {
		if one.at == nil {
			list = append(list, ui.Definition{Term: one.word, Text: "not said yet"})
			continue
		}
		after := ""
		if p.StartedAt != nil && one.at.After(*p.StartedAt) {
			after = ", after " + lasted(one.at.Sub(*p.StartedAt))
		}
		list = append(list, ui.Definition{Term: one.word, Body: say(ui.Time(*one.at), after)})
	}
	return list
}

// lasted is a length to the minute up to two days, which is what people compare outages by.
func lasted(d time.Duration) string {
	if rest := d % time.Hour; d > time.Hour && d < 48*time.Hour && rest >= time.Minute {
		return ui.Span(d) + " " + ui.Span(rest)
	}
	return ui.Span(d)
}

// severityWords say a severity with what it means.
func severityWords(n int) string {
	for _, o := range severities {
		if o.Value == itoa(n) {
			return o.Text + " (" + strings.ToLower(o.Hint[:1]) + strings.TrimSuffix(o.Hint[1:], ".") + ")"
		}
	}
	return itoa(n)
}

// placeOf is where what is missing is written: in the form, or for actions on the page.
func (p IncidentPage) placeOf(field string) string {
	if field == "actions" {
		return "#" + ui.FieldID(field)
	}
	return p.path() + "/edit#" + ui.FieldID(field)
}

// actionsAnchor lets the summary of problems lead to the first action without an owner.
func (p IncidentPage) actionsAnchor(n int) templ.Attributes {
	if n > 0 {
		return nil
	}
	return templ.Attributes{"id": ui.FieldID("actions")}
}

// actionLines are the actions as a list to act on.
func (p IncidentPage) actionLines() []ui.WorkItem {
	var list []ui.WorkItem
	for _, a := range p.Actions {
		if a.Item == nil {
			continue
		}
		kind, state := itemStatus(*a.Item)
		list = append(list, ui.WorkItem{Kind: kind, Title: a.Title, Href: "/items/" + a.Item.ID.String(),
			Meta: a.WorkloadName + ". " + state + ", " + a.Item.OwnerName + ".", Due: dueDay(a.Item.DueOn, p.Now)})
	}
	return list
}

// unowned are the actions without an owner.
func (p IncidentPage) unowned() []incident.Action {
	var list []incident.Action
	for _, a := range p.Actions {
		if a.Item == nil {
			list = append(list, a)
		}
	}
	return list
}

func typedDay(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.DateOnly)
}
