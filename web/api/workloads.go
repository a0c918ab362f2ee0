package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/workload"
)

// Workload is a system under review.
type Workload struct {
	ID          uuid.UUID  `json:"id"`
	Key         string     `json:"key"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Team        string     `json:"team" doc:"Key of the owning team."`
	Tier        int        `json:"tier" doc:"1 (critical) to 3."`
	Stage       string     `json:"stage" enum:"planned,live,retired"`
	Restricted  bool       `json:"restricted" doc:"Seen only by its team, holders of a grant on it, and auditors."`
	LaunchOn    *string    `json:"launch_on" format:"date"`
	Production  Production `json:"production"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	RetiredAt   *time.Time `json:"retired_at"`
	HTMLURL     string     `json:"html_url" format:"uri"`
}

// Production is the part of a workload in AWS that evidence is collected from.
type Production struct {
	Accounts       []string `json:"accounts" nullable:"false" maxItems:"200" doc:"Twelve digits each."`
	Regions        []string `json:"regions" nullable:"false" maxItems:"50"`
	Tags           []string `json:"tags,omitempty" maxItems:"50" doc:"key=value each; a resource belongs when it carries one of them."`
	ApplicationARN string   `json:"application_arn,omitempty"`
	WAWorkloads    []string `json:"wa_workloads,omitempty" maxItems:"10" doc:"Names or ARNs of workloads in the Well-Architected Tool, whose answers are read."`
}

// WorkloadLine is a workload as the list has it, with what is true of it now.
type WorkloadLine struct {
	ID         uuid.UUID  `json:"id"`
	Key        string     `json:"key"`
	Name       string     `json:"name"`
	Team       string     `json:"team"`
	Tier       int        `json:"tier"`
	Stage      string     `json:"stage" enum:"planned,live,retired"`
	Restricted bool       `json:"restricted"`
	LaunchOn   *string    `json:"launch_on" format:"date"`
	Decision   *string    `json:"decision" doc:"What governs its launches, as in the launch gate; null when nothing was decided."`
	DecidedAt  *time.Time `json:"decided_at"`
	ValidUntil *time.Time `json:"valid_until"`
	ReviewDue  *string    `json:"review_due" format:"date"`
	Highs      int        `json:"highs" doc:"High risks that are open or accepted."`
	Overdue    int        `json:"overdue" doc:"Items that are past their day."`
	Ending     int        `json:"acceptances_ending" doc:"Risk acceptances that run and end within 30 days."`
	OpenReview *uuid.UUID `json:"open_review" doc:"Id of the open review."`
	Collected  *time.Time `json:"evidence_collected_at"`
	HTMLURL    string     `json:"html_url" format:"uri"`
}

type workloadsInput struct {
	Listing
	Text     string `query:"text" maxLength:"200" doc:"A part of the name or the key."`
	Team     string `query:"team" maxLength:"40" doc:"Key of a team."`
	Tier     int    `query:"tier" enum:"1,2,3"`
	Stage    string `query:"stage" enum:"planned,live,retired,all" doc:"Without it: planned and live."`
	Decision string `query:"decision" enum:"none,ended,ending,go,conditional,no_go,emergency,decided_elsewhere,revoked"`
	Highs    bool   `query:"highs" doc:"Only with a high risk."`
	Overdue  bool   `query:"overdue" doc:"Only with an item that is past its day."`
	Ending   bool   `query:"acceptances_ending" doc:"Only with a risk acceptance that ends within 30 days."`
	Sort     string `query:"sort" enum:"name,tier,highs,end,due" default:"name"`
}

type workloadInput struct {
	Reading
	Key string `path:"key" maxLength:"40" doc:"Key of the workload; an old key works too."`
}

// NewWorkload is what a workload is made from.
type NewWorkload struct {
	Key         string      `json:"key" maxLength:"40" doc:"2 to 40 small letters, digits and hyphens."`
	Name        string      `json:"name" maxLength:"120"`
	Description string      `json:"description,omitempty" maxLength:"10000"`
	Team        string      `json:"team" maxLength:"40" doc:"Key of the owning team."`
	Tier        int         `json:"tier" minimum:"1" maximum:"3"`
	Stage       string      `json:"stage,omitempty" enum:"planned,live" default:"planned"`
	Restricted  bool        `json:"restricted,omitempty"`
	LaunchOn    string      `json:"launch_on,omitempty" maxLength:"10" doc:"Year-month-day."`
	Production  *Production `json:"production,omitempty"`
}

// WorkloadChange holds what changes; what is left out stays.
type WorkloadChange struct {
	Key         *string     `json:"key,omitempty" maxLength:"40"`
	Name        *string     `json:"name,omitempty" maxLength:"120"`
	Description *string     `json:"description,omitempty" maxLength:"10000"`
	Tier        *int        `json:"tier,omitempty" minimum:"1" maximum:"3" doc:"A less critical tier needs an approver in person."`
	Stage       *string     `json:"stage,omitempty" enum:"planned,live"`
	Restricted  *bool       `json:"restricted,omitempty"`
	LaunchOn    *string     `json:"launch_on,omitempty" maxLength:"10" doc:"Year-month-day; empty: none."`
	Production  *Production `json:"production,omitempty"`
}

type newWorkloadInput struct {
	Writing
	Body NewWorkload
}

type changeWorkloadInput struct {
	Editing
	Key  string `path:"key" maxLength:"40"`
	Body WorkloadChange
}

