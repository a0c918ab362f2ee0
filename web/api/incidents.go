package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/incident"
)

// Incident is what went wrong, as a correction-of-errors record says it.
type Incident struct {
	ID           uuid.UUID        `json:"id"`
	Title        string           `json:"title"`
	Severity     int              `json:"severity" doc:"1 (worst) to 4."`
	State        string           `json:"state" enum:"draft,closed" doc:"Only the teams of its workloads, and auditors, read a draft."`
	Workloads    []string         `json:"workloads" nullable:"false" doc:"Keys of the workloads it touched."`
	Link         *string          `json:"link" doc:"Where the full record is."`
	Summary      string           `json:"summary"`
	Impact       string           `json:"impact"`
	StartedAt    *time.Time       `json:"started_at"`
	DetectedAt   *time.Time       `json:"detected_at"`
	MitigatedAt  *time.Time       `json:"mitigated_at"`
	ResolvedAt   *time.Time       `json:"resolved_at"`
	Scenario     string           `json:"scenario" doc:"How it was built."`
	Change       string           `json:"change" doc:"The change that contributed."`
	Causes       []string         `json:"causes" nullable:"false"`
	WhyNotCaught string           `json:"why_not_caught"`
	Question     *string          `json:"question" doc:"The readiness question that would have prevented it: questionnaire/question."`
	Answered     *string          `json:"answered" enum:"not_asked,right,wrong" doc:"What became of that question."`
	Related      []Related        `json:"related" nullable:"false" doc:"Earlier incidents that you may read."`
	Actions      []IncidentAction `json:"actions" nullable:"false"`
	CreatedBy    *string          `json:"created_by"`
	CreatedAt    time.Time        `json:"created_at"`
	UpdatedAt    time.Time        `json:"updated_at"`
	ClosedBy     *string          `json:"closed_by"`
	ClosedAt     *time.Time       `json:"closed_at"`
	HTMLURL      string           `json:"html_url" format:"uri"`
}

// Related is an earlier incident.
type Related struct {
	Incident string `json:"incident" maxLength:"36" doc:"Its id."`
	Why      string `json:"why" maxLength:"2000" doc:"Why its actions did not prevent this one."`
}

// IncidentAction is what shall prevent the next one.
type IncidentAction struct {
	ID       uuid.UUID  `json:"id"`
	Title    string     `json:"title"`
	Workload string     `json:"workload" doc:"Key of the workload."`
	DueOn    *string    `json:"due_on" format:"date"`
	Item     *uuid.UUID `json:"item" doc:"Id of its item; null while nobody owns it."`
	State    *string    `json:"state" doc:"Of the item."`
}

// IncidentLine is an incident as the list has it.
type IncidentLine struct {
	ID        uuid.UUID  `json:"id"`
	Title     string     `json:"title"`
	Severity  int        `json:"severity"`
	State     string     `json:"state" enum:"draft,closed"`
	StartedAt *time.Time `json:"started_at"`
	Actions   int        `json:"actions"`
	Mended    int        `json:"mended" doc:"Actions whose items are finished."`
	Lessons   int        `json:"lessons"`
	HTMLURL   string     `json:"html_url" format:"uri"`
}

// NewIncident is what an incident is begun with.
type NewIncident struct {
	Title     string   `json:"title" maxLength:"200"`
	Severity  int      `json:"severity" minimum:"1" maximum:"4"`
	Workloads []string `json:"workloads" minItems:"1" maxItems:"100" doc:"Keys; one of them of a team of yours."`
	IncidentText
}

// IncidentText is the rest of what is written of an incident. What is left out stays.
type IncidentText struct {
	Link         *string    `json:"link,omitempty" maxLength:"500"`
	Summary      *string    `json:"summary,omitempty" maxLength:"10000"`
	Impact       *string    `json:"impact,omitempty" maxLength:"10000"`
	StartedAt    *string    `json:"started_at,omitempty" maxLength:"40" doc:"RFC 3339, kept to the minute; empty: none."`
	DetectedAt   *string    `json:"detected_at,omitempty" maxLength:"40"`
	MitigatedAt  *string    `json:"mitigated_at,omitempty" maxLength:"40"`
	ResolvedAt   *string    `json:"resolved_at,omitempty" maxLength:"40"`
	Scenario     *string    `json:"scenario,omitempty" maxLength:"10000"`
	Change       *string    `json:"change,omitempty" maxLength:"10000"`
	Causes       *[]string  `json:"causes,omitempty" maxItems:"20"`
	WhyNotCaught *string    `json:"why_not_caught,omitempty" maxLength:"10000"`
	Question     *string    `json:"question,omitempty" maxLength:"300" doc:"questionnaire/question; empty: none."`
	Answered     *string    `json:"answered,omitempty" enum:"not_asked,right,wrong,"`
	Related      *[]Related `json:"related,omitempty" maxItems:"20"`
}

