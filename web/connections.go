package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/text"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// connectionRoutes show how AWS accounts are reached; admins change it, and leads of the
// owning team lend an account to workloads of others.
func connectionRoutes() []Route {
	return []Route{
		{"GET", "/connections", signedIn(connectionList)},
		{"GET", "/connections/new", admin(newConnectionPage)},
		{"POST", "/connections/new", admin(addConnection)},
		{"GET", "/connections/{id}", signedIn(connectionPage)},
		{"GET", "/connections/{id}/edit", admin(editConnectionPage)},
		{"POST", "/connections/{id}/edit", admin(changeConnection)},
		{"GET", "/connections/{id}/test", admin(testConnection)},
		{"POST", "/connections/{id}/remove", admin(removeConnection)},
		{"POST", "/connections/{id}/allow", signedIn(lendAccount(true))},
		{"POST", "/connections/{id}/disallow", signedIn(lendAccount(false))},
	}
}

func connectionCrumbs(last string) []ui.Link {
	return []ui.Link{{Text: "Connections", Href: "/connections"}, {Text: last}}
}

func connectionList(v *visit) error {
	list, err := v.Evidence.Connections(v.ctx(), v.who)
	if err != nil {
		return err
	}
	p := v.page("Connections to AWS", "/connections")
	return v.render(http.StatusOK, views.Connections(p, views.ConnectionList{Connections: list, Admin: v.who.Is(identity.Admin)}))
}

func newConnectionPage(v *visit) error {
	f := views.ConnectionForm{Mode: evidence.TakeRole, Sources: evidence.Sources(), Account: text.Line(v.r.URL.Query().Get("account"))}
	return v.showConnectionForm(http.StatusOK, f, nil)
}

func (v *visit) showConnectionForm(status int, f views.ConnectionForm, errs ui.FieldErrors) error {
	teams, err := v.Identity.Teams(v.ctx(), v.who)
	if err != nil {
		return err
	}
	for _, t := range teams {
		f.Teams = append(f.Teams, ui.Option{Value: t.Key, Text: t.Name})
	}
	p := v.page(f.Title(), "/connections", connectionCrumbs(f.Title())...)
	p.Errors = errs
	return v.render(status, views.ConnectionEdit(p, f))
}

func readConnectionForm(form url.Values) views.ConnectionForm {
	return views.ConnectionForm{
		Account: form.Get("account"), Name: form.Get("name"), Team: form.Get("team"), Mode: form.Get("mode"), Role: form.Get("role"),
		Regions: form.Get("regions"), Sources: form["sources"], Hub: form.Has("hub"), HubRegion: form.Get("hub_region"), Version: form.Get("version"),
	}
}

func connectionInput(f views.ConnectionForm) evidence.ConnectionInput {
	return evidence.ConnectionInput{
		Account: f.Account, Name: f.Name, TeamKey: f.Team, Mode: f.Mode, Role: f.Role, Regions: splitList(f.Regions, true), Sources: f.Sources,
		Hub: f.Hub, HubRegion: f.HubRegion,
	}
}

