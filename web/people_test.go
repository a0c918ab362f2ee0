package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"orrery/internal/identity"
)

const onlyAdmins = "Only an admin may change people, teams and roles."

// TestWhoMayChangePeople walks every address of the pages about people as somebody who is
// not signed in, a member, an auditor and an admin.
func TestWhoMayChangePeople(t *testing.T) {
	s := newSite(t)
	ledger := s.team("ledger", "Ledger")
	mika, member := s.person("Mika Laine", identity.InviteInput{
		Teams: []identity.Membership{{TeamID: ledger.ID, Role: identity.Lead}}, Grants: []identity.GrantInput{{Kind: identity.Approver}},
	})
	_, auditor := s.person("Jonas Weber", identity.InviteInput{Roles: []identity.OrgRole{identity.Auditor}})
	person, member2 := "/people/"+mika.ID.String(), "/teams/ledger/members/"+mika.ID.String()
	grant := mika.Grants[0].ID.String()
	for _, path := range []string{"/people", "/people/new", "/teams/new"} {
		s.visitor().get(path).is(303)
		member.get(path).is(403).says(onlyAdmins).hides("mika@example.org")
		auditor.get(path).is(403)
		s.Ada.get(path).is(200)
	}
	for _, path := range []string{person, "/teams", "/teams/ledger", "/account"} {
		s.visitor().get(path).is(303)
		member.get(path).is(200)
		auditor.get(path).is(200)
		s.Ada.get(path).is(200)
	}
	before := s.count(`select count(*) from audit_records`)
	for _, path := range []string{
		"/people/new", "/teams/new", person + "/roles", person + "/teams", person + "/teams/ledger", person + "/teams/ledger/remove", person + "/grants",
		person + "/grants/" + grant + "/revoke", person + "/sessions/end", person + "/deactivate", person + "/reactivate", person + "/link",
		"/teams/ledger/name", "/teams/ledger/members", member2, member2 + "/remove",
	} {
		fields := []string{"name", "Eve", "email", "mika@example.org", "key", "eve", "role", "admin", "team", "ledger", "team_role", "lead", "kind", "approver", "on", "all"}
		s.visitor().post(path, fields...).is(401)
		member.post(path, fields...).is(403).says(onlyAdmins)
		auditor.post(path, fields...).is(403).says(onlyAdmins)
	}
	if n := s.count(`select count(*) from audit_records`); n != before {
		t.Errorf("%d acts were recorded of people who may not act", n-before)
	}
	member.get(person).says("Only an admin changes people, teams and roles.").hides("<form method=\"post\" action=\"/people")
	member.get("/teams/ledger").says("Only an admin changes teams.").hides("Rename this team")
}

func TestInviteToFirstSignIn(t *testing.T) {
	s := newSite(t)
	s.team("ledger", "Ledger")
	payments := s.workload("payments", "Payments", "ledger", false)
	s.Ada.get("/people/new").is(200).says("Invite a person", "Ledger")
	made := s.Ada.post("/people/new", "name", "Mika Laine", "email", "Mika@Example.org", "role", "auditor", "role", "curator",
		"team", "ledger", "team_role", "lead", "kind", "approver", "on", "one", "workload", " payments ").is(200).
		says("Mika Laine is invited", "It works once, until 28 Nov 2026, 12:00 UTC, in 7 days.", "Orrery mails no links")
	link := made.value("link")
	if !strings.HasPrefix(link, s.URL+"/link/") {
		t.Fatalf("the link is %q", link)
	}
	s.Ada.get("/people").says("Mika Laine", "mika@example.org", "Ledger, lead", "Auditor, Curator", "Approver on Payments", "Invited, link not used").
		hides(strings.TrimPrefix(link, s.URL))
	b := s.visitor()
	b.post("/sign-in", "email", "mika@example.org", "password", password).is(401)
	b.get(strings.TrimPrefix(link, s.URL)).is(200).says("Welcome, Mika Laine.")
	b.post(strings.TrimPrefix(link, s.URL), "password", password).leadsTo("/")
	b.get("/audit").is(200)
	if !b.actor().Approves(payments.ID) || !b.actor().Leads(payments.TeamID) {
		t.Error("the rights of the invitation are missing")
	}
	b.post("/sign-out").is(303)
	b.post("/sign-in", "email", "mika@example.org", "password", password).leadsTo("/")
}