// IncidentChange holds what changes; what is left out stays. A state goes alone.
type IncidentChange struct {
	State     *string   `json:"state,omitempty" enum:"draft,closed" doc:"closed shows it to everyone who may read its workloads; it goes without other members."`
	Title     *string   `json:"title,omitempty" maxLength:"200"`
	Severity  *int      `json:"severity,omitempty" minimum:"1" maximum:"4"`
	Workloads *[]string `json:"workloads,omitempty" minItems:"1" maxItems:"100"`
	IncidentText
}

// NewAction is an action of an incident. With an owner it becomes an item at once.
type NewAction struct {
	Title    string `json:"title" maxLength:"300"`
	Workload string `json:"workload" maxLength:"40" doc:"Key of one of the incident's workloads."`
	Owner    string `json:"owner,omitempty" maxLength:"36" doc:"Id of a person; every action needs one before the incident is closed."`
	DueOn    string `json:"due_on,omitempty" maxLength:"10" doc:"Year-month-day; needed with an owner."`
}

type incidentsInput struct {
	Listing
	State    string `query:"state" enum:"draft,closed"`
	Workload string `query:"workload" maxLength:"40" doc:"Key of a workload."`
}

type incidentInput struct {
	Reading
	ID string `path:"id" maxLength:"36"`
}

type newIncidentInput struct {
	Writing
	Body NewIncident
}

type changeIncidentInput struct {
	Editing
	ID   string `path:"id" maxLength:"36"`
	Body IncidentChange
}

type newActionInput struct {
	Writing
	ID   string `path:"id" maxLength:"36"`
	Body NewAction
}

func (s *server) incidents(a huma.API) {
	const tag, all, one = "Incidents", "/api/v1/incidents", "/api/v1/incidents/{id}"
	register(a, operation{id: "list-incidents", method: http.MethodGet, path: all, scope: identity.ReadReviews, tag: tag, summary: "List incidents", about: "Newest first."}, s.listIncidents)
	register(a, operation{id: "get-incident", method: http.MethodGet, path: one, scope: identity.ReadReviews, tag: tag, summary: "Read an incident"}, s.getIncident)
	register(a, operation{
		id: "create-incident", method: http.MethodPost, path: all, scope: identity.WriteIncidents, tag: tag, status: http.StatusCreated, errors: []int{http.StatusNotFound},
		summary: "Begin the record of an incident", about: "A draft, which only the teams of its workloads, and auditors, read. Members of one of these teams may.",
	}, s.createIncident)
	register(a, operation{
		id: "change-incident", method: http.MethodPatch, path: one, scope: identity.WriteIncidents, tag: tag,
		summary: "Change, close or open an incident again", about: "Members of a team of its workloads may. A closed one is opened again before it is changed: 409. To close it, everything that is missing is named: 422.",
	}, s.changeIncident)
	register(a, operation{
		id: "add-action", method: http.MethodPost, path: one + "/actions", scope: identity.WriteIncidents, tag: tag, status: http.StatusCreated,
		summary: "Add an action to an incident", about: "To a draft. Answers with the incident. Members of a team of its workloads may.",
	}, s.addAction)
}

