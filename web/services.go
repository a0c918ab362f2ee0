package web

import (
	"net/http"
	"strconv"
	"time"

	"orrery/internal/identity"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// serviceTeam reads the team of the address, for those who make tokens of its services.
func (v *visit) serviceTeam() (identity.Team, error) {
	t, err := v.Identity.Team(v.ctx(), v.who, v.r.PathValue("key"))
	if err == nil {
		_, err = v.Identity.ServiceTokens(v.ctx(), v.who, t.ID)
	}
	return t, err
}

func newServicePage(v *visit) error {
	t, err := v.serviceTeam()
	if err != nil {
		return err
	}
	return v.showServiceForm(http.StatusOK, t, views.TokenForm{Days: "90", Chosen: []string{identity.ReadReviews}}, nil)
}

func (v *visit) showServiceForm(status int, t identity.Team, f views.TokenForm, errs ui.FieldErrors) error {
	p := v.page("Make a token of a service", "/teams", ui.Link{Text: "Teams", Href: "/teams"}, ui.Link{Text: t.Name, Href: "/teams/" + t.Key}, ui.Link{Text: "Make a token"})
	p.Errors = errs
	return v.render(status, views.ServiceNew(p, t, f))
}

func createService(v *visit) error {
	t, err := v.serviceTeam()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	f := views.TokenForm{Name: form.Get("name"), Days: form.Get("expires"), Chosen: form["scopes"]}
	days, _ := strconv.Atoi(f.Days) // what is no number is no day, which is refused
	made, secret, err := v.Identity.CreateServiceToken(v.ctx(), v.who, t.ID, f.Name, f.Chosen, time.Duration(max(0, min(days, 1000)))*24*time.Hour)
	if errs, ok := invalid(err); ok {
		return v.showServiceForm(http.StatusUnprocessableEntity, t, f, errs)
	}
	if err != nil {
		return err
	}
	p := v.page("The token is made", "/teams", ui.Link{Text: "Teams", Href: "/teams"}, ui.Link{Text: t.Name, Href: "/teams/" + t.Key}, ui.Link{Text: "The token"})
	return v.render(http.StatusOK, views.TokenMade(p, views.NewToken{Token: made, Secret: secret, PublicURL: v.PublicURL, Now: v.Now(), Back: ui.Link{Text: "Go to " + t.Name, Href: "/teams/" + t.Key}}))
}

func revokeService(v *visit) error {
	t, err := v.serviceTeam()
	if err != nil {
		return err
	}
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	if err := v.Identity.RevokeServiceToken(v.ctx(), v.who, t.ID, id); err != nil {
		return err
	}
	return v.redirect("/teams/"+t.Key, "The token is revoked.")
}
