package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"orrery/internal/identity"
)

const notRight = "The e-mail address or the password is not right."

func TestSignInAndOut(t *testing.T) {
	s := newSite(t)
	b := s.visitor()
	asked := b.get("/account?x=1").leadsTo("/sign-in?next=%2Faccount%3Fx%3D1")
	page := b.follow(asked).is(200).says("Sign in", "E-mail address", "Password")
	next := page.value("next")
	if next != "/account?x=1" {
		t.Errorf("next is %q", next)
	}
	in := b.post("/sign-in", "email", " ADA@example.org ", "password", password, "next", next).leadsTo("/account?x=1")
	cookie := in.Header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the session cookie lacks %s: %s", part, cookie)
		}
	}
	first := b.session()
	b.get("/account").is(200).says("Ada Example", "ada@example.org", "this one")
	b.get("/sign-in?next=/teams").leadsTo("/teams") // signed in already

	// a new sign-in is a new session, and ends the one the browser held
	b.post("/sign-in", "email", "ada@example.org", "password", password).leadsTo("/")
	if b.session() == first {
		t.Error("the session did not change")
	}
	s.holding(first).get("/account").is(303)

	second := b.session()
	out := b.post("/sign-out").leadsTo("/sign-in")
	if got := out.Header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Errorf("Clear-Site-Data is %s", got)
	}
	b.follow(out).is(200).says("You are signed out.")
	if b.session() != "" {
		t.Error("the browser still holds a session")
	}
	s.holding(second).get("/account").is(303)
	s.visitor().post("/sign-out").leadsTo("/sign-in") // nobody was signed in
	b.get("/sign-out").is(405)
}

// TestSignInSaysOneSentence wants the same words for every cause, so that nobody learns who
// has an account.
func TestSignInSaysOneSentence(t *testing.T) {
	s := newSite(t)
	gone, _ := s.person("Gone Away", identity.InviteInput{})
	if err := s.Identity.Deactivate(t.Context(), s.admin(), gone.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Identity.Invite(t.Context(), s.admin(), identity.InviteInput{Name: "Not Yet", Email: "not@example.org"}); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"ada@example.org", "nobody@example.org", "gone@example.org", "not@example.org", "no address", "a\x00b@example.org"} {
		b := s.visitor()
		a := b.post("/sign-in", "email", email, "password", "wrong horse battery", "next", "/teams").is(401).says(notRight)
		if got := a.value("email"); got != email {
			t.Errorf("%q: the address typed is not kept: %q", email, got)
		}
		if a.value("next") != "/teams" {
			t.Errorf("%q: next is not kept", email)
		}
		a.hides("wrong horse battery")
		if b.session() != "" {
			t.Errorf("%q: signed in", email)
		}
	}
	s.visitor().post("/sign-in", "email", " ", "password", "").is(422).says("Enter your e-mail address.", "Enter your password.")
	s.visitor().post("/sign-in").is(422)
}

func TestSignInIsThrottled(t *testing.T) {
	s := newSite(t)
	b := s.visitor()
	for range 10 {
		b.post("/sign-in", "email", "ada@example.org", "password", "wrong horse battery").is(401)
	}
	header := http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"}}
	form := values("email", "ada@example.org", "password", password).Encode()
	refused := b.ask("POST", "/sign-in", strings.NewReader(form), header).is(429).says("There were too many failed attempts. Wait 15 minutes, then try again.")
	if got := refused.Header.Get("Retry-After"); got != "900" {
		t.Errorf("Retry-After is %q", got)
	}
	s.Clock.pass(16 * time.Minute)
	b.post("/sign-in", "email", "ada@example.org", "password", password).leadsTo("/")
}

// TestForwardedAddressIsNotTrusted wants a session to carry the address of the connection.
func TestForwardedAddressIsNotTrusted(t *testing.T) {
	s := newSite(t)
	b := s.visitor()
	form := values("email", "ada@example.org", "password", password).Encode()
	header := http.Header{"X-Forwarded-For": {"203.0.113.9"}, "User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0" + strings.Repeat("x", 1000)}}
	b.ask("POST", "/sign-in", strings.NewReader(form), header).leadsTo("/")
	b.get("/account").is(200).says("Firefox on Linux", "127.0.0.1").hides("203.0.113.9")
	if n := s.count(`select max(length(user_agent)) from sessions`); n != 200 {
		t.Errorf("%d characters of the user agent are kept, want 200", n)
	}
}