func TestInviteRefused(t *testing.T) {
	s := newSite(t)
	s.team("ledger", "Ledger")
	ok := []string{"name", "Mika Laine", "email", "mika@example.org"}
	for name, c := range map[string]struct {
		fields []string
		says   string
	}{
		"nothing":                  {nil, "Enter a name."},
		"no address":               {[]string{"name", "Mika", "email", "mika"}, "Enter an e-mail address such as"},
		"taken":                    {[]string{"name", "Ada", "email", "ADA@example.org"}, "Somebody with this e-mail address is here already."},
		"role":                     {append(ok[:4:4], "role", "king"), "Choose admin, curator or auditor."},
		"team":                     {append(ok[:4:4], "team", "nowhere", "team_role", "lead"), "Choose a team from the list."},
		"team role":                {append(ok[:4:4], "team", "ledger", "team_role", "boss"), "Choose lead or member."},
		"kind":                     {append(ok[:4:4], "kind", "owner", "on", "all"), "Choose approver or facilitator."},
		"place":                    {append(ok[:4:4], "kind", "approver"), "Choose one workload or all workloads."},
		"no workload":              {append(ok[:4:4], "kind", "approver", "on", "one"), "Name the workload by its key."},
		"unknown workload":         {append(ok[:4:4], "kind", "approver", "on", "one", "workload", "nothing"), "No workload has the key nothing."},
		"both":                     {append(ok[:4:4], "kind", "approver", "on", "all", "workload", "payments"), "both cannot be meant"},
		"workload without a grant": {append(ok[:4:4], "workload", "payments"), "Choose approver or facilitator, or name no workload."},
	} {
		a := s.Ada.post("/people/new", c.fields...).is(422).says("There is a problem", c.says)
		if len(c.fields) > 0 && a.value("email") != c.fields[3] {
			t.Errorf("%s: the address typed is not kept", name)
		}
	}
	if n := s.count(`select count(*) from people`); n != 1 {
		t.Errorf("there are %d people", n)
	}
}

func TestPersonChanges(t *testing.T) {
	s := newSite(t)
	s.team("ledger", "Ledger")
	s.team("checkout", "Checkout")
	payments := s.workload("payments", "Payments", "ledger", false)
	mika, b := s.person("Mika Laine", identity.InviteInput{})
	path := "/people/" + mika.ID.String()
	do := func(notice, act string, fields ...string) answer {
		t.Helper()
		return s.Ada.follow(s.Ada.post(path+act, fields...).leadsTo(path)).is(200).says(notice)
	}
	do("The roles are saved.", "/roles", "form", "roles", "role", "curator", "role", "auditor")
	do("The roles are saved.", "/roles", "form", "roles", "role", "auditor").says("Audit")
	do("The team is added.", "/teams", "team", "ledger", "team_role", "member").says("Ledger Member")
	do("The role in the team is saved.", "/teams/ledger", "team_role", "lead").says("Ledger Lead")
	do("They are no longer in the team.", "/teams/ledger/remove").says("In no team.")
	s.Ada.post(path + "/teams/ledger/remove").is(404)
	s.Ada.post(path + "/teams/nowhere/remove").is(404)
	page := do("The grant is given.", "/grants", "kind", "approver", "on", "one", "workload", "payments").says("Approver Payments")
	if !b.actor().Approves(payments.ID) {
		t.Error("no approver")
	}
	_, rest, _ := strings.Cut(page.Body, `action="`+path+`/grants/`)
	grant, _, _ := strings.Cut(rest, "/")
	s.Ada.post("/people/" + s.admin().PersonID.String() + "/grants/" + grant + "/revoke").is(404) // not hers
	s.Ada.post(path + "/grants/" + uuid.NewString() + "/revoke").is(404)
	do("The grant is taken back.", "/grants/"+grant+"/revoke").says("Neither on any workload.")
	if a := b.actor(); a.Approves(payments.ID) || !a.Is(identity.Auditor) || a.Is(identity.Curator) {
		t.Errorf("the rights are %+v", a)
	}
	s.Ada.post(path+"/roles", "form", "roles", "role", "king").is(422).says("Choose admin, curator or auditor.")
	s.Ada.post(path+"/teams", "team", "", "team_role", "member").is(422).says("Choose a team from the list.")
	refused := s.Ada.post(path+"/grants", "kind", "approver", "on", "one", "workload", "nothing").is(422).says("No workload has the key nothing.")
	if refused.value("workload") != "nothing" || !strings.Contains(refused.Body, `<details class="more" open`) {
		t.Error("the form is folded, or what was typed is lost")
	}
}