func addConnection(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f := readConnectionForm(form)
	c, err := v.Evidence.AddConnection(v.ctx(), v.who, connectionInput(f))
	if errs, ok := invalid(err); ok {
		return v.showConnectionForm(http.StatusUnprocessableEntity, f, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/connections/"+c.ID.String(), "The account is connected. Now make the role in it, then test the connection.")
}

func editConnectionPage(v *visit) error {
	c, err := v.standingConnection()
	if err != nil || c.ID == uuid.Nil {
		return err
	}
	return v.showConnectionForm(http.StatusOK, views.FormOfConnection(c), nil)
}

// standingConnection reads the connection of the address. Where it was removed the page says
// so, and the connection is empty.
func (v *visit) standingConnection() (evidence.Connection, error) {
	id, err := v.pathID("id")
	if err != nil {
		return evidence.Connection{}, err
	}
	c, err := v.Evidence.Connection(v.ctx(), v.who, id)
	if err == nil && c.RemovedAt != nil {
		return evidence.Connection{}, v.problem(http.StatusConflict, "This connection cannot be changed", "It was removed. Connect the account anew instead.")
	}
	return c, err
}

func changeConnection(v *visit) error {
	c, err := v.standingConnection()
	if err != nil || c.ID == uuid.Nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	f := readConnectionForm(form)
	f.Stored = &c
	version, _ := strconv.Atoi(f.Version) // a version nobody wrote is 0, which is stale
	_, err = v.Evidence.ChangeConnection(v.ctx(), v.who, c.ID, version, connectionInput(f))
	if errs, ok := invalid(err); ok {
		return v.showConnectionForm(http.StatusUnprocessableEntity, f, errs)
	}
	if fault.Is(err, fault.Conflict) {
		if c, err = v.standingConnection(); err != nil || c.ID == uuid.Nil {
			return err
		}
		f.Stored, f.Version = &c, strconv.Itoa(c.Version)
		f.Conflict = "Somebody changed this connection since you opened it. Your input is still here."
		return v.showConnectionForm(http.StatusConflict, f, nil)
	}
	if err != nil {
		return err
	}
	return v.redirect("/connections/"+c.ID.String(), "The connection is changed. The next collection reads as it says.")
}

func connectionPage(v *visit) error {
	c, err := v.connection()
	if err != nil {
		return err
	}
	return v.showConnection(http.StatusOK, c, nil)
}

// connection reads what a page of a connection shows.
func (v *visit) connection() (views.ConnectionPage, error) {
	id, err := v.pathID("id")
	if err != nil {
		return views.ConnectionPage{}, err
	}
	p := views.ConnectionPage{Admin: v.who.Is(identity.Admin)}
	if p.Connection, err = v.Evidence.Connection(v.ctx(), v.who, id); err != nil {
		return p, err
	}
	p.Actions = v.Evidence.Actions(p.Connection.Hub)
	p.CanLend = v.who.May(identity.LendAccount, identity.Target{TeamID: p.Connection.TeamID}) == nil
	p.Region = "us-east-1"
	if len(p.Connection.Regions) > 0 {
		p.Region = p.Connection.Regions[0]
	}
	p.Region = cmp.Or(p.Connection.HubRegion, p.Region)
	p.Uses, err = workload.UsesOf(v.ctx(), v.DB, v.who, p.Connection.Account)
	return p, err
}

func (v *visit) showConnection(status int, c views.ConnectionPage, errs ui.FieldErrors) error {
	p := v.page(c.Connection.Name, "/connections", connectionCrumbs(c.Connection.Name)...)
	p.Errors = errs
	return v.render(status, views.Connection(p, c))
}

// testConnection tries the calls that collections need, and shows what AWS said.
func testConnection(v *visit) error {
	c, err := v.connection()
	if err != nil {
		return err
	}
	c.Region = cmp.Or(text.Line(v.r.URL.Query().Get("region")), c.Region)
	c.Permissions, err = v.Evidence.TestConnection(v.ctx(), v.who, c.Connection.ID, c.Region)
	if errs, ok := invalid(err); ok {
		return v.showConnection(http.StatusUnprocessableEntity, c, errs)
	}
	if fault.Is(err, fault.Conflict) {
		return v.problem(http.StatusConflict, "This connection cannot be tested", fault.MessageOf(err))
	}
	if err != nil {
		return err
	}
	return v.showConnection(http.StatusOK, c, nil)
}

func removeConnection(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	_, err = v.Evidence.RemoveConnection(v.ctx(), v.who, id)
	if fault.Is(err, fault.Conflict) {
		return v.problem(http.StatusConflict, "The connection is gone already", fault.MessageOf(err))
	}
	if err != nil {
		return err
	}
	return v.redirect("/connections/"+id.String(), "The connection is removed. What was read through it stays.")
}

// lendAccount lets a workload name the account, or takes that back.
func lendAccount(allow bool) handler {
	return func(v *visit) error {
		c, err := v.connection()
		if err != nil {
			return err
		}
		form, err := v.form()
		if err != nil {
			return err
		}
		key := strings.TrimSpace(form.Get("workload"))
		err = v.Workloads.AllowAccount(v.ctx(), v.who, c.Connection.Account, key, allow)
		if errs, ok := invalid(err); ok {
			c.Workload = key
			return v.showConnection(http.StatusUnprocessableEntity, c, errs)
		}
		if err != nil {
			return err
		}
		notice := "The workload may name this account."
		if !allow {
			notice = "The workload gets no facts of this account any more."
		}
		return v.redirect("/connections/"+c.Connection.ID.String(), notice)
	}
}
