package web_test

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"orrery/internal/audit"
	"orrery/internal/awscloud"
	"orrery/internal/discussion"
	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/notify"
	"orrery/internal/outbound"
	"orrery/internal/portfolio"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/report"
	"orrery/internal/review"
	"orrery/internal/tickets"
	"orrery/internal/webhook"
	"orrery/internal/workload"
	"orrery/questionnaires"
	"orrery/web"
	"orrery/web/api"
)

// password is everybody's.
const password = "seven quiet herons wade"

// clock is the time of a site; it stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// site is the whole portal on its own database, answering at URL, with one admin: Ada
// Example, ada@example.org.
type site struct {
	*testing.T
	URL       string
	DB        *pgxpool.Pool
	Clock     *clock
	Library   *questionnaire.Library
	Identity  *identity.Service
	Workloads *workload.Service
	Items     *remediation.Service
	Evidence  *evidence.Service
	Reviews   *review.Service
	Portfolio *portfolio.Service
	Talk      *discussion.Service
	Incidents *incident.Service
	Reports   *report.Service
	Handler   http.Handler
	Webhooks  *webhook.Service
	Tickets   *tickets.Service
	Notices   *notify.Service
	Door      *outbound.Door
	Log       *lines // what the server complained about
	Ada       *browser

	cloud *awscloud.Collector // where a test made one
}

// lines collects what the server logs as an error; the end of a test wants none.
type lines struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

// take returns what was logged since it was last called.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	said := l.all.String()
	l.all.Reset()
	return said
}

// newSite starts a portal with Ada signed in. Nothing is published; see publish. The test
// fails when the server logs an error that nobody took.
func newSite(t *testing.T) *site {
	t.Helper()
	s := emptySite(t)
	link, err := s.Identity.MakeAdminLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := s.Identity.AcceptAdminLink(t.Context(), link.Secret, "Ada Example", "ada@example.org", password, identity.Client{IP: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	s.Ada = s.holding(secret)
	return s
}

// emptySite starts a portal in which nobody is.
func emptySite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, DB: pgtest.New(t), Clock: &clock{at: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}, Log: &lines{}}
	server := httptest.NewUnstartedServer(nil)
	s.URL = "http://" + server.Listener.Addr().String()
	jobs, err := river.NewClient(riverpgxv5.New(s.DB), &river.Config{Schema: "river"})
	if err != nil {
		t.Fatal(err)
	}
	s.Library = questionnaire.NewLibrary(s.DB, s.Clock.now)
	s.Identity = identity.NewService(s.DB, audit.RecordIdentity, s.Clock.now)
	s.Workloads = workload.NewService(s.DB, s.Clock.now)
	s.Items = remediation.NewService(s.DB, s.Clock.now)
	s.Evidence = evidence.NewService(s.DB, jobs, s.Library.ChecksInUse, s.Clock.now)
	s.Reviews = review.NewService(s.DB, s.Library, s.URL, s.Clock.now)
	s.Portfolio = portfolio.NewService(s.DB, s.Library, s.Clock.now)
	s.Talk = discussion.NewService(s.DB, s.Library, s.Clock.now)
	s.Door = outbound.NewDoor()
	s.Webhooks = webhook.NewService(s.DB, jobs, s.Door, s.URL, s.Clock.now)
	s.Tickets = tickets.NewService(s.DB, jobs, s.Door, s.URL, s.Clock.now)
	s.Notices = notify.NewService(s.DB, jobs, s.Door, s.URL, s.Clock.now)
	s.Incidents = incident.NewService(s.DB, s.Library, s.URL, s.Clock.now)
	s.Reports = report.NewService(s.DB, jobs, s.Identity, s.Reviews, s.URL, s.Clock.now)
	s.Handler = web.New(web.Deps{
		Webhooks: s.Webhooks, Tickets: s.Tickets, Notices: s.Notices,
		DB: s.DB, Identity: s.Identity, Library: s.Library, Workloads: s.Workloads, Items: s.Items, Evidence: s.Evidence, Reviews: s.Reviews,
		API: api.New(api.Deps{
			DB: s.DB, Identity: s.Identity, Library: s.Library, Workloads: s.Workloads, Items: s.Items, Evidence: s.Evidence, Reviews: s.Reviews, Portfolio: s.Portfolio, Talk: s.Talk,
			Tickets: s.Tickets, Incidents: s.Incidents, Webhooks: s.Webhooks, Reports: s.Reports,
			RequestID: web.RequestID, PublicURL: s.URL, Version: "test", Log: slog.New(slog.NewTextHandler(s.Log, nil)), Now: s.Clock.now,
		}),
		Portfolio: s.Portfolio, Talk: s.Talk, Incidents: s.Incidents, Ready: s.DB.Ping, Version: "test", PublicURL: s.URL,
		Log: slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelWarn})), Now: s.Clock.now,
	})
	server.Config.Handler = s.Handler
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if said := s.Log.take(); said != "" {
			t.Errorf("the server complained: %s", said)
		}
	})
	return s
}