func TestAccessOfAPerson(t *testing.T) {
	s := newSite(t)
	mika, b := s.person("Mika Laine", identity.InviteInput{})
	path := "/people/" + mika.ID.String()
	s.Ada.follow(s.Ada.post(path + "/sessions/end").leadsTo(path)).says("They are signed out everywhere.")
	b.get("/account").is(303)

	first := s.Ada.post(path+"/link").is(200).says("A new link for Mika Laine", "21 Nov 2026, 13:00 UTC").value("link")
	second := s.Ada.post(path + "/link").is(200).value("link")
	s.visitor().get(strings.TrimPrefix(first, s.URL)).is(404)
	b.post(strings.TrimPrefix(second, s.URL), "password", "another long enough one").leadsTo("/")
	s.Ada.post("/people/" + s.admin().PersonID.String() + "/link").is(403).says("Nobody makes a link for themselves.")

	s.Ada.follow(s.Ada.post(path+"/deactivate").leadsTo(path)).says("They can no longer sign in.", "Deactivated since 21 Nov 2026", "Reactivate Mika Laine")
	b.get("/account").is(303)
	s.visitor().post("/sign-in", "email", "mika@example.org", "password", "another long enough one").is(401)
	s.Ada.post(path + "/link").is(409).says("Mika Laine is deactivated. Reactivate them first.")
	s.Ada.get("/people").hides("mika@example.org")
	s.Ada.get("/people?deactivated=1").says("mika@example.org", "Deactivated")
	s.Ada.follow(s.Ada.post(path + "/reactivate").leadsTo(path)).says("They can sign in again.")
	s.visitor().post("/sign-in", "email", "mika@example.org", "password", "another long enough one").leadsTo("/")
}

func TestLastAdminStays(t *testing.T) {
	s := newSite(t)
	path := "/people/" + s.admin().PersonID.String()
	const words = "This is the last admin who can sign in. Make another admin first."
	s.Ada.post(path+"/roles", "form", "roles").is(409).says(words)
	s.Ada.post(path + "/deactivate").is(409).says(words)
	s.Ada.get("/people").is(200)
	mika, _ := s.person("Mika Laine", identity.InviteInput{})
	s.Ada.post("/people/"+mika.ID.String()+"/roles", "form", "roles", "role", "admin").is(303)
	s.Ada.post(path+"/roles", "form", "roles").is(303)
	s.Ada.get("/people").is(403)
}

