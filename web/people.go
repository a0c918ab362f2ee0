package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/text"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// peopleRoutes show who may do what; admins change it.
func peopleRoutes() []Route {
	return append([]Route{
		{"GET", "/people", admin(peopleList)},
		{"GET", "/people/new", admin(invitePage)},
		{"POST", "/people/new", admin(invite)},
		{"GET", "/people/{id}", signedIn(personPage)},
		{"POST", "/people/{id}/roles", admin(changePerson("The roles are saved.", setRoles))},
		{"POST", "/people/{id}/teams", admin(changePerson("The team is added.", addToTeam))},
		{"POST", "/people/{id}/teams/{key}", admin(changePerson("The role in the team is saved.", setTeamRole))},
		{"POST", "/people/{id}/teams/{key}/remove", admin(changePerson("They are no longer in the team.", leaveTeam))},
		{"POST", "/people/{id}/grants", admin(changePerson("The grant is given.", giveGrant))},
		{"POST", "/people/{id}/grants/{grant}/revoke", admin(changePerson("The grant is taken back.", revokeGrant))},
		{"POST", "/people/{id}/sessions/end", admin(changePerson("They are signed out everywhere.", endSessionsOf))},
		{"POST", "/people/{id}/deactivate", admin(changePerson("They can no longer sign in.", deactivate))},
		{"POST", "/people/{id}/reactivate", admin(changePerson("They can sign in again.", reactivate))},
		{"POST", "/people/{id}/link", admin(makeLink)},
	}, teamRoutes()...)
}

// admin wraps a handler for admins. The services decide it again; here it keeps others from
// learning from a refused form what is there.
func admin(h handler) handler {
	return signedIn(func(v *visit) error {
		if err := v.who.May(identity.ManagePeople, identity.Target{}); err != nil {
			return err
		}
		return h(v)
	})
}

func peopleList(v *visit) error {
	q := v.r.URL.Query()
	l := views.PeoplePage{Search: strings.TrimSpace(q.Get("q")), Deactivated: q.Get("deactivated") != ""}
	var err error
	var next string
	l.People, next, err = v.Identity.People(v.ctx(), v.who, identity.PeopleFilter{Search: l.Search, Deactivated: l.Deactivated, After: q.Get("after")})
	if err != nil {
		return err
	}
	if next != "" {
		l.Next = v.sameList("after", next)
	}
	if q.Get("after") != "" {
		l.First = v.sameList("after", "")
	}
	return v.render(http.StatusOK, views.People(v.page("People", "/people"), l))
}

// sameList is the address of this list with one parameter changed, or left out when empty.
func (v *visit) sameList(name, value string) string {
	q := v.r.URL.Query()
	q.Set(name, value)
	for key := range q {
		if q.Get(key) == "" {
			q.Del(key)
		}
	}
	if len(q) == 0 {
		return v.r.URL.Path
	}
	return v.r.URL.Path + "?" + q.Encode()
}

func invitePage(v *visit) error {
	return v.showInvite(http.StatusOK, views.InviteForm{Team: v.r.URL.Query().Get("team")}, nil)
}

func (v *visit) showInvite(status int, f views.InviteForm, errs ui.FieldErrors) error {
	var err error
	if f.Teams, err = v.teamOptions(nil); err != nil {
		return err
	}
	if f.Grant.Workloads, err = v.workloadOptions(); err != nil {
		return err
	}
	p := v.page("Invite a person", "/people", ui.Link{Text: "People", Href: "/people"}, ui.Link{Text: "Invite a person"})
	p.Errors = errs
	return v.render(status, views.Invite(p, f))
}

func invite(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f := views.InviteForm{
		Email: form.Get("email"), Name: form.Get("name"), Roles: form["role"], Team: form.Get("team"), TeamRole: form.Get("team_role"), Grant: typedGrant(form),
	}
	in, err := v.readInvite(f)
	if err == nil {
		var one identity.Person
		var link identity.Link
		if one, link, err = v.Identity.Invite(v.ctx(), v.who, in); err == nil {
			return v.showMadeLink(one, link)
		}
	}
	if errs, ok := invalid(err); ok {
		return v.showInvite(http.StatusUnprocessableEntity, f, errs)
	}
	return err
}

