package web

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// accountRoutes let people in and out, and show them their own account.
func accountRoutes() []Route {
	return []Route{
		{"GET", "/sign-in", open(signInPage)},
		{"POST", "/sign-in", open(signIn)},
		{"POST", "/sign-out", open(signOut)},
		{"GET", "/link/{secret}", open(linkPage)},
		{"POST", "/link/{secret}", open(acceptLink)},
		{"GET", "/account", signedIn(accountPage)},
		{"POST", "/account/name", signedIn(rename)},
		{"POST", "/account/password", signedIn(changePassword)},
		{"POST", "/account/theme", signedIn(saveTheme)},
		{"POST", "/account/sessions/end", signedIn(signOutEverywhere)},
		{"POST", "/account/sessions/{session}/end", signedIn(endSession)},
		{"GET", "/account/tokens/new", signedIn(newTokenPage)},
		{"POST", "/account/tokens", signedIn(createToken)},
		{"POST", "/account/tokens/{id}/revoke", signedIn(revokeToken)},
	}
}

// maxAgent bounds what is kept of a browser's own description.
const maxAgent = 200

// client says where the request came from: the address of the connection. What a proxy may
// have written into headers is not trusted, since anybody can write it.
func (v *visit) client() identity.Client {
	host, _, err := net.SplitHostPort(v.r.RemoteAddr)
	if err != nil {
		host = v.r.RemoteAddr
	}
	agent := v.r.UserAgent()
	return identity.Client{IP: host, UserAgent: agent[:min(len(agent), maxAgent)], RequestID: RequestID(v.ctx())}
}

// enter gives the browser its new session. The one it held before ends: nobody could use
// or see it any more.
func (v *visit) enter(secret, to, notice string) error {
	if old := v.readCookie(v.r, sessionCookie); old != "" {
		if err := v.Identity.SignOut(v.ctx(), old); err != nil {
			v.Log.Warn("end the session before", "request_id", RequestID(v.ctx()), "error", err)
		}
	}
	http.SetCookie(v.w, v.cookie(sessionCookie, secret, identity.SessionLife))
	return v.redirect(to, notice)
}

// leave takes the session from the browser, and what it keeps of our pages.
func (v *visit) leave(notice string) error {
	http.SetCookie(v.w, v.cookie(sessionCookie, "", -time.Second))
	v.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return v.redirect("/sign-in", notice)
}

func signInPage(v *visit) error {
	next := localPath(v.r.URL.Query().Get("next"))
	if v.who.PersonID != uuid.Nil {
		return v.redirect(next, "")
	}
	return v.showSignIn(http.StatusOK, views.SignInPage{Next: next}, nil)
}

func (v *visit) showSignIn(status int, s views.SignInPage, errs ui.FieldErrors) error {
	if s.Next == "/" {
		s.Next = ""
	}
	p := v.page("Sign in", "")
	p.Errors = errs
	return v.render(status, views.SignIn(p, s))
}

func signIn(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	s := views.SignInPage{Email: form.Get("email"), Next: localPath(form.Get("next"))}
	secret, err := v.Identity.SignIn(v.ctx(), s.Email, form.Get("password"), v.client())
	if errs, ok := invalid(err); ok {
		return v.showSignIn(http.StatusUnprocessableEntity, s, errs)
	}
	if kind := fault.KindOf(err); err != nil && (kind == fault.Unauthenticated || kind == fault.TooMany || kind == fault.Unavailable) {
		if kind == fault.TooMany {
			v.w.Header().Set("Retry-After", "900")
		}
		return v.showSignIn(statusOf[kind], s, ui.FieldErrors{{Message: fault.MessageOf(err)}})
	}
	if err != nil {
		return err
	}
	return v.enter(secret, s.Next, "")
}

func signOut(v *visit) error {
	if secret := v.readCookie(v.r, sessionCookie); secret != "" {
		if err := v.Identity.SignOut(v.ctx(), secret); err != nil {
			return err
		}
	}
	return v.leave("You are signed out.")
}

func linkPage(v *visit) error {
	info, err := v.Identity.LinkStatus(v.ctx(), v.r.PathValue("secret"))
	if fault.Is(err, fault.NotFound) {
		return v.showDeadLink(err)
	}
	if err != nil {
		return err
	}
	return v.showLink(http.StatusOK, views.LinkPage{LinkInfo: info}, nil)
}

func (v *visit) showDeadLink(err error) error {
	return v.render(http.StatusNotFound, views.DeadLink(v.page("This link does not work", ""), fault.MessageOf(err)))
}

func (v *visit) showLink(status int, l views.LinkPage, errs ui.FieldErrors) error {
	l.Action, l.InAs = "/link/"+url.PathEscape(v.r.PathValue("secret")), v.who.Name
	title := "Set your password"
	if l.Purpose == identity.FirstAdmin {
		title = "Become admin"
	}
	p := v.page(title, "")
	p.Errors = errs
	return v.render(status, views.OneTimeLink(p, l))
}