// TestARoleGivenToOneselfNeverDecides follows an approver grant from one's own hand to
// another admin's.
func TestARoleGivenToOneselfNeverDecides(t *testing.T) {
	s := newSite(t)
	path := "/people/" + s.admin().PersonID.String()
	s.Ada.get(path).says("A grant you give yourself opens nothing", "This is you. A grant that you give yourself is kept, but it opens nothing: neither reading what is restricted nor a decision.")
	s.Ada.follow(s.Ada.post(path+"/grants", "kind", "approver", "on", "all").leadsTo(path)).says("Given to oneself, opens nothing")
	s.Ada.get("/people").says("Approver, given to oneself: opens nothing")
	if s.admin().Approves(uuid.New()) {
		t.Fatal("a grant to oneself decides")
	}
	_, mika := s.person("Mika Laine", identity.InviteInput{Roles: []identity.OrgRole{identity.Admin}})
	mika.follow(mika.post(path+"/grants", "kind", "approver", "on", "all").leadsTo(path)).hides("Given to oneself")
	if !s.admin().Approves(uuid.New()) {
		t.Error("the grant of another admin does not decide")
	}
}

// TestGrantOnRestrictedWorkload wants an admin to give a restricted workload its approver
// by its key without seeing more of it.
func TestGrantOnRestrictedWorkload(t *testing.T) {
	s := newSite(t)
	s.team("ledger", "Ledger")
	vault := s.workload("card-vault", "Card vault", "ledger", true)
	mika, b := s.person("Mika Laine", identity.InviteInput{})
	path := "/people/" + mika.ID.String()
	s.Ada.get(path).hides("card-vault", "Card vault")
	s.Ada.follow(s.Ada.post(path+"/grants", "kind", "approver", "on", "one", "workload", "card-vault").leadsTo(path)).
		says("Approver a restricted workload").hides("Card vault", "card-vault")
	if !b.actor().Approves(vault.ID) {
		t.Error("no approver")
	}
	b.get(path).says("Approver Card vault")
	_, other := s.person("Rita Sands", identity.InviteInput{})
	other.get(path).says("Neither on any workload.").hides("Card vault", "restricted")
	s.Ada.get("/teams/ledger").says("No workload here").hides("Card vault")
}

func TestPeopleAreFoundAndPaged(t *testing.T) {
	s := newSite(t)
	for i := range 60 {
		_, _, err := s.Identity.Invite(t.Context(), s.admin(), identity.InviteInput{Name: fmt.Sprintf("Person %02d", i), Email: fmt.Sprintf("p%02d@example.org", i)})
		if err != nil {
			t.Fatal(err)
		}
	}
	first := s.Ada.get("/people").is(200).says("Ada Example", "Person 48").hides("Person 49", "First page")
	_, rest, _ := strings.Cut(first.Body, `rel="next"`)
	before, _, _ := strings.Cut(first.Body, ` rel="next"`)
	if rest == "" {
		t.Fatal("there is no next page")
	}
	next := before[strings.LastIndex(before, `href="`)+6:]
	next = strings.TrimSuffix(next, `"`)
	s.Ada.get(next).is(200).says("Person 49", "Person 59", "First page").hides("Person 48", "Next page")
	s.Ada.get("/people?q=PERSON+07").says("Person 07").hides("Person 08", "Ada Example</a>")
	if got := s.Ada.get("/people?q=%3Cscript%3E").says("Nobody fits the search").value("q"); got != "<script>" {
		t.Errorf("the search is %q", got)
	}
	s.Ada.get("/people?q=%00%ff&after=%00").is(200)
	s.Ada.get("/people?after=zzz").is(200)
}