// readInvite finds the team and the workload that the form names.
func (v *visit) readInvite(f views.InviteForm) (identity.InviteInput, error) {
	in := identity.InviteInput{Email: f.Email, Name: f.Name}
	for _, r := range f.Roles {
		in.Roles = append(in.Roles, identity.OrgRole(r))
	}
	var wrong []fault.Field
	if f.Team != "" {
		m, err := v.readMembership(f.Team, f.TeamRole)
		if wrong = append(wrong, fault.FieldsOf(err)...); err != nil && !fault.Is(err, fault.Invalid) {
			return in, err
		}
		in.Teams = []identity.Membership{m}
	}
	if f.Grant.Kind != "" {
		g, err := v.readGrant(f.Grant)
		if wrong = append(wrong, fault.FieldsOf(err)...); err != nil && !fault.Is(err, fault.Invalid) {
			return in, err
		}
		in.Grants = []identity.GrantInput{g}
	} else if strings.TrimSpace(f.Grant.Workload) != "" {
		wrong = append(wrong, fault.Field{Name: "kind", Message: "Choose approver or facilitator, or name no workload."})
	}
	return in, fault.InvalidFields(wrong...)
}

// readMembership finds a team by its key and reads a role in it.
func (v *visit) readMembership(team, role string) (identity.Membership, error) {
	r := identity.TeamRole(role)
	if r != identity.Lead && r != identity.Member {
		return identity.Membership{}, fault.InvalidField("team_role", "Choose lead or member.")
	}
	t, err := v.Identity.Team(v.ctx(), v.who, team)
	if fault.Is(err, fault.NotFound) {
		err = fault.InvalidField("team", "Choose a team from the list.")
	}
	return identity.Membership{TeamID: t.ID, Role: r}, err
}

func typedGrant(form url.Values) views.GrantForm {
	return views.GrantForm{Kind: form.Get("kind"), On: form.Get("on"), Workload: form.Get("workload")}
}

// finder finds the workload of a grant by its key also where the admin may not read it:
// whoever knows the key of a restricted workload may be asked to give it an approver.
var finder = identity.SystemActor("grants")

// readGrant finds the workload of a grant. All workloads are meant only when that is said
// and none is named.
func (v *visit) readGrant(g views.GrantForm) (identity.GrantInput, error) {
	in := identity.GrantInput{Kind: identity.GrantKind(g.Kind)}
	key := strings.TrimSpace(g.Workload)
	switch {
	case g.On == "all" && key != "":
		return in, fault.InvalidField("on", "Choose one workload, or name none: both cannot be meant.")
	case g.On == "all":
		return in, nil
	case g.On != "one":
		return in, fault.InvalidField("on", "Choose one workload or all workloads.")
	case key == "":
		return in, fault.InvalidField("workload", "Name the workload by its key.")
	}
	w, err := v.workloadTyped(finder, key)
	if fault.Is(err, fault.NotFound) {
		err = fault.InvalidField("workload", "No workload has the key %s. It is the last part of its address.", text.Cut(text.Clean(key)))
	}
	in.WorkloadID = w.ID
	return in, err
}

// workloadTyped finds a workload by the key as somebody typed it.
func (v *visit) workloadTyped(who identity.Actor, key string) (workload.Workload, error) {
	if text.Clean(key) != key {
		return workload.Workload{}, fault.New(fault.NotFound, "There is no such workload.") // no key, and no text for a database
	}
	return v.Workloads.ByKey(v.ctx(), who, key)
}

// showMadeLink shows a one-time link, the only time.
func (v *visit) showMadeLink(one identity.Person, link identity.Link) error {
	p := v.page("A link for "+one.Name, "/people", ui.Link{Text: "People", Href: "/people"}, ui.Link{Text: one.Name, Href: "/people/" + one.ID.String()}, ui.Link{Text: "Link"})
	l := views.MadeLink{Person: one, URL: v.PublicURL + "/link/" + link.Secret, ExpiresAt: link.ExpiresAt, Now: v.Now()}
	return v.render(http.StatusOK, views.LinkMade(p, l))
}

func makeLink(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	link, err := v.Identity.NewLink(v.ctx(), v.who, id)
	if fault.Is(err, fault.Conflict) {
		return v.showPerson(http.StatusConflict, id, nil, err)
	}
	if err != nil {
		return err
	}
	one, err := v.Identity.Person(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	return v.showMadeLink(one, link)
}

func personPage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	return v.showPerson(http.StatusOK, id, nil, nil)
}

