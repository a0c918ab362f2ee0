package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/web/views/ui"
)

const (
	sessionCookie = "orrery-session"
	noticeCookie  = "orrery-notice"
)

// cookie makes one of our cookies: for this host only, not for scripts.
func (s *Server) cookie(name, value string, keep time.Duration) *http.Cookie {
	if s.Secure {
		name = "__Host-" + name
	}
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(keep.Seconds()), HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	}
}

func (s *Server) readCookie(r *http.Request, name string) string {
	if s.Secure {
		name = "__Host-" + name
	}
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// actor loads who asks. Nobody signed in, or a session that ended, is the zero Actor.
func (s *Server) actor(r *http.Request) (identity.Actor, error) {
	secret := s.readCookie(r, sessionCookie)
	if secret == "" {
		return identity.Actor{}, nil
	}
	who, _, err := s.Identity.Actor(r.Context(), secret)
	if fault.Is(err, fault.Unauthenticated) {
		return identity.Actor{}, nil
	}
	if err != nil {
		return identity.Actor{}, err
	}
	who.RequestID = RequestID(r.Context())
	return who, nil
}

// orgCache keeps the organisation's name, which every page shows and nobody changes often.
type orgCache struct {
	mu     sync.Mutex
	name   string
	sample bool
	until  time.Time
}

func (s *Server) organisation(ctx context.Context) (name string, sample bool) {
	s.org.mu.Lock()
	defer s.org.mu.Unlock()
	if s.Now().After(s.org.until) {
		name, sample, err := identity.Organisation(ctx, s.DB)
		if err != nil {
			s.Log.Warn("read organisation", "error", err)
			return s.org.name, s.org.sample
		}
		s.org.name, s.org.sample, s.org.until = name, sample, s.Now().Add(10*time.Second)
	}
	return s.org.name, s.org.sample
}

// page is the frame around a page: who is signed in, where one is, what just happened. The
// answer to a form that is refused says nothing of another: that is kept for the next page.
// section is the address of the current entry of the navigation, or empty.
func (v *visit) page(title, section string, crumbs ...ui.Link) ui.Page {
	org, sample := v.organisation(v.ctx())
	p := ui.Page{Title: title, Org: org, Sample: sample, Crumbs: crumbs, Theme: themeOf(v.r)}
	if v.r.Method != http.MethodPost {
		p.Notice = v.takeNotice()
	}
	if v.who.PersonID == uuid.Nil {
		return p
	}
	p.Person = &ui.PersonRef{Name: v.who.Name, Href: "/account"}
	p.Nav = navigation(v.who)
	for i := range p.Nav {
		p.Nav[i].Current = p.Nav[i].Href == section
	}
	p.Footer = []ui.Link{{Text: "Notices", Href: "/notices"}, {Text: "API", Href: "/api/docs"}}
	if v.who.Is(identity.Admin) {
		p.Footer = append(p.Footer, ui.Link{Text: "Settings", Href: "/settings/webhooks"})
	}
	return p
}

// navigation lists what exists, for whom it is.
func navigation(who identity.Actor) []ui.NavItem {
	nav := []ui.NavItem{
		{Text: "My work", Href: "/"}, {Text: "Workloads", Href: "/workloads"}, {Text: "Reviews", Href: "/reviews"}, {Text: "Items", Href: "/items"},
		{Text: "Incidents", Href: "/incidents"},
		{Text: "Questionnaires", Href: "/questionnaires"}, {Text: "Teams", Href: "/teams"}, {Text: "Dashboard", Href: "/dashboard"},
	}
	if who.Is(identity.Admin) {
		nav = append(nav, ui.NavItem{Text: "People", Href: "/people"}, ui.NavItem{Text: "Connections", Href: "/connections"})
	}
	if who.Is(identity.Admin) || who.Is(identity.Auditor) {
		nav = append(nav, ui.NavItem{Text: "Audit", Href: "/audit"})
	}
	return nav
}

func themeOf(r *http.Request) string {
	c, err := r.Cookie(ui.ThemeCookie)
	if err != nil {
		return ""
	}
	return ui.Theme(c.Value)
}

// takeNotice returns the notice left by a redirect and forgets it.
func (v *visit) takeNotice() string {
	value := v.readCookie(v.r, noticeCookie)
	if value == "" {
		return ""
	}
	http.SetCookie(v.w, v.cookie(noticeCookie, "", -time.Second))
	words, err := url.QueryUnescape(value)
	if err != nil || len(words) > 500 {
		return ""
	}
	return words
}

// localPath returns a path of ours to go to, or / for anything else: never another host.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\n\r\t") || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	return next
}
