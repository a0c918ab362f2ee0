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

// Lesson is what an incident taught.
type Lesson struct {
	ID          uuid.UUID  `json:"id"`
	Incident    *uuid.UUID `json:"incident" doc:"Id of the incident; null when you may not read it."`
	Title       string     `json:"title"`
	Failure     string     `json:"failure" doc:"What it prevents."`
	Kind        string     `json:"kind" enum:"question,choice,change" doc:"A new question, a choice on one that is there, or another wording of it."`
	Question    *string    `json:"question" doc:"The question it adds to or changes: questionnaire/question."`
	Proposal    string     `json:"proposal" doc:"The question, the choice or the wording."`
	Why         string     `json:"why"`
	MaxRisk     string     `json:"max_risk" enum:"high,medium"`
	Prompts     []string   `json:"prompts" nullable:"false"`
	Tiers       []int      `json:"tiers" nullable:"false" doc:"Of the workloads it concerns; empty: all."`
	Tags        []string   `json:"tags" nullable:"false" doc:"key=value, of the workloads it concerns; empty: all."`
	ConcernsSet *string    `json:"concerns_questionnaire" doc:"It concerns workloads that are asked this questionnaire; null: all."`
	Practices   []Practice `json:"practices" nullable:"false"`
	State       string     `json:"state" enum:"proposed,accepted,merged,declined"`
	MergedInto  *uuid.UUID `json:"merged_into" doc:"Id of the lesson that says it."`
	Reason      *string    `json:"reason" doc:"Why it was declined."`
	ProposedBy  *Person    `json:"proposed_by"`
	ProposedAt  time.Time  `json:"proposed_at"`
	JudgedBy    *string    `json:"judged_by"`
	JudgedAt    *time.Time `json:"judged_at"`
	DueDays     int        `json:"due_days" doc:"Days for its follow-ups."`
	Monthly     bool       `json:"monthly" doc:"Its follow-ups are asked on the first of the next month."`
	AskedAs     *string    `json:"asked_as" doc:"The question it became: questionnaire/question."`
	PublishedAt *time.Time `json:"published_at"`
	HTMLURL     string     `json:"html_url" format:"uri"`
}

// Practice is guidance of a lesson.
type Practice struct {
	Title  string `json:"title" maxLength:"128"`
	URL    string `json:"url,omitempty" maxLength:"500"`
	Effect string `json:"effect" enum:"prevented,shortened,shrunk" doc:"What it would have done in the incident."`
}

// NewLesson is a lesson as it is proposed.
type NewLesson struct {
	Title       string     `json:"title" maxLength:"120"`
	Failure     string     `json:"failure" maxLength:"2000"`
	Kind        string     `json:"kind" enum:"question,choice,change"`
	Question    string     `json:"question,omitempty" maxLength:"300" doc:"questionnaire/question; needed for choice and change."`
	Proposal    string     `json:"proposal" maxLength:"128"`
	Why         string     `json:"why,omitempty" maxLength:"2000"`
	MaxRisk     string     `json:"max_risk" enum:"high,medium"`
	Prompts     []string   `json:"prompts,omitempty" maxItems:"10"`
	Tiers       []int      `json:"tiers,omitempty" maxItems:"3"`
	Tags        []string   `json:"tags,omitempty" maxItems:"20"`
	ConcernsSet string     `json:"concerns_questionnaire,omitempty" maxLength:"40"`
	Practices   []Practice `json:"practices,omitempty" maxItems:"12"`
}

// LessonChange holds what changes; what is left out stays.
type LessonChange struct {
	Title       *string     `json:"title,omitempty" maxLength:"120"`
	Failure     *string     `json:"failure,omitempty" maxLength:"2000"`
	Kind        *string     `json:"kind,omitempty" enum:"question,choice,change"`
	Question    *string     `json:"question,omitempty" maxLength:"300"`
	Proposal    *string     `json:"proposal,omitempty" maxLength:"128"`
	Why         *string     `json:"why,omitempty" maxLength:"2000"`
	MaxRisk     *string     `json:"max_risk,omitempty" enum:"high,medium"`
	Prompts     *[]string   `json:"prompts,omitempty" maxItems:"10"`
	Tiers       *[]int      `json:"tiers,omitempty" maxItems:"3"`
	Tags        *[]string   `json:"tags,omitempty" maxItems:"20"`
	ConcernsSet *string     `json:"concerns_questionnaire,omitempty" maxLength:"40"`
	Practices   *[]Practice `json:"practices,omitempty" maxItems:"12"`
}