// showPerson shows a person, with a refused form as typed and why it was refused.
func (v *visit) showPerson(status int, id uuid.UUID, typed url.Values, refused error) error {
	one, err := v.Identity.Person(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	page := views.PersonPage{
		Person: one, Admin: v.who.May(identity.ManagePeople, identity.Target{}) == nil, Self: id == v.who.PersonID,
		Team: typed.Get("team"), TeamRole: typed.Get("team_role"), Grant: typedGrant(typed), RoleForm: typed["role"],
	}
	section := ""
	crumbs := []ui.Link{{Text: "People"}, {Text: one.Name}}
	if page.Admin {
		section, crumbs[0].Href = "/people", "/people"
		if page.Others, err = v.teamOptions(one.Teams); err != nil {
			return err
		}
		if page.Grant.Workloads, err = v.workloadOptions(); err != nil {
			return err
		}
	}
	if typed.Get("form") != "roles" {
		for _, r := range one.Roles {
			page.RoleForm = append(page.RoleForm, string(r))
		}
	}
	p := v.page(one.Name, section, crumbs...)
	if errs, ok := invalid(refused); ok {
		p.Errors = errs
	} else if refused != nil {
		p.Errors = ui.FieldErrors{{Message: fault.MessageOf(refused)}}
	}
	return v.render(status, views.Person(p, page))
}

// teamOptions lists the teams but those given.
func (v *visit) teamOptions(without []identity.PersonTeam) ([]ui.Option, error) {
	teams, err := v.Identity.Teams(v.ctx(), v.who)
	if err != nil {
		return nil, err
	}
	var list []ui.Option
	for _, t := range teams {
		if !slices.ContainsFunc(without, func(in identity.PersonTeam) bool { return in.TeamID == t.ID }) {
			list = append(list, ui.Option{Value: t.Key, Text: t.Name})
		}
	}
	return list, nil
}

// workloadOptions suggests workloads, when they are few enough to suggest them all: a part
// of the list would look as if there were no others.
func (v *visit) workloadOptions() ([]ui.Option, error) {
	lines, next, err := v.Portfolio.Workloads(v.ctx(), v.who, portfolio.Filter{}, "")
	if err != nil || next != "" {
		return nil, err
	}
	list := make([]ui.Option, 0, len(lines))
	for _, w := range lines {
		list = append(list, ui.Option{Value: w.Key, Text: w.Name})
	}
	return list, nil
}

// changePerson makes the handler of an act on a person: it does it and shows the person
// with the notice, or again with what is wrong.
func changePerson(notice string, do func(v *visit, id uuid.UUID, form url.Values) error) handler {
	return func(v *visit) error {
		id, err := v.pathID("id")
		if err != nil {
			return err
		}
		form, err := v.form()
		if err != nil {
			return err
		}
		err = do(v, id, form)
		switch {
		case fault.Is(err, fault.Invalid):
			return v.showPerson(http.StatusUnprocessableEntity, id, form, err)
		case fault.Is(err, fault.Conflict):
			return v.showPerson(http.StatusConflict, id, form, err)
		case err != nil:
			return err
		}
		return v.redirect("/people/"+id.String(), notice)
	}
}

func setRoles(v *visit, id uuid.UUID, form url.Values) error {
	roles := make([]identity.OrgRole, 0, len(form["role"]))
	for _, r := range form["role"] {
		roles = append(roles, identity.OrgRole(r))
	}
	return v.Identity.SetRoles(v.ctx(), v.who, id, roles)
}

func addToTeam(v *visit, id uuid.UUID, form url.Values) error {
	m, err := v.readMembership(form.Get("team"), form.Get("team_role"))
	if err != nil {
		return err
	}
	return v.Identity.SetMembership(v.ctx(), v.who, m.TeamID, id, m.Role)
}

func setTeamRole(v *visit, id uuid.UUID, form url.Values) error {
	return v.setMember(v.r.PathValue("key"), id, form.Get("team_role"))
}

func leaveTeam(v *visit, id uuid.UUID, _ url.Values) error {
	t, err := v.Identity.Team(v.ctx(), v.who, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	return v.Identity.RemoveMembership(v.ctx(), v.who, t.ID, id)
}

func giveGrant(v *visit, id uuid.UUID, form url.Values) error {
	in, err := v.readGrant(typedGrant(form))
	if err != nil {
		return err
	}
	return v.Identity.Grant(v.ctx(), v.who, id, in)
}

// revokeGrant takes back a grant of this person; any other is not found.
func revokeGrant(v *visit, id uuid.UUID, _ url.Values) error {
	grant, err := v.pathID("grant")
	if err != nil {
		return err
	}
	one, err := v.Identity.Person(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(one.Grants, func(g identity.GrantOfPerson) bool { return g.ID == grant }) {
		return fault.New(fault.NotFound, "There is no such grant.")
	}
	return v.Identity.RevokeGrant(v.ctx(), v.who, grant)
}

func endSessionsOf(v *visit, id uuid.UUID, _ url.Values) error {
	return v.Identity.EndSessions(v.ctx(), v.who, id)
}

func deactivate(v *visit, id uuid.UUID, _ url.Values) error {
	return v.Identity.Deactivate(v.ctx(), v.who, id)
}

func reactivate(v *visit, id uuid.UUID, _ url.Values) error {
	return v.Identity.Reactivate(v.ctx(), v.who, id)
}
