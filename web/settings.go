package web

import (
	"net/http"
	"strconv"

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
	typed["version"] = policy.Version()
	return v.render(http.StatusOK, views.DuePolicy(v.settings("Due days", ui.Link{Text: "Due days"}), typed, nil))
}

func savePolicy(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	err = v.Items.SavePolicy(v.ctx(), v.who, form.Get("version"), form.Get)
	if status, errs, again := refused(err); again {
		typed, stored := map[string]string{}, remediation.Policy(nil)
		for name := range form {
			typed[name] = form.Get(name)
		}
		if status == http.StatusConflict {
			if stored, err = remediation.LoadPolicy(v.ctx(), v.DB); err != nil {
				return err
			}
			typed["version"] = stored.Version()
		}
		p := v.settings("Due days", ui.Link{Text: "Due days"})
		p.Errors = errs
		return v.render(status, views.DuePolicy(p, typed, stored))
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