func TestTeams(t *testing.T) {
	s := newSite(t)
	s.Ada.get("/teams").is(200).says("There is no team yet", "Make a team")
	mika, member := s.person("Mika Laine", identity.InviteInput{})
	member.get("/teams").is(200).says("An admin makes the first one.").hides("/teams/new")

	s.Ada.post("/teams/new", "name", "", "key", "Not a key").is(422).says("Enter a name.", "Use 2 to 40 small letters")
	s.Ada.post("/teams/new", "name", "New", "key", "new").is(422).says("Choose another one.")
	s.Ada.follow(s.Ada.post("/teams/new", "name", "Ledger", "key", "ledger").leadsTo("/teams/ledger")).says("The team is made.", "Nobody is in this team")
	if got := s.Ada.post("/teams/new", "name", "Ledger", "key", "other").is(422).says("Another team has this name.").value("key"); got != "other" {
		t.Errorf("the key typed is not kept: %q", got)
	}
	s.Ada.post("/teams/new", "name", "Other", "key", "ledger").is(422).says("Another team has this key.")

	s.Ada.post("/teams/ledger/members", "email", "nobody@example.org", "team_role", "lead").is(422).says("Nobody who can sign in has this address.")
	s.Ada.post("/teams/ledger/members", "email", "mika", "team_role", "lead").is(422)
	s.Ada.post("/teams/ledger/members", "email", "", "team_role", "lead").is(422).says("Enter the e-mail address of a person.")
	s.Ada.post("/teams/ledger/members", "email", "mika@example.org").is(422).says("Choose lead or member.")
	s.Ada.follow(s.Ada.post("/teams/ledger/members", "email", " MIKA@example.org ", "team_role", "lead").leadsTo("/teams/ledger")).
		says("They are in the team.", "Mika Laine mika@example.org Lead")
	member.get("/teams").says("Ledger", "yours", "Mika Laine")
	place := "/teams/ledger/members/" + mika.ID.String()
	s.Ada.follow(s.Ada.post(place, "team_role", "member").leadsTo("/teams/ledger")).says("The role is saved.", "Mika Laine mika@example.org Member")
	s.Ada.post(place, "team_role", "boss").is(422)
	s.Ada.follow(s.Ada.post(place + "/remove").leadsTo("/teams/ledger")).says("They are no longer in the team.")
	s.Ada.post(place + "/remove").is(404)

	s.Ada.follow(s.Ada.post("/teams/ledger/name", "name", "General ledger").leadsTo("/teams/ledger")).says("The name is saved.", "General ledger")
	s.Ada.post("/teams/ledger/name", "name", " ").is(422).says("Enter a name.")
	s.workload("payments", "Payments", "ledger", false)
	member.get("/teams/ledger").says("Payments", "No decision yet")
}

func TestUnknownPeopleAndTeams(t *testing.T) {
	s := newSite(t)
	s.team("ledger", "Ledger")
	nobody := uuid.NewString()
	for _, path := range []string{"/people/" + nobody, "/people/nobody", "/people/%00", "/people/%ff", "/teams/nowhere", "/teams/%00", "/teams/%ff%fe", "/teams/" + strings.Repeat("a", 500)} {
		s.Ada.get(path).is(404)
	}
	for _, path := range []string{
		"/people/" + nobody + "/roles", "/people/" + nobody + "/grants", "/people/" + nobody + "/teams", "/people/" + nobody + "/teams/ledger", "/people/" + nobody + "/teams/ledger/remove",
		"/people/" + nobody + "/deactivate", "/people/" + nobody + "/reactivate", "/people/" + nobody + "/sessions/end", "/people/" + nobody + "/link",
		"/people/" + nobody + "/grants/" + nobody + "/revoke", "/teams/nowhere/name", "/teams/nowhere/members", "/teams/ledger/members/" + nobody, "/teams/ledger/members/" + nobody + "/remove",
		"/teams/ledger/members/x", "/account/tokens/" + nobody + "/revoke", "/account/tokens/x/revoke", "/account/sessions/%00/end", "/account/sessions/0123456789abcdef/end", "/account/sessions/zz/end",
	} {
		s.Ada.post(path, "role", "auditor", "kind", "approver", "on", "all", "team", "ledger", "team_role", "lead", "name", "X", "email", "ada@example.org").is(404)
	}
}

