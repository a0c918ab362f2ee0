package web

import (
	"context"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// settingsRoutes are what admins set for the whole organisation.
func settingsRoutes() []Route {
	return []Route{
		{"GET", "/settings", connections(settingsPage)},
		{"GET", "/settings/due", connections(policyPage)},
		{"POST", "/settings/due", connections(savePolicy)},
	}
}

// connections wraps a handler for who may manage connections. The services decide it again.
func connections(h handler) handler {
	return signedIn(func(v *visit) error {
		if err := v.who.May(identity.ManageConnections, identity.Target{}); err != nil {
			return err
		}
		return h(v)
	})
}

func settingsPage(v *visit) error { return v.redirect("/settings/webhooks", "") }

// settings is the frame of a page under Settings.
func (v *visit) settings(title string, crumbs ...ui.Link) ui.Page {
	return v.page(title, "", append([]ui.Link{{Text: "Settings", Href: "/settings/webhooks"}}, crumbs...)...)
}

// setting is the frame of one thing under Settings, of the list it is in, with what was wrong
// with its form.
func (v *visit) setting(title string, errs ui.FieldErrors, list ui.Link) ui.Page {
	p := v.settings(title, list, ui.Link{Text: title})
	p.Errors = errs
	return p
}

// showSecret shows a secret on the one page that does.
func (v *visit) showSecret(title, secret, next, words string) error {
	p := v.settings(title, ui.Link{Text: title, Href: next}, ui.Link{Text: "Secret"})
	return v.render(http.StatusOK, views.OneSecret(p, views.SecretPage{Title: title, Secret: secret, Next: next, Words: words}))
}

// replaceSecret makes a new secret of what the address names and shows it.
func (v *visit) replaceSecret(replace func(context.Context, identity.Actor, uuid.UUID) (string, error), list, words string) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	secret, err := replace(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	return v.showSecret("New secret", secret, list+id.String(), words)
}

func policyPage(v *visit) error {
	policy, err := remediation.LoadPolicy(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	typed := map[string]string{}
	for _, risk := range remediation.Risks() {
		for tier := 1; tier <= 3; tier++ {
			typed[remediation.PolicyField(risk, tier)] = strconv.Itoa(policy.Days(risk, tier))
		}
	}
	return v.render(http.StatusOK, views.DuePolicy(v.settings("Due days", ui.Link{Text: "Due days"}), typed))
}

func savePolicy(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	err = v.Items.SavePolicy(v.ctx(), v.who, form.Get)
	if errs, bad := invalid(err); bad {
		typed := map[string]string{}
		for name := range form {
			typed[name] = form.Get(name)
		}
		p := v.settings("Due days", ui.Link{Text: "Due days"})
		p.Errors = errs
		return v.render(http.StatusUnprocessableEntity, views.DuePolicy(p, typed))
	}
	if err != nil {
		return err
	}
	return v.redirect("/settings/due", "The due days are saved. Items that are open keep theirs.")
}

// refused reports whether a form is shown again with what was typed: it was invalid, something
// else changed meanwhile, or a field of it is not for this person. Other errors are for the adapter.
func refused(err error) (status int, errs ui.FieldErrors, again bool) {
	if errs, bad := invalid(err); bad {
		return http.StatusUnprocessableEntity, errs, true
	}
	if fault.Is(err, fault.Conflict) {
		return http.StatusConflict, ui.FieldErrors{{Message: fault.MessageOf(err)}}, true
	}
	if errs := fieldErrors(err); fault.Is(err, fault.Forbidden) && len(errs) > 0 {
		return http.StatusForbidden, errs, true
	}
	return 0, nil, false
}