func TestNextStaysOnThisSite(t *testing.T) {
	s := newSite(t)
	for next, want := range map[string]string{
		"/teams?x=a&b=c":        "/teams?x=a&b=c",
		"":                      "/",
		"teams":                 "/",
		"//evil.example":        "/",
		"///evil.example":       "/",
		`/\evil.example`:        "/",
		`\\evil.example`:        "/",
		"%2f%2fevil.example":    "/",
		"/%2f%2fevil.example":   "/",
		"/%2Fevil.example":      "/",
		"https://evil.example":  "/",
		"https:evil.example":    "/",
		"javascript:alert(1)":   "/",
		"/\t/evil.example":      "/",
		"\n//evil.example":      "/",
		" //evil.example":       "/",
		"/a\r\nSet-Cookie: x=1": "/",
		"/\x00":                 "/",
	} {
		b := s.visitor()
		if kept := b.get("/sign-in?next=" + url.QueryEscape(next)); want == "/" {
			kept.is(200).hides(`name="next"`)
		}
		b.post("/sign-in", "email", "ada@example.org", "password", password, "next", next).leadsTo(want)
		s.Ada.get("/sign-in?next=" + url.QueryEscape(next)).leadsTo(want)
	}
}

func TestFirstAdmin(t *testing.T) {
	s := emptySite(t)
	link, err := s.Identity.MakeAdminLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, path := s.visitor(), "/link/"+link.Secret
	page := b.get(path).is(200).says("Become admin", "Your name", "This link works once, until 22 Nov 2026, 12:00 UTC.")
	if got := page.Header.Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("Referrer-Policy is %q", got)
	}
	if got := page.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
	refused := b.post(path, "name", " ", "email", "ada at example", "password", "short").is(422).
		says("Enter a name.", "Write the e-mail address in plain Latin letters", "Use at least 12 characters")
	if refused.value("email") != "ada at example" {
		t.Error("the address typed is not kept")
	}
	refused.hides(`value="short"`)
	b.follow(b.post(path, "name", "Ada Example", "email", "ada@example.org", "password", password).leadsTo("/")).
		says("Your password is set, and you are signed in.")
	b.get("/people").is(200).says("Ada Example")
	b.get(path).is(404).says("This link does not work", "Ask an admin for a new one.", "the person who runs the server")
	s.visitor().post(path, "name", "Eve", "email", "eve@example.org", "password", password).is(404)
	if n := s.count(`select count(*) from people`); n != 1 {
		t.Errorf("there are %d people", n)
	}
}