// Judgement is what a curator makes of a lesson.
type Judgement struct {
	Outcome       string `json:"outcome" enum:"accepted,declined,merged"`
	Reason        string `json:"reason,omitempty" maxLength:"4000" doc:"Needed to decline."`
	Into          string `json:"into,omitempty" maxLength:"36" doc:"To merge: id of the lesson that says it."`
	Questionnaire string `json:"questionnaire,omitempty" maxLength:"40" doc:"To accept a new question: key of a set of the organisation; without it, lessons."`
	DueDays       *int   `json:"due_days,omitempty" minimum:"1" maximum:"365" doc:"Days for the follow-ups; 30 without it."`
	Monthly       bool   `json:"monthly,omitempty" doc:"Ask the follow-ups on the first of the next month."`
}

type lessonsInput struct {
	Listing
	State    string `query:"state" enum:"proposed,accepted,merged,declined"`
	Incident string `query:"incident" maxLength:"36" doc:"Id of an incident."`
}

type lessonInput struct {
	Reading
	ID string `path:"id" maxLength:"36"`
}

type newLessonInput struct {
	Writing
	ID   string `path:"id" maxLength:"36" doc:"Id of the incident."`
	Body NewLesson
}

type changeLessonInput struct {
	Editing
	ID   string `path:"id" maxLength:"36"`
	Body LessonChange
}

type judgeLessonInput struct {
	Editing
	ID   string `path:"id" maxLength:"36"`
	Body Judgement
}

func (s *server) lessons(a huma.API) {
	const tag, one = "Lessons", "/api/v1/lessons/{id}"
	register(a, operation{id: "list-lessons", method: http.MethodGet, path: "/api/v1/lessons", scope: identity.ReadReviews, tag: tag, summary: "List lessons", about: "Newest first."}, s.listLessons)
	register(a, operation{id: "get-lesson", method: http.MethodGet, path: one, scope: identity.ReadReviews, tag: tag, summary: "Read a lesson"}, s.getLesson)
	register(a, operation{
		id: "propose-lesson", method: http.MethodPost, path: "/api/v1/incidents/{id}/lessons", scope: identity.WriteIncidents, tag: tag, status: http.StatusCreated,
		summary: "Propose a lesson", about: "Who may read the incident may. Once it is accepted, everyone who is signed in reads all of its text, also where they may not read the incident.",
	}, s.proposeLesson)
	register(a, operation{
		id: "change-lesson", method: http.MethodPatch, path: one, scope: identity.WriteIncidents, tag: tag,
		summary: "Change a lesson that is proposed", about: "Who proposed it may. Curators change others' in the portal.",
	}, s.changeLesson)
	register(a, operation{
		id: "judge-lesson", method: http.MethodPost, path: one + "/judgement", scope: identity.WriteQuestionnaires, tag: tag,
		errors:  []int{http.StatusPreconditionFailed, http.StatusPreconditionRequired},
		summary: "Judge a lesson", about: "Curators may, with the ETag of the lesson. An accepted one is read by everyone who is signed in, and stands in the draft of its set; a curator publishes that in the portal.",
	}, s.judgeLesson)
}