// forms are the forms of these pages with values that are taken.
func forms(s *site) map[string][]string {
	_, link, err := s.Identity.Invite(s.Context(), s.admin(), identity.InviteInput{Name: "Link", Email: "link@example.org"})
	if err != nil {
		s.Fatal(err)
	}
	adminLink, err := s.Identity.MakeAdminLink(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	mika, _ := s.person("Mika Laine", identity.InviteInput{})
	path := "/people/" + mika.ID.String()
	return map[string][]string{
		"/sign-in":                  {"email", "mika@example.org", "password", "wrong horse battery"},
		"/link/" + link.Secret:      {"password", password},
		"/link/" + adminLink.Secret: {"name", "Bob", "email", "bob@example.org", "password", password},
		"/account/name":             {"name", "Ada"},
		"/account/password":         {"current", password, "password", "another long enough one"},
		"/account/tokens":           {"name", "pipeline", "expires", "30"},
		"/people/new":               {"name", "Noor", "email", "noor@example.org", "role", "auditor", "team", "ledger", "team_role", "lead", "kind", "approver", "on", "one", "workload", "payments"},
		path + "/roles":             {"role", "auditor"},
		path + "/teams":             {"team", "ledger", "team_role", "lead"},
		path + "/grants":            {"kind", "approver", "on", "one", "workload", "payments"},
		"/teams/new":                {"name", "Checkout", "key", "checkout"},
		"/teams/ledger/name":        {"name", "Ledger two"},
		"/teams/ledger/members":     {"email", "mika@example.org", "team_role", "lead"},
	}
}

// TestOddBytes puts a NUL and broken UTF-8 into each field of each form in turn.
func TestOddBytes(t *testing.T) {
	s := newSite(t)
	s.team("ledger", "Ledger")
	s.workload("payments", "Payments", "ledger", false)
	for path, fields := range forms(s) {
		b := s.Ada
		if strings.HasPrefix(path, "/link/") {
			b = s.visitor()
		}
		for i := 0; i < len(fields); i += 2 {
			for _, odd := range []string{"\x00", fields[i+1] + "\x00", "\xff\xfe", fields[i+1] + "\xc3\x28"} {
				if fields[i] == "password" && strings.HasSuffix(odd, "\x00") {
					continue // in a password a NUL is a character like others
				}
				spoiled := append([]string{}, fields...)
				spoiled[i+1] = odd
				want := http.StatusUnprocessableEntity
				if path == "/sign-in" { // any wrong pair is answered alike
					want = http.StatusUnauthorized
				}
				if a := b.post(path, spoiled...); a.Status != want {
					t.Errorf("%s with %s=%q: status %d, want %d: %.300s", path, fields[i], odd, a.Status, want, a.text())
				}
			}
		}
	}
}

// TestCrossSitePostIsRefused sends each form as another site would make a browser send it.
func TestCrossSitePostIsRefused(t *testing.T) {
	s := newSite(t)
	s.team("ledger", "Ledger")
	s.workload("payments", "Payments", "ledger", false)
	all := forms(s)
	all["/sign-out"], all["/account/sessions/end"], all["/account/theme"], all["/audit/verify"] = nil, nil, nil, nil
	before := s.count(`select count(*) from audit_records`)
	for path, fields := range all {
		for _, header := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}}} {
			s.Ada.ask("POST", path, strings.NewReader(values(fields...).Encode()), header).is(403)
		}
		huge := strings.NewReader("name=" + strings.Repeat("a", 1<<20+10))
		if path != "/sign-out" && path != "/account/sessions/end" && path != "/audit/verify" { // those read no form
			s.Ada.ask("POST", path, huge, nil).is(413).says("larger than 1 MB")
		}
	}
	if n := s.count(`select count(*) from audit_records`); n != before {
		t.Errorf("%d acts were recorded", n-before)
	}
	own := http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {s.URL}}
	s.Ada.ask("POST", "/account/name", strings.NewReader("name=Ada"), own).is(303)
}
