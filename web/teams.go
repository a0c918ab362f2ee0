package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/notify"
	"orrery/internal/portfolio"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// teamRoutes show the teams; admins change them.
func teamRoutes() []Route {
	return []Route{
		{"GET", "/teams", signedIn(teamList)},
		{"GET", "/teams/new", admin(newTeamPage)},
		{"POST", "/teams/new", admin(createTeam)},
		{"GET", "/teams/{key}", signedIn(teamPage)},
		{"GET", "/teams/{key}/services/new", signedIn(newServicePage)},
		{"POST", "/teams/{key}/services", signedIn(createService)},
		{"POST", "/teams/{key}/services/{id}/revoke", signedIn(revokeService)},
		{"POST", "/teams/{key}/name", admin(changeTeam("The name is saved.", renameTeam))},
		{"POST", "/teams/{key}/members", admin(changeTeam("They are in the team.", addMember))},
		{"POST", "/teams/{key}/members/{person}", admin(changeTeam("The role is saved.", setMemberRole))},
		{"POST", "/teams/{key}/members/{person}/remove", admin(changeTeam("They are no longer in the team.", removeMember))},
	}
}

func teamList(v *visit) error {
	teams, err := v.Identity.Teams(v.ctx(), v.who)
	if err != nil {
		return err
	}
	leads, err := identity.LeadsOfTeams(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	l := views.TeamsPage{Admin: v.who.Is(identity.Admin)}
	for _, t := range teams {
		l.Teams = append(l.Teams, views.TeamLine{Team: t, Leads: leads[t.ID]})
	}
	for _, m := range v.who.Teams {
		l.Mine = append(l.Mine, m.TeamID)
	}
	return v.render(http.StatusOK, views.Teams(v.page("Teams", "/teams"), l))
}

func newTeamPage(v *visit) error { return v.showTeamForm(http.StatusOK, views.TeamForm{}, nil) }

func (v *visit) showTeamForm(status int, f views.TeamForm, errs ui.FieldErrors) error {
	p := v.page("Make a team", "/teams", ui.Link{Text: "Teams", Href: "/teams"}, ui.Link{Text: "Make a team"})
	p.Errors = errs
	return v.render(status, views.TeamNew(p, f))
}

func createTeam(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f := views.TeamForm{Key: form.Get("key"), Name: form.Get("name")}
	t, err := v.Identity.CreateTeam(v.ctx(), v.who, f.Key, f.Name)
	if errs, ok := invalid(err); ok {
		return v.showTeamForm(http.StatusUnprocessableEntity, f, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/teams/"+t.Key, "The team is made. Now put people in it.")
}

func teamPage(v *visit) error {
	t, err := v.Identity.Team(v.ctx(), v.who, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	return v.showTeam(http.StatusOK, t, nil, nil)
}

// showTeam shows a team, with a refused form as typed and why it was refused.
func (v *visit) showTeam(status int, t identity.Team, typed url.Values, errs ui.FieldErrors) error {
	page := views.TeamPage{
		Team: t, Admin: v.who.Is(identity.Admin), Typed: t.Name, Email: typed.Get("email"), Role: typed.Get("team_role"), Now: v.Now(),
		MayChat: notify.MayChannel(v.who, t.ID) == nil,
	}
	if typed.Has("name") {
		page.Typed = typed.Get("name")
	}
	lines, next, err := v.Portfolio.Workloads(v.ctx(), v.who, portfolio.Filter{TeamKey: t.Key}, "")
	if err != nil {
		return err
	}
	page.Workloads, page.More = lines, next != ""
	if page.Emergencies, err = v.Portfolio.Emergencies(v.ctx(), v.who, t.ID); err != nil {
		return err
	}
	if page.MayServe = page.Admin || v.who.Leads(t.ID); page.MayServe {
		if page.Services, err = v.Identity.ServiceTokens(v.ctx(), v.who, t.ID); err != nil {
			return err
		}
	}
	if page.Admin {
		if page.Addable, err = v.addable(t); err != nil {
			return err
		}
	}
	p := v.page(t.Name, "/teams", ui.Link{Text: "Teams", Href: "/teams"}, ui.Link{Text: t.Name})
	p.Errors = errs
	return v.render(status, views.Team(p, page))
}

// addable suggests people who are not in the team, when everybody fits the list.
func (v *visit) addable(t identity.Team) ([]ui.Option, error) {
	people, next, err := v.Identity.People(v.ctx(), v.who, identity.PeopleFilter{Limit: 200})
	if err != nil || next != "" {
		return nil, err
	}
	in := map[uuid.UUID]bool{}
	for _, m := range t.Members {
		in[m.PersonID] = true
	}
	var list []ui.Option
	for _, one := range people {
		if !in[one.ID] {
			list = append(list, ui.Option{Value: one.Email, Text: one.Name})
		}
	}
	return list, nil
}

// changeTeam makes the handler of an act on a team, as changePerson does for a person.
func changeTeam(notice string, do func(v *visit, t identity.Team, form url.Values) error) handler {
	return func(v *visit) error {
		t, err := v.Identity.Team(v.ctx(), v.who, v.r.PathValue("key"))
		if err != nil {
			return err
		}
		form, err := v.form()
		if err != nil {
			return err
		}
		err = do(v, t, form)
		if errs, ok := invalid(err); ok {
			return v.showTeam(http.StatusUnprocessableEntity, t, form, errs)
		}
		if err != nil {
			return err
		}
		return v.redirect("/teams/"+t.Key, notice)
	}
}

func renameTeam(v *visit, t identity.Team, form url.Values) error {
	return v.Identity.RenameTeam(v.ctx(), v.who, t.ID, form.Get("name"))
}

func addMember(v *visit, t identity.Team, form url.Values) error {
	one, err := v.personByEmail(form.Get("email"))
	if err != nil {
		return err
	}
	return v.setMember(t.Key, one.ID, form.Get("team_role"))
}

// personByEmail finds somebody active by the address as typed.
func (v *visit) personByEmail(typed string) (identity.Person, error) {
	typed = strings.ToLower(strings.TrimSpace(typed))
	if typed == "" {
		return identity.Person{}, fault.InvalidField("email", "Enter the e-mail address of a person.")
	}
	f := identity.PeopleFilter{Search: typed, Limit: 200}
	for {
		people, next, err := v.Identity.People(v.ctx(), v.who, f)
		if err != nil {
			return identity.Person{}, err
		}
		for _, one := range people {
			if one.Email == typed {
				return one, nil
			}
		}
		if f.After = next; next == "" {
			return identity.Person{}, fault.InvalidField("email", "Nobody who can sign in has this address. Invite them first.")
		}
	}
}

// setMember puts a person into the team with the key, or changes their role there.
func (v *visit) setMember(team string, person uuid.UUID, role string) error {
	m, err := v.readMembership(team, role)
	if err != nil {
		return err
	}
	return v.Identity.SetMembership(v.ctx(), v.who, m.TeamID, person, m.Role)
}

func setMemberRole(v *visit, t identity.Team, form url.Values) error {
	id, err := v.pathID("person")
	if err != nil {
		return err
	}
	return v.setMember(t.Key, id, form.Get("team_role"))
}

func removeMember(v *visit, t identity.Team, _ url.Values) error {
	id, err := v.pathID("person")
	if err != nil {
		return err
	}
	return v.Identity.RemoveMembership(v.ctx(), v.who, t.ID, id)
}