// publish lays down the shipped questionnaires and review types. A new service is asked the
// core path in every tier: 15 questions are enough for most tests.
func (s *site) publish() {
	s.Helper()
	if _, err := s.Library.LoadShipped(s.Context(), questionnaires.FS); err != nil {
		s.Fatal(err)
	}
	if err := s.Reviews.EnsureTypes(s.Context()); err != nil {
		s.Fatal(err)
	}
	if _, err := s.DB.Exec(s.Context(), `update review_types set core_tiers = '{1,2,3}' where key = 'new-service'`); err != nil {
		s.Fatal(err)
	}
}

// admin is Ada as an actor, for what a test sets up by service.
func (s *site) admin() identity.Actor { return s.Ada.actor() }

// person invites somebody, accepts for them, and returns them signed in. The address is the
// first name at example.org unless it is given.
func (s *site) person(name string, in identity.InviteInput) (identity.Person, *browser) {
	s.Helper()
	in.Name = name
	if in.Email == "" {
		first, _, _ := strings.Cut(strings.ToLower(name), " ")
		in.Email = first + "@example.org"
	}
	one, link, err := s.Identity.Invite(s.Context(), s.admin(), in)
	if err != nil {
		s.Fatal(err)
	}
	secret, err := s.Identity.AcceptLink(s.Context(), link.Secret, password, identity.Client{IP: "192.0.2.2"})
	if err != nil {
		s.Fatal(err)
	}
	one.HasPassword = true
	return one, s.holding(secret)
}

// team makes a team.
func (s *site) team(key, name string) identity.Team {
	s.Helper()
	t, err := s.Identity.CreateTeam(s.Context(), s.admin(), key, name)
	if err != nil {
		s.Fatal(err)
	}
	return t
}

// workload makes a live workload of tier 2.
func (s *site) workload(key, name, team string, restricted bool) workload.Workload {
	s.Helper()
	w, err := s.Workloads.Create(s.Context(), identity.Actor{System: "test", Roles: []identity.OrgRole{identity.Admin}},
		workload.Input{Key: key, Name: name, TeamKey: team, Tier: 2, Stage: workload.Live, Restricted: restricted})
	if err != nil {
		s.Fatal(err)
	}
	return w
}

// browser is one person's browser, which holds cookies and follows no redirect by itself.
type browser struct {
	*site
	client *http.Client
}

// visitor is a browser that nobody is signed in with.
func (s *site) visitor() *browser {
	s.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	return &browser{s, &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

const sessionCookie = "orrery-session"

// holding is a browser with the session.
func (s *site) holding(secret string) *browser {
	s.Helper()
	b := s.visitor()
	at, err := url.Parse(s.URL)
	if err != nil {
		s.Fatal(err)
	}
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: sessionCookie, Value: secret, Path: "/"}})
	return b
}