func (s *server) listLessons(ctx context.Context, in *lessonsInput) (*Tagged[Page[Lesson]], error) {
	f := incident.LessonFilter{State: in.State, After: in.After, Limit: in.Limit}
	if in.Incident != "" {
		var err error
		if f.IncidentID, err = uuid.Parse(in.Incident); err != nil {
			return nil, s.problem(ctx, fault.InvalidField("incident", "Write the id of an incident."), "query")
		}
	}
	found, next, err := s.Incidents.Lessons(ctx, actorOf(ctx), f)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	data := make([]Lesson, 0, len(found))
	for _, l := range found {
		data = append(data, s.lesson(l))
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) loadLesson(ctx context.Context, id string) (incident.Lesson, error) {
	known, err := pathID(id, "lesson")
	if err != nil {
		return incident.Lesson{}, err
	}
	return s.Incidents.Lesson(ctx, actorOf(ctx), known)
}

func (s *server) getLesson(ctx context.Context, in *lessonInput) (*Tagged[Lesson], error) {
	l, err := s.loadLesson(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.lesson(l))
}

func (s *server) proposeLesson(ctx context.Context, in *newLessonInput) (*Written[Lesson], error) {
	b := in.Body
	typed := incident.LessonInput{
		Title: b.Title, Failure: b.Failure, Kind: b.Kind, Question: b.Question, Proposal: b.Proposal, Why: b.Why, MaxRisk: b.MaxRisk, Prompts: b.Prompts,
		Tiers: tierWords(b.Tiers), Tags: b.Tags, ConcernsSet: b.ConcernsSet, Practices: practicesOf(b.Practices),
	}
	return write(ctx, s, writing[Lesson]{
		do: func() (Lesson, error) {
			id, err := pathID(in.ID, "incident")
			if err != nil {
				return Lesson{}, err
			}
			l, err := s.Incidents.Propose(ctx, actorOf(ctx), id, typed)
			return s.lesson(l), err
		},
		again: func(did audit.Did) (Lesson, error) {
			l, err := s.loadLesson(ctx, did.TargetID)
			return s.lesson(l), err
		},
		at: func(l Lesson) string { return "/api/v1/lessons/" + l.ID.String() },
	})
}

func (s *server) editLesson(ctx context.Context, id string, do func(incident.Lesson) (incident.Lesson, error)) edit[incident.Lesson, Lesson] {
	return edit[incident.Lesson, Lesson]{load: func() (incident.Lesson, error) { return s.loadLesson(ctx, id) }, show: s.lesson, do: do}
}

func (s *server) changeLesson(ctx context.Context, in *changeLessonInput) (*Written[Lesson], error) {
	b := in.Body
	return change(ctx, s, in.Editing, s.editLesson(ctx, in.ID, func(l incident.Lesson) (incident.Lesson, error) {
		typed := l.Input()
		set(&typed.Title, b.Title)
		set(&typed.Failure, b.Failure)
		set(&typed.Kind, b.Kind)
		set(&typed.Question, b.Question)
		set(&typed.Proposal, b.Proposal)
		set(&typed.Why, b.Why)
		set(&typed.MaxRisk, b.MaxRisk)
		set(&typed.Prompts, b.Prompts)
		set(&typed.Tags, b.Tags)
		set(&typed.ConcernsSet, b.ConcernsSet)
		if b.Tiers != nil {
			typed.Tiers = tierWords(*b.Tiers)
		}
		if b.Practices != nil {
			typed.Practices = practicesOf(*b.Practices)
		}
		return s.Incidents.ChangeLesson(ctx, actorOf(ctx), l.ID, l.Version, typed)
	}))
}

func (s *server) judgeLesson(ctx context.Context, in *judgeLessonInput) (*Written[Lesson], error) {
	who, b := actorOf(ctx), in.Body
	return change(ctx, s, in.Editing, s.editLesson(ctx, in.ID, func(l incident.Lesson) (incident.Lesson, error) {
		switch b.Outcome {
		case incident.Declined:
			return s.Incidents.Decline(ctx, who, l.ID, l.Version, b.Reason)
		case incident.Merged:
			return s.Incidents.Merge(ctx, who, l.ID, l.Version, b.Into)
		}
		typed := incident.AcceptInput{Version: l.Version, Set: b.Questionnaire, Monthly: b.Monthly}
		if b.DueDays != nil {
			typed.DueDays = strconv.Itoa(*b.DueDays)
		}
		return s.Incidents.Accept(ctx, who, l.ID, typed)
	}))
}

func tierWords(tiers []int) (words []string) {
	for _, t := range tiers {
		words = append(words, strconv.Itoa(t))
	}
	return words
}

func practicesOf(list []Practice) (out []incident.Practice) {
	for _, p := range list {
		out = append(out, incident.Practice(p))
	}
	return out
}

func (s *server) lesson(l incident.Lesson) Lesson {
	out := Lesson{
		ID: l.ID, Title: l.Title, Failure: l.Failure, Kind: l.Kind, Question: present(l.Input().Question), Proposal: l.Proposal, Why: l.Why,
		MaxRisk: l.MaxRisk, Prompts: some(l.Prompts), Tiers: some(l.Tiers), Tags: some(l.Tags), ConcernsSet: present(l.ConcernsSet), Practices: []Practice{},
		State: l.State, MergedInto: l.MergedInto, Reason: present(l.Reason), ProposedBy: somebody(l.ProposedBy, l.Proposer), ProposedAt: l.ProposedAt.UTC(),
		JudgedBy: present(l.Judge), JudgedAt: utc(l.JudgedAt), DueDays: l.DueDays, Monthly: l.Monthly, PublishedAt: utc(l.PublishedAt), HTMLURL: s.html(l.Path()),
	}
	if l.Incident != "" {
		out.Incident = &l.IncidentID
	}
	if l.PutQuestion != "" {
		out.AskedAs = present(l.PutSet + "/" + l.PutQuestion)
	}
	for _, p := range l.Practices {
		out.Practices = append(out.Practices, Practice(p))
	}
	return out
}