func acceptLink(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	secret := v.r.PathValue("secret")
	info, err := v.Identity.LinkStatus(v.ctx(), secret)
	l := views.LinkPage{LinkInfo: info, TypedName: form.Get("name"), TypedMail: form.Get("email")}
	var session string
	switch {
	case err != nil:
	case info.Purpose == identity.FirstAdmin:
		_, session, err = v.Identity.AcceptAdminLink(v.ctx(), secret, l.TypedName, l.TypedMail, form.Get("password"), v.client())
	default:
		session, err = v.Identity.AcceptLink(v.ctx(), secret, form.Get("password"), v.client())
	}
	if errs, ok := invalid(err); ok {
		return v.showLink(http.StatusUnprocessableEntity, l, errs)
	}
	if fault.Is(err, fault.NotFound) {
		return v.showDeadLink(err)
	}
	if err != nil {
		return err
	}
	return v.enter(session, "/", "Your password is set, and you are signed in.")
}

func accountPage(v *visit) error { return v.showAccount(http.StatusOK, v.who.Name, nil) }

// showAccount shows the reader's own page, with the name as typed.
func (v *visit) showAccount(status int, name string, errs ui.FieldErrors) error {
	_, here, err := v.Identity.Actor(v.ctx(), v.readCookie(v.r, sessionCookie))
	if err != nil {
		return err
	}
	a := views.AccountPage{Here: here.ID, Typed: name, Theme: themeOf(v.r), Now: v.Now()}
	if a.Person, err = v.Identity.Person(v.ctx(), v.who, v.who.PersonID); err != nil {
		return err
	}
	if a.Sessions, err = v.Identity.Sessions(v.ctx(), v.who); err != nil {
		return err
	}
	if a.Settings, err = identity.SettingsOf(v.ctx(), v.DB, v.who); err != nil {
		return err
	}
	if a.Tokens, err = v.Identity.Tokens(v.ctx(), v.who); err != nil {
		return err
	}
	p := v.page("Your account", "/account")
	p.Errors = errs
	return v.render(status, views.Account(p, a))
}

func rename(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	err = v.Identity.Rename(v.ctx(), v.who, form.Get("name"))
	if errs, ok := invalid(err); ok {
		return v.showAccount(http.StatusUnprocessableEntity, form.Get("name"), errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/account", "Your name is saved.")
}

func changePassword(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	secret, err := v.Identity.ChangePassword(v.ctx(), v.who, form.Get("current"), form.Get("password"), v.client())
	if errs, ok := invalid(err); ok {
		return v.showAccount(http.StatusUnprocessableEntity, v.who.Name, errs)
	}
	if kind := fault.KindOf(err); err != nil && (kind == fault.TooMany || kind == fault.Unavailable) {
		return v.showAccount(statusOf[kind], v.who.Name, ui.FieldErrors{{Name: "current", Message: fault.MessageOf(err)}})
	}
	if err != nil {
		return err
	}
	return v.enter(secret, "/account", "Your password is changed, and every other browser is signed out.")
}

// saveTheme keeps the theme in a cookie that the script writes as well, so it is one that
// scripts may read. It holds no secret.
func saveTheme(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	c := &http.Cookie{
		Name: ui.ThemeCookie, Value: ui.Theme(form.Get("theme")), Path: "/", MaxAge: 365 * 24 * 60 * 60, Secure: v.Secure, SameSite: http.SameSiteLaxMode,
	}
	if c.Value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(v.w, c)
	return v.redirect("/account", "The appearance is saved on this browser.")
}

func endSession(v *visit) error {
	if err := v.Identity.EndSession(v.ctx(), v.who, v.r.PathValue("session")); err != nil {
		return err
	}
	return v.redirect("/account", "That browser is signed out.")
}

func signOutEverywhere(v *visit) error {
	if err := v.Identity.EndSessions(v.ctx(), v.who, v.who.PersonID); err != nil {
		return err
	}
	return v.leave("You are signed out everywhere.")
}

func newTokenPage(v *visit) error {
	return v.showTokenForm(http.StatusOK, views.TokenForm{Days: "90", Chosen: []string{identity.ReadReviews}}, nil)
}

func (v *visit) showTokenForm(status int, f views.TokenForm, errs ui.FieldErrors) error {
	p := v.page("Make an API token", "/account", ui.Link{Text: "Your account", Href: "/account"}, ui.Link{Text: "Make an API token"})
	p.Errors = errs
	return v.render(status, views.TokenNew(p, f))
}

func createToken(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f := views.TokenForm{Name: form.Get("name"), Days: form.Get("expires"), Chosen: form["scopes"]}
	days, _ := strconv.Atoi(f.Days) // what is no number is no day, which is refused
	life := time.Duration(max(0, min(days, 1000))) * 24 * time.Hour
	t, secret, err := v.Identity.CreateToken(v.ctx(), v.who, f.Name, f.Chosen, life)
	if errs, ok := invalid(err); ok {
		return v.showTokenForm(http.StatusUnprocessableEntity, f, errs)
	}
	if err != nil {
		return err
	}
	p := v.page("The token is made", "/account", ui.Link{Text: "Your account", Href: "/account"}, ui.Link{Text: "The token"})
	return v.render(http.StatusOK, views.TokenMade(p, views.NewToken{Token: t, Secret: secret, PublicURL: v.PublicURL, Now: v.Now(), Back: ui.Link{Text: "Go to your account", Href: "/account"}}))
}

func revokeToken(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	if err := v.Identity.RevokeToken(v.ctx(), v.who, id); err != nil {
		return err
	}
	return v.redirect("/account", "The token is revoked.")
}