func (s *server) workloads(a huma.API) {
	const tag = "Workloads"
	register(a, operation{id: "list-workloads", method: http.MethodGet, path: "/api/v1/workloads", scope: identity.ReadReviews, tag: tag, summary: "List workloads"}, s.listWorkloads)
	register(a, operation{id: "get-workload", method: http.MethodGet, path: "/api/v1/workloads/{key}", scope: identity.ReadReviews, tag: tag, summary: "Read a workload"}, s.getWorkload)
	register(a, operation{
		id: "create-workload", method: http.MethodPost, path: "/api/v1/workloads", scope: identity.WriteWorkloads, tag: tag, status: http.StatusCreated,
		summary: "Create a workload", about: "Members of the owning team and admins may.",
	}, s.createWorkload)
	register(a, operation{
		id: "change-workload", method: http.MethodPatch, path: "/api/v1/workloads/{key}", scope: identity.WriteWorkloads, tag: tag,
		summary: "Change a workload", about: "Members of the owning team may. It moves to another team, retires and comes back in the portal only.",
	}, s.changeWorkload)
}

func (s *server) listWorkloads(ctx context.Context, in *workloadsInput) (*Tagged[Page[WorkloadLine]], error) {
	lines, next, err := s.Portfolio.Workloads(ctx, actorOf(ctx), portfolio.Filter{
		Text: in.Text, TeamKey: in.Team, Tier: in.Tier, Stage: in.Stage, Decision: in.Decision, Highs: in.Highs, Overdue: in.Overdue, Ending: in.Ending, Sort: in.Sort, Limit: in.Limit,
	}, in.After)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	data := make([]WorkloadLine, 0, len(lines))
	for _, l := range lines {
		one := WorkloadLine{
			ID: l.ID, Key: l.Key, Name: l.Name, Team: l.TeamKey, Tier: l.Tier, Stage: l.Stage, Restricted: l.Restricted, LaunchOn: date(l.LaunchOn),
			Decision: present(l.Outcome), DecidedAt: utc(l.DecidedAt), ValidUntil: utc(l.ValidUntil), ReviewDue: date(l.ReviewDue), Highs: l.Highs, Overdue: l.Overdue, Ending: l.AcceptancesEnding,
			OpenReview: known(l.OpenReview), Collected: utc(l.Collected), HTMLURL: s.html("/workloads/" + l.Key),
		}
		data = append(data, one)
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) getWorkload(ctx context.Context, in *workloadInput) (*Tagged[Workload], error) {
	w, err := s.Workloads.ByKey(ctx, actorOf(ctx), in.Key)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.workload(w))
}

func (s *server) createWorkload(ctx context.Context, in *newWorkloadInput) (*Written[Workload], error) {
	b := in.Body
	typed := workload.Input{
		Key: b.Key, Name: b.Name, Description: b.Description, TeamKey: b.Team, Tier: b.Tier, Stage: b.Stage, Restricted: b.Restricted, LaunchOn: b.LaunchOn,
	}
	inProduction(&typed, b.Production)
	return write(ctx, s, writing[Workload]{
		do: func() (Workload, error) {
			w, err := s.Workloads.Create(ctx, actorOf(ctx), typed)
			return s.workload(w), err
		},
		again: func(did audit.Did) (Workload, error) {
			id, err := pathID(did.TargetID, "workload")
			if err != nil {
				return Workload{}, err
			}
			w, err := workload.Load(ctx, s.DB, actorOf(ctx), id)
			return s.workload(w), err
		},
		at: func(w Workload) string { return "/api/v1/workloads/" + w.Key },
	})
}

func (s *server) changeWorkload(ctx context.Context, in *changeWorkloadInput) (*Written[Workload], error) {
	who, b := actorOf(ctx), in.Body
	return change(ctx, s, in.Editing, edit[workload.Workload, Workload]{
		load: func() (workload.Workload, error) { return s.Workloads.ByKey(ctx, who, in.Key) },
		show: s.workload,
		do: func(w workload.Workload) (workload.Workload, error) {
			typed := w.Input()
			set(&typed.Key, b.Key)
			set(&typed.Name, b.Name)
			set(&typed.Description, b.Description)
			set(&typed.Tier, b.Tier)
			set(&typed.Stage, b.Stage)
			set(&typed.Restricted, b.Restricted)
			set(&typed.LaunchOn, b.LaunchOn)
			inProduction(&typed, b.Production)
			return s.Workloads.Update(ctx, who, w.ID, w.Version, typed)
		},
	})
}

// inProduction sets the scope in AWS, unless it is left out.
func inProduction(in *workload.Input, p *Production) {
	if p != nil {
		in.Accounts, in.Regions, in.Tags, in.ApplicationARN = p.Accounts, p.Regions, p.Tags, strings.TrimSpace(p.ApplicationARN)
		in.WAWorkloads = p.WAWorkloads
	}
}

func (s *server) workload(w workload.Workload) Workload {
	p := w.Production
	return Workload{
		ID: w.ID, Key: w.Key, Name: w.Name, Description: w.Description, Team: w.TeamKey, Tier: w.Tier, Stage: w.Stage, Restricted: w.Restricted,
		LaunchOn: date(w.LaunchOn), CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(), RetiredAt: utc(w.RetiredAt),
		Production: Production{Accounts: some(p.Accounts), Regions: some(p.Regions), Tags: p.Tags, ApplicationARN: p.ApplicationARN, WAWorkloads: p.WAWorkloads},
		HTMLURL:    s.html("/workloads/" + w.Key),
	}
}