func (s *server) listIncidents(ctx context.Context, in *incidentsInput) (*Tagged[Page[IncidentLine]], error) {
	found, next, err := s.Incidents.List(ctx, actorOf(ctx), incident.Filter{State: in.State, WorkloadKey: in.Workload, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	data := make([]IncidentLine, 0, len(found))
	for _, l := range found {
		data = append(data, IncidentLine{
			ID: l.ID, Title: l.Title, Severity: l.Severity, State: l.State, StartedAt: utc(l.StartedAt), Actions: l.Actions, Mended: l.Mended, Lessons: l.Lessons,
			HTMLURL: s.html("/incidents/" + l.ID.String()),
		})
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) loadIncident(ctx context.Context, id string) (incident.Incident, error) {
	known, err := pathID(id, "incident")
	if err != nil {
		return incident.Incident{}, err
	}
	return s.Incidents.Incident(ctx, actorOf(ctx), known)
}

func (s *server) getIncident(ctx context.Context, in *incidentInput) (*Tagged[Incident], error) {
	i, err := s.loadIncident(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.incident(i))
}

func (s *server) createIncident(ctx context.Context, in *newIncidentInput) (*Written[Incident], error) {
	b := in.Body
	typed := incident.Input{Title: b.Title, Severity: strconv.Itoa(b.Severity), Workloads: b.Workloads}
	b.write(&typed)
	return write(ctx, s, writing[Incident]{
		do: func() (Incident, error) {
			i, err := s.Incidents.Create(ctx, actorOf(ctx), typed)
			if err != nil {
				return Incident{}, err
			}
			return s.incident(i), nil
		},
		again: func(did audit.Did) (Incident, error) {
			i, err := s.loadIncident(ctx, did.TargetID)
			return s.incident(i), err
		},
		at: func(i Incident) string { return "/api/v1/incidents/" + i.ID.String() },
	})
}

func (s *server) changeIncident(ctx context.Context, in *changeIncidentInput) (*Written[Incident], error) {
	who, b := actorOf(ctx), in.Body
	return change(ctx, s, in.Editing, edit[incident.Incident, Incident]{
		load: func() (incident.Incident, error) { return s.loadIncident(ctx, in.ID) },
		show: s.incident,
		do: func(i incident.Incident) (incident.Incident, error) {
			if b.State != nil {
				return s.moveIncident(ctx, i, b)
			}
			typed := i.Input()
			set(&typed.Title, b.Title)
			set(&typed.Workloads, b.Workloads)
			if b.Severity != nil {
				typed.Severity = strconv.Itoa(*b.Severity)
			}
			b.write(&typed)
			return s.Incidents.Update(ctx, who, i.ID, i.Version, typed)
		},
	})
}

// moveIncident closes an incident, or opens it again.
func (s *server) moveIncident(ctx context.Context, i incident.Incident, b IncidentChange) (incident.Incident, error) {
	state := *b.State
	if b.State = nil; b != (IncidentChange{}) {
		return i, fault.InvalidField("state", "A state goes without other members: change the text first, then send the state alone.")
	}
	if state == incident.Closed {
		return s.Incidents.Close(ctx, actorOf(ctx), i.ID, i.Version)
	}
	return s.Incidents.Reopen(ctx, actorOf(ctx), i.ID, i.Version)
}

// write sets what the text names.
func (t IncidentText) write(in *incident.Input) {
	set(&in.Link, t.Link)
	set(&in.Summary, t.Summary)
	set(&in.Impact, t.Impact)
	set(&in.Started, t.StartedAt)
	set(&in.Detected, t.DetectedAt)
	set(&in.Mitigated, t.MitigatedAt)
	set(&in.Resolved, t.ResolvedAt)
	set(&in.Scenario, t.Scenario)
	set(&in.Change, t.Change)
	set(&in.Causes, t.Causes)
	set(&in.WhyNotCaught, t.WhyNotCaught)
	set(&in.Question, t.Question)
	set(&in.Answered, t.Answered)
	if t.Related == nil {
		return
	}
	in.Related = nil
	for _, r := range *t.Related {
		in.Related = append(in.Related, incident.RelatedInput{ID: r.Incident, Why: r.Why})
	}
}

func (s *server) addAction(ctx context.Context, in *newActionInput) (*Written[Incident], error) {
	b := in.Body
	return write(ctx, s, writing[Incident]{
		do: func() (Incident, error) {
			i, err := s.loadIncident(ctx, in.ID)
			if err == nil {
				i, err = s.Incidents.SaveAction(ctx, actorOf(ctx), i.ID, incident.ActionInput{Title: b.Title, Workload: b.Workload, Owner: b.Owner, DueOn: b.DueOn})
			}
			if err != nil {
				return Incident{}, err
			}
			return s.incident(i), nil
		},
		again: func(audit.Did) (Incident, error) {
			i, err := s.loadIncident(ctx, in.ID)
			return s.incident(i), err
		},
		at: func(i Incident) string { return "/api/v1/incidents/" + i.ID.String() },
	})
}

func (s *server) incident(i incident.Incident) Incident {
	out := Incident{
		ID: i.ID, Title: i.Title, Severity: i.Severity, State: i.State, Workloads: []string{}, Link: present(i.Link), Summary: i.Summary, Impact: i.Impact,
		StartedAt: utc(i.StartedAt), DetectedAt: utc(i.DetectedAt), MitigatedAt: utc(i.MitigatedAt), ResolvedAt: utc(i.ResolvedAt), Scenario: i.Scenario, Change: i.Change,
		Causes: some(i.Causes), WhyNotCaught: i.WhyNotCaught, Question: present(i.Question()), Answered: present(i.Answered), Related: []Related{}, Actions: []IncidentAction{},
		CreatedBy: present(i.CreatedBy), CreatedAt: i.CreatedAt.UTC(), UpdatedAt: i.UpdatedAt.UTC(), ClosedBy: present(i.ClosedBy), ClosedAt: utc(i.ClosedAt),
		HTMLURL: s.html("/incidents/" + i.ID.String()),
	}
	for _, p := range i.Places {
		out.Workloads = append(out.Workloads, p.Key)
	}
	for _, r := range i.Related {
		out.Related = append(out.Related, Related{r.ID.String(), r.Why})
	}
	for _, a := range i.Actions {
		one := IncidentAction{ID: a.ID, Title: a.Title, Workload: a.WorkloadKey, DueOn: date(a.DueOn)}
		if a.Item != nil {
			one.Item, one.State = &a.Item.ID, &a.Item.State
		}
		out.Actions = append(out.Actions, one)
	}
	return out
}