func TestLinkWorksOnce(t *testing.T) {
	s := newSite(t)
	_, link, err := s.Identity.Invite(t.Context(), s.admin(), identity.InviteInput{Name: "Mika Laine", Email: "mika@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	b, path := s.visitor(), "/link/"+link.Secret
	b.get(path).is(200).says("Set your password", "Welcome, Mika Laine.")
	b.post(path, "password", "password1234").is(422).says("Error")
	b.post(path).is(422).says("Enter a password.")
	b.post(path, "password", password).leadsTo("/")
	b.get("/account").is(200).says("mika@example.org")
	for _, dead := range []string{path, "/link/UNKNOWN", "/link/%00", "/link/%ff", "/link/" + strings.Repeat("A", 3000)} {
		s.visitor().get(dead).is(404).says("This link does not work", "Ask an admin for a new one.")
		s.visitor().post(dead, "password", password).is(404)
	}
}

func TestLinkExpires(t *testing.T) {
	s := newSite(t)
	_, link, err := s.Identity.Invite(t.Context(), s.admin(), identity.InviteInput{Name: "Mika Laine", Email: "mika@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.pass(7*24*time.Hour + time.Second)
	s.visitor().get("/link/" + link.Secret).is(404).says("This link does not work")
	s.visitor().post("/link/"+link.Secret, "password", password).is(404)
}

// TestLinkTakesTheBrowserOver wants the session of whoever was signed in to end.
func TestLinkTakesTheBrowserOver(t *testing.T) {
	s := newSite(t)
	_, link, err := s.Identity.Invite(t.Context(), s.admin(), identity.InviteInput{Name: "Mika Laine", Email: "mika@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	before := s.Ada.session()
	s.Ada.get("/link/" + link.Secret).is(200).says("This browser is signed in as Ada Example now; that ends.")
	s.Ada.post("/link/"+link.Secret, "password", password).leadsTo("/")
	s.Ada.get("/account").is(200).says("mika@example.org")
	s.holding(before).get("/account").is(303)
}

func TestRename(t *testing.T) {
	s := newSite(t)
	s.Ada.post("/account/name", "name", "Ada \u202e Example").is(422).says("characters that cannot be shown")
	long := strings.Repeat("a", 121)
	if got := s.Ada.post("/account/name", "name", long).is(422).says("Use at most 120 characters.").value("name"); got != long {
		t.Error("the name typed is not kept")
	}
	s.Ada.follow(s.Ada.post("/account/name", "name", "Ada <b>Lovelace</b>").leadsTo("/account")).says("Your name is saved.", "Ada <b>Lovelace</b>")
}

func TestChangePassword(t *testing.T) {
	s := newSite(t)
	_, here := s.person("Mika Laine", identity.InviteInput{})
	there := s.visitor()
	there.post("/sign-in", "email", "mika@example.org", "password", password).leadsTo("/")
	here.post("/account/password", "current", "wrong horse battery", "password", "another long enough one").is(422).says("This is not your current password.")
	here.post("/account/password", "current", password, "password", "short").is(422).says("Use at least 12 characters")
	here.post("/account/password").is(422).says("Enter your current password.", "Enter a password.")
	before := here.session()
	here.follow(here.post("/account/password", "current", password, "password", "another long enough one").leadsTo("/account")).
		says("Your password is changed, and every other browser is signed out.")
	if here.session() == before {
		t.Error("the session did not change")
	}
	there.get("/account").is(303)
	s.holding(before).get("/account").is(303)
	s.visitor().post("/sign-in", "email", "mika@example.org", "password", password).is(401)
	s.visitor().post("/sign-in", "email", "mika@example.org", "password", "another long enough one").leadsTo("/")
}

func TestGuessingTheCurrentPasswordIsThrottled(t *testing.T) {
	s := newSite(t)
	_, b := s.person("Mika Laine", identity.InviteInput{})
	for range 10 {
		b.post("/account/password", "current", "wrong horse battery", "password", "another long enough one").is(422)
	}
	b.post("/account/password", "current", password, "password", "another long enough one").is(429).says("There were too many failed attempts.")
}

func TestSessionEndedElsewhere(t *testing.T) {
	s := newSite(t)
	other := s.visitor()
	other.post("/sign-in", "email", "ada@example.org", "password", password).leadsTo("/")
	sessions, err := s.Identity.Sessions(t.Context(), s.admin())
	if err != nil || len(sessions) != 2 {
		t.Fatalf("%d sessions: %v", len(sessions), err)
	}
	ours, theirs := "", ""
	for _, session := range sessions {
		path := "/account/sessions/" + session.ID + "/end"
		if strings.Contains(s.Ada.get("/account").is(200).Body, path) {
			theirs = path
		} else {
			ours = path
		}
	}
	if ours == "" || theirs == "" {
		t.Fatal("the account offers to end this session, or not the other")
	}
	_, mika := s.person("Mika Laine", identity.InviteInput{})
	mika.post(theirs).is(404)
	other.get("/account").is(200)
	s.Ada.follow(s.Ada.post(theirs).leadsTo("/account")).says("That browser is signed out.")
	other.get("/account").is(303)
	other.post("/account/name", "name", "Eve").is(401)
	s.Ada.post(theirs).is(404)

	s.Ada.follow(s.Ada.post("/account/sessions/end").leadsTo("/sign-in")).says("You are signed out everywhere.")
	s.Ada.get("/account").is(303)
}

func TestToken(t *testing.T) {
	s := newSite(t)
	s.Ada.get("/account").says("You have no token that works.")
	s.Ada.get("/account/tokens/new").is(200).says("Make an API token")
	refused := s.Ada.post("/account/tokens", "name", "", "expires", "7").is(422).says("Enter a name.", "Choose at least one of the scopes")
	if !strings.Contains(refused.Body, `<option value="7" selected>`) {
		t.Error("the days chosen are not kept")
	}
	for _, days := range []string{"", "0", "-1", "367", "99999999999999999999", "seven", "\x00"} {
		s.Ada.post("/account/tokens", "name", "pipeline", "scopes", "reviews:read", "expires", days).is(422).says("Choose an end within 366 days from now.")
	}
	made := s.Ada.post("/account/tokens", "name", "release pipeline", "scopes", "reviews:read", "scopes", "items:write", "expires", "30").is(200).
		says("Orrery does not show it again", "21 Dec 2026, 12:00 UTC, in 30 days.", s.URL+"/api/v1/workloads/KEY/launch")
	secret := made.value("token")
	if who, err := s.Identity.ActorByToken(t.Context(), secret); err != nil || who.Name != "Ada Example" {
		t.Fatalf("the token shown does not work: %v", err)
	}
	list := s.Ada.get("/account").is(200).says("release pipeline", "ends in "+secret[len(secret)-4:], "21 Dec 2026", "Last used").hides(secret)
	_, rest, _ := strings.Cut(list.Body, `action="/account/tokens/`)
	id, _, _ := strings.Cut(rest, "/")
	_, mika := s.person("Mika Laine", identity.InviteInput{})
	mika.post("/account/tokens/" + id + "/revoke").is(404)
	s.Ada.follow(s.Ada.post("/account/tokens/"+id+"/revoke").leadsTo("/account")).says("The token is revoked.", "1 token that is over")
	if _, err := s.Identity.ActorByToken(t.Context(), secret); err == nil {
		t.Error("a revoked token works")
	}
}

func TestTheme(t *testing.T) {
	s := newSite(t)
	cookie := s.Ada.post("/account/theme", "theme", "dark").leadsTo("/account").Header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "orrery-theme=dark;") || strings.Contains(cookie, "HttpOnly") {
		t.Errorf("the cookie is %s", cookie)
	}
	if !strings.Contains(s.Ada.get("/account").Body, `data-theme="dark"`) {
		t.Error("the page is not dark")
	}
	for _, theme := range []string{"", "neon", "dark\x00"} {
		s.Ada.post("/account/theme", "theme", "dark").is(303)
		s.Ada.post("/account/theme", "theme", theme).leadsTo("/account")
		if strings.Contains(s.Ada.get("/account").Body, "data-theme=") {
			t.Errorf("%q: a theme is set", theme)
		}
	}
}

func TestWhatYouMayDo(t *testing.T) {
	s := newSite(t)
	_, reader := s.person("Rita Read", identity.InviteInput{})
	reader.get("/account").is(200).says("You are in no team and hold no role.")
	ledger := s.team("ledger", "Ledger")
	_, mika := s.person("Mika Laine", identity.InviteInput{
		Roles: []identity.OrgRole{identity.Auditor}, Teams: []identity.Membership{{TeamID: ledger.ID, Role: identity.Lead}},
		Grants: []identity.GrantInput{{Kind: identity.Approver}},
	})
	mika.get("/account").is(200).says("Ledger, lead.", "Auditor.", "Approver on all workloads.").hides("Opens nothing.")
	if err := s.Identity.Grant(t.Context(), s.admin(), s.admin().PersonID, identity.GrantInput{Kind: identity.Approver}); err != nil {
		t.Fatal(err)
	}
	s.Ada.get("/account").is(200).says("Approver on all workloads. Opens nothing. You gave it to yourself, so it counts for nothing.")
}
