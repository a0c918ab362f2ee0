package web

import (
	"cmp"
	"net/http"
	"strings"

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
	p := v.page("Connect an account", "/connections", connectionCrumbs("Connect an account")...)
	p.Errors = errs
	return v.render(status, views.ConnectionNew(p, f))
}

func addConnection(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f := views.ConnectionForm{
		Account: form.Get("account"), Name: form.Get("name"), Team: form.Get("team"), Mode: form.Get("mode"), Role: form.Get("role"),
		Regions: form.Get("regions"), Sources: form["sources"],
	}
	c, err := v.Evidence.AddConnection(v.ctx(), v.who, evidence.ConnectionInput{
		Account: f.Account, Name: f.Name, TeamKey: f.Team, Mode: f.Mode, Role: f.Role, Regions: splitList(f.Regions, true), Sources: f.Sources,
	})
	if errs, ok := invalid(err); ok {
		return v.showConnectionForm(http.StatusUnprocessableEntity, f, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/connections/"+c.ID.String(), "The account is connected. Now make the role in it, then test the connection.")
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
	p := views.ConnectionPage{Actions: v.Evidence.Actions(), Admin: v.who.Is(identity.Admin)}
	if p.Connection, err = v.Evidence.Connection(v.ctx(), v.who, id); err != nil {
		return p, err
	}
	p.CanLend = v.who.May(identity.LendAccount, identity.Target{TeamID: p.Connection.TeamID}) == nil
	p.Region = "us-east-1"
	if len(p.Connection.Regions) > 0 {
		p.Region = p.Connection.Regions[0]
	}
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
