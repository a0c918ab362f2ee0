package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
)

// Member is a person of the organisation with what they may do.
type Member struct {
	ID            uuid.UUID    `json:"id"`
	Name          string       `json:"name"`
	Email         string       `json:"email"`
	Roles         []string     `json:"roles" nullable:"false" doc:"admin, curator, auditor."`
	Teams         []Membership `json:"teams" nullable:"false"`
	Grants        []Grant      `json:"grants" nullable:"false" doc:"Those that you may see."`
	DeactivatedAt *time.Time   `json:"deactivated_at"`
	HTMLURL       string       `json:"html_url" format:"uri"`
}

// Membership is a place in a team.
type Membership struct {
	Team string `json:"team" doc:"Key of the team."`
	Role string `json:"role" enum:"lead,member"`
}

// Grant is what somebody may do on one workload, or on all.
type Grant struct {
	Kind     string  `json:"kind" enum:"approver,facilitator,participant"`
	Workload *string `json:"workload" doc:"Key of the workload; null: all."`
}

// Team owns workloads.
type Team struct {
	ID      uuid.UUID    `json:"id"`
	Key     string       `json:"key"`
	Name    string       `json:"name"`
	People  int          `json:"people"`
	Members []TeamMember `json:"members,omitempty" doc:"Not in lists."`
	HTMLURL string       `json:"html_url" format:"uri"`
}

// TeamMember is a person in a team.
type TeamMember struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
	Role string    `json:"role" enum:"lead,member"`
}

type peopleInput struct {
	Listing
	Search      string `query:"search" maxLength:"200" doc:"A part of the name or the address."`
	Deactivated bool   `query:"deactivated" doc:"Also those who are deactivated."`
}

type personInput struct {
	Reading
	ID string `path:"id" maxLength:"36"`
}

type teamInput struct {
	Reading
	Key string `path:"key" maxLength:"40"`
}

func (s *server) people(a huma.API) {
	const tag = "People and teams"
	register(a, operation{id: "list-people", method: http.MethodGet, path: "/api/v1/people", scope: identity.ReadReviews, tag: tag, summary: "List people"}, s.listPeople)
	register(a, operation{id: "get-person", method: http.MethodGet, path: "/api/v1/people/{id}", scope: identity.ReadReviews, tag: tag, summary: "Read a person"}, s.getPerson)
	register(a, operation{id: "list-teams", method: http.MethodGet, path: "/api/v1/teams", scope: identity.ReadReviews, tag: tag, summary: "List teams"}, s.listTeams)
	register(a, operation{id: "get-team", method: http.MethodGet, path: "/api/v1/teams/{key}", scope: identity.ReadReviews, tag: tag, summary: "Read a team with its members"}, s.getTeam)
}

func (s *server) listPeople(ctx context.Context, in *peopleInput) (*Tagged[Page[Member]], error) {
	if !identity.IsPeopleCursor(in.After) {
		return nil, s.problem(ctx, fault.InvalidField("after", "This page of the list cannot be found; start again from the first."), "query")
	}
	found, next, err := s.Identity.People(ctx, actorOf(ctx), identity.PeopleFilter{Search: in.Search, Deactivated: in.Deactivated, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	data := make([]Member, 0, len(found))
	for _, p := range found {
		data = append(data, s.member(p))
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) getPerson(ctx context.Context, in *personInput) (*Tagged[Member], error) {
	id, err := pathID(in.ID, "person")
	var p identity.Person
	if err == nil {
		p, err = s.Identity.Person(ctx, actorOf(ctx), id)
	}
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.member(p))
}

func (s *server) member(p identity.Person) Member {
	m := Member{
		ID: p.ID, Name: p.Name, Email: p.Email, Roles: []string{}, Teams: []Membership{}, Grants: []Grant{}, DeactivatedAt: utc(p.DeactivatedAt),
		HTMLURL: s.html("/people/" + p.ID.String()),
	}
	for _, r := range p.Roles {
		m.Roles = append(m.Roles, string(r))
	}
	for _, t := range p.Teams {
		m.Teams = append(m.Teams, Membership{t.Key, string(t.Role)})
	}
	for _, g := range p.Grants {
		if g.WorkloadID == uuid.Nil || g.WorkloadKey != "" {
			m.Grants = append(m.Grants, Grant{string(g.Kind), present(g.WorkloadKey)})
		}
	}
	return m
}

func (s *server) listTeams(ctx context.Context, in *listingInput) (*Tagged[Page[Team]], error) {
	teams, err := s.Identity.Teams(ctx, actorOf(ctx))
	if err != nil {
		return nil, s.problem(ctx, err, "")
	}
	data, next, err := cut(in.Listing, teams, func(t identity.Team) string { return t.Key }, s.team)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) getTeam(ctx context.Context, in *teamInput) (*Tagged[Team], error) {
	t, err := s.Identity.Team(ctx, actorOf(ctx), in.Key)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.team(t))
}

func (s *server) team(t identity.Team) Team {
	out := Team{ID: t.ID, Key: t.Key, Name: t.Name, People: t.People, HTMLURL: s.html("/teams/" + t.Key)}
	for _, m := range t.Members {
		out.Members = append(out.Members, TeamMember{m.PersonID, m.Name, string(m.Role)})
	}
	return out
}