// session is the secret the browser holds; empty when nobody is signed in.
func (b *browser) session() string {
	at, _ := url.Parse(b.URL)
	for _, c := range b.client.Jar.Cookies(at) {
		if c.Name == sessionCookie {
			return c.Value
		}
	}
	return ""
}

// actor is who is signed in.
func (b *browser) actor() identity.Actor {
	b.Helper()
	a, _, err := b.Identity.Actor(b.Context(), b.session())
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// answer is what came back.
type answer struct {
	*site
	Asked  string // method and address
	Status int
	Header http.Header
	Body   string
}

func (b *browser) get(path string) answer { b.Helper(); return b.ask("GET", path, nil, nil) }

// post sends a form; fields are pairs of a name and a value.
func (b *browser) post(path string, fields ...string) answer {
	b.Helper()
	return b.ask("POST", path, strings.NewReader(values(fields...).Encode()), nil)
}

func values(fields ...string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return form
}

// ask sends any request; a body is taken for a form.
func (b *browser) ask(method, path string, body io.Reader, header http.Header) answer {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.URL+path, body)
	if err != nil {
		b.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, list := range header {
		r.Header[name] = list
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer{site: b.site, Asked: method + " " + path, Status: res.StatusCode, Header: res.Header, Body: string(all)}
}

// is wants the status.
func (a answer) is(status int) answer {
	a.Helper()
	if a.Status != status {
		a.Fatalf("%s: status %d, want %d: %.600s", a.Asked, a.Status, status, a.text())
	}
	return a
}

// leadsTo wants a redirect to the address after a form was taken.
func (a answer) leadsTo(path string) answer {
	a.Helper()
	a.is(http.StatusSeeOther)
	if to := a.Header.Get("Location"); to != path {
		a.Fatalf("%s: leads to %q, want %q", a.Asked, to, path)
	}
	return a
}

// says wants each piece of text on the page.
func (a answer) says(words ...string) answer {
	a.Helper()
	text := a.text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			a.Errorf("%s: does not say %q: %s", a.Asked, w, text)
		}
	}
	return a
}

// hides wants none of them, also not in attributes.
func (a answer) hides(words ...string) answer {
	a.Helper()
	text := html.UnescapeString(a.Body)
	for _, w := range words {
		if strings.Contains(text, w) {
			a.Errorf("%s: shows %q", a.Asked, w)
		}
	}
	return a
}

var (
	unread = regexp.MustCompile(`(?s)<(head|script|svg|datalist)\b.*?</(head|script|svg|datalist)>`)
	inline = regexp.MustCompile(`</?(a|b|code|em|i|small|span|strong|time)\b[^>]*>`)
	block  = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// text is what a reader reads: without marks, spaces made one. Marks within a line leave no
// space, so that words which run together on the page do so here.
func (a answer) text() string {
	text := inline.ReplaceAllString(unread.ReplaceAllString(a.Body, ""), "")
	return spaces.ReplaceAllString(html.UnescapeString(block.ReplaceAllString(text, " ")), " ")
}

// value is what the field with the name holds.
func (a answer) value(name string) string {
	a.Helper()
	for _, tag := range regexp.MustCompile(`<input\b[^>]*>`).FindAllString(a.Body, -1) {
		if strings.Contains(tag, ` name="`+name+`"`) || strings.Contains(tag, ` id="f-`+name+`"`) {
			_, rest, _ := strings.Cut(tag, ` value="`)
			v, _, _ := strings.Cut(rest, `"`)
			return html.UnescapeString(v)
		}
	}
	a.Fatalf("%s: has no field %s", a.Asked, name)
	return ""
}

// follow opens where a redirect leads, in the browser.
func (b *browser) follow(a answer) answer {
	b.Helper()
	a.is(http.StatusSeeOther)
	return b.get(a.Header.Get("Location"))
}

// count runs a query that gives one number.
func (s *site) count(sql string, args ...any) (n int) {
	s.Helper()
	if err := s.DB.QueryRow(context.WithoutCancel(s.Context()), sql, args...).Scan(&n); err != nil {
		s.Fatal(err)
	}
	return n
}
