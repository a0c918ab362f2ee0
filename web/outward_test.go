package web_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/outbound"
	"orrery/internal/remediation"
	"orrery/internal/tickets"
	"orrery/internal/tickets/trackertest"
	"orrery/internal/webhook"
)

// openDoor lets the site keep secrets and reach this machine.
func (s *site) openDoor() {
	s.Helper()
	vault, err := outbound.ParseVault(outbound.NewVaultKey())
	if err != nil {
		s.Fatal(err)
	}
	allowed, err := outbound.ParseNetworks("127.0.0.1")
	if err != nil {
		s.Fatal(err)
	}
	s.Door.Vault, s.Door.Client = vault, outbound.Client(allowed)
}

// item opens an item by hand for its first owner.
func (s *site) item(w uuid.UUID, owner *browser, title string) string {
	s.Helper()
	id, err := s.Items.Open(s.Context(), owner.actor(), w,
		remediation.NewItem{Title: title, Risk: "high", OwnerID: owner.actor().PersonID.String()})
	if err != nil {
		s.Fatal(err)
	}
	return id.String()
}

// TestSettingsAreForAdmins asks for each page of the settings as a member, and without a key.
func TestSettingsAreForAdmins(t *testing.T) {
	s := newSite(t)
	team := s.team("ledger", "Ledger")
	_, mika := s.person("Mika Laine", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Member}}})
	for _, path := range []string{"/settings", "/settings/due", "/settings/webhooks", "/settings/webhooks/new", "/settings/trackers", "/settings/trackers/new", "/settings/webhooks/" + uuid.NewString(), "/settings/trackers/x"} {
		mika.get(path).is(http.StatusForbidden)
		s.visitor().get(path).is(http.StatusSeeOther)
	}
	mika.post("/settings/due", "high_1", "3").is(http.StatusForbidden)
	mika.get("/teams/ledger/chat").is(http.StatusForbidden)
	s.Ada.get("/settings/webhooks").is(http.StatusOK).says("There is no webhook", "Secrets cannot be kept yet")
	s.Ada.post("/settings/webhooks/new", "name", "Board", "url", "https://example.com", "which", "every", "on", "1").is(http.StatusServiceUnavailable).says("ORRERY_SECRETS_KEY")
	for _, bad := range []string{"x", uuid.NewString(), "%00"} {
		s.Ada.get("/settings/webhooks/" + bad).is(http.StatusNotFound)
		s.Ada.get("/settings/trackers/" + bad).is(http.StatusNotFound)
		s.Ada.get("/settings/webhooks/deliveries/" + bad).is(http.StatusNotFound)
		s.Ada.post("/notices/" + bad).is(http.StatusNotFound)
	}
	s.Log.take()
}

var shownSecret = regexp.MustCompile(`value="(whsec_[^"]+|[A-Z2-7]{40,})"`)

// TestWebhookPages makes a webhook, sends a test, reads the log, sends it again, rotates.
func TestWebhookPages(t *testing.T) {
	s := newSite(t)
	s.openDoor()
	double := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer double.Close()
	s.Ada.post("/settings/webhooks/new", "name", "", "url", "ftp://x", "which", "some").is(http.StatusUnprocessableEntity).says("Choose at least one event")
	s.Ada.post("/settings/webhooks/new", "name", "\x00", "url", "ftp://x", "which", "every").is(http.StatusUnprocessableEntity).says("Give it a name", "begins with https://")
	s.Ada.get("/settings/webhooks/new").says("Only an admin who reads all of these").hides(`name="restricted"`)
	no := s.Ada.post("/settings/webhooks/new", "name", "Board", "url", double.URL, "which", "some", "event", "item.done", "restricted", "1", "on", "1").is(http.StatusForbidden).
		says("Only an admin who reads every restricted workload", "you cannot save this webhook")
	if no.value("name") != "Board" || no.value("url") != double.URL || !strings.Contains(no.Body, `id="f-restricted-error"`) {
		t.Errorf("what was typed is gone, or the field does not say it: %s", no.Body)
	}
	made := s.Ada.post("/settings/webhooks/new", "name", "Board", "url", double.URL, "which", "some", "event", "item.done", "on", "1").is(http.StatusOK).says("shown only now")
	if shownSecret.FindString(made.Body) == "" {
		t.Error("the secret is not shown")
	}
	path := regexp.MustCompile(`/settings/webhooks/[0-9a-f-]{36}`).FindString(made.Body)
	page := s.Ada.get(path).is(http.StatusOK).says("Board", "1 event", "There is no delivery here")
	if shownSecret.MatchString(page.Body) {
		t.Error("the secret is shown again")
	}
	s.Ada.follow(s.Ada.post(path+"/test").leadsTo(path)).says("A test is on its way", "endpoint.test", "Pending")
	var id uuid.UUID
	if err := s.DB.QueryRow(t.Context(), `select id from webhook_deliveries`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	if err := s.Webhooks.Deliver(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	delivery := "/settings/webhooks/deliveries/" + id.String()
	s.Ada.get(delivery).is(http.StatusOK).says("The receiver answered 418.", "Next attempt", `"type":"endpoint.test"`)
	s.Ada.post(delivery + "/replay").is(http.StatusConflict)
	if _, err := s.DB.Exec(t.Context(), `update webhook_deliveries set state = 'failed', ended_at = now()`); err != nil {
		t.Fatal(err)
	}
	s.Ada.post(path+"/replay", "since", "x").is(http.StatusUnprocessableEntity).says("year-month-day")
	s.Ada.follow(s.Ada.post(path+"/replay", "since", "2026-11-20", "what", "failed").leadsTo(path)).says("1 delivery goes out again.")
	s.Ada.get(path + "?state=failed").says("There is no delivery here")
	s.Ada.get(path + "?state=odd").is(http.StatusUnprocessableEntity)
	s.Ada.post(path+"/secret", "version", "1").is(http.StatusOK).says("For a day the secret before signs too")
	if twice := s.Ada.post(path+"/secret", "version", "1").is(http.StatusConflict).says("Somebody changed this webhook"); shownSecret.MatchString(twice.Body) {
		t.Error("sent twice, the form makes two secrets")
	}
	s.Ada.get(path).holds(`name="version" value="2"`)
	s.Ada.post(path, "name", "Board", "url", double.URL, "which", "every", "version", "1").is(http.StatusConflict).says("Somebody changed this webhook")
	s.Ada.post(path, "name", "Board", "url", double.URL, "which", "every", "version", "2").leadsTo(path)
	s.Ada.get("/settings/webhooks").says("Board", "every event", "Off")
	s.Ada.post(path + "/test").is(http.StatusConflict).says("This webhook is off")
	if e, err := s.Webhooks.Endpoints(t.Context(), s.admin()); err != nil || e[0].State != webhook.Off {
		t.Errorf("%+v, %v", e, err)
	}
	s.Ada.post(path+"/delete", "version", "1").is(http.StatusConflict).says("Somebody changed this webhook")
	s.Ada.follow(s.Ada.post(path+"/delete", "version", "3").leadsTo("/settings/webhooks")).says("The webhook is deleted.", "There is no webhook")
	s.Ada.post(path+"/delete", "version", "3").is(http.StatusNotFound)
}

// TestAWebhookOfRestrictedWorkloadsKeepsItsAddress refuses another address for it to an admin who
// does not read these, with what was typed.
func TestAWebhookOfRestrictedWorkloadsKeepsItsAddress(t *testing.T) {
	s := newSite(t)
	s.openDoor()
	all := s.admin()
	all.Roles = append(all.Roles, identity.Auditor)
	e, _, err := s.Webhooks.Create(t.Context(), all, webhook.Input{Name: "Board", URL: "https://board.example.com/in", Restricted: true, On: true})
	if err != nil {
		t.Fatal(err)
	}
	path := "/settings/webhooks/" + e.ID.String()
	s.Ada.get(path).is(http.StatusOK).says("You may switch it off, or take these events from it.").holds(`name="restricted"`)
	no := s.Ada.post(path, "name", "Board", "url", "https://mine.example.com/in", "which", "every", "on", "1", "version", "1").is(http.StatusForbidden).
		says("Leave the address as it is.", "You may switch it off")
	no.holds(`id="f-url-error"`)
	no.holds(`name="restricted"`)
	if no.value("url") != "https://mine.example.com/in" {
		t.Errorf("what was typed is gone: %s", no.value("url"))
	}
	s.Ada.post(path, "name", "Board", "url", "https://board.example.com/in", "which", "every", "restricted", "1", "version", "1").leadsTo(path)
	s.Ada.post(path, "name", "Board", "url", "https://board.example.com/in", "which", "every", "on", "1", "version", "2").leadsTo(path)
	s.Ada.get(path).hides("You may switch it off")
}

// TestItemBecomesATicket makes a ticket of an item, closes it in Jira, and verifies here.
func TestItemBecomesATicket(t *testing.T) {
	s := newSite(t)
	s.openDoor()
	d := trackertest.NewJira(t)
	team := s.team("ledger", "Ledger")
	w := s.workload("payments", "Payments", "ledger", false)
	_, asha := s.person("Asha Rao", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	_, mika := s.person("Mika Laine", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Member}}})
	_, vera := s.person("Vera Stone", identity.InviteInput{})
	made := s.Ada.post("/settings/trackers/new", "kind", "jira", "name", "Jira", "url", d.URL, "project", "PAY", "account", "bot@example.org", "issue_type", "Task", "token", "secret").is(http.StatusOK)
	tracker := strings.TrimPrefix(regexp.MustCompile(`/settings/trackers/[0-9a-f-]{36}`).FindString(made.Body), "/settings/trackers/")
	secret := shownSecret.FindStringSubmatch(made.Body)[1]
	s.Ada.get("/settings/trackers/" + tracker).is(http.StatusOK).says("Its webhook").hides(secret)
	s.Ada.post("/settings/trackers/new", "kind", "x").is(http.StatusUnprocessableEntity)
	s.Ada.post("/settings/trackers/"+tracker+"/secret", "version", "9").is(http.StatusConflict).says("Somebody changed this tracker")
	secret = shownSecret.FindStringSubmatch(s.Ada.post("/settings/trackers/"+tracker+"/secret", "version", "1").is(http.StatusOK).Body)[1]
	s.Ada.get("/settings/trackers/new").says("https://api.github.com, which it is when you leave this empty")
	s.Ada.post("/settings/trackers/new", "kind", "github", "name", "GitHub", "url", "", "project", "acme/payments", "token", "secret").is(http.StatusOK)
	s.Ada.get("/settings/trackers").says("acme/payments at https://api.github.com")
	item := "/items/" + s.item(w.ID, asha, "Drill the failover")
	asha.get(item).is(http.StatusOK).says("This item has no ticket.", "Make a ticket in")
	vera.get(item).is(http.StatusOK).hides("Make a ticket in")
	vera.post(item+"/tickets", "tracker", tracker).is(http.StatusForbidden)
	asha.post(item+"/tickets", "tracker", "x").is(http.StatusUnprocessableEntity).says("Choose a tracker from the list.")
	asha.follow(asha.post(item+"/tickets", "tracker", tracker).leadsTo(item)).says("Being made")
	asha.post(item+"/tickets", "tracker", tracker).is(http.StatusConflict)
	var link uuid.UUID
	if err := s.DB.QueryRow(t.Context(), `select id from ticket_links`).Scan(&link); err != nil {
		t.Fatal(err)
	}
	if err := s.Tickets.Make(t.Context(), link, false); err != nil {
		t.Fatal(err)
	}
	asha.get(item).says("PAY-1", "To Do")
	asha.get("/items").says("PAY-1")
	s.Ada.post("/settings/trackers/"+tracker, "name", "Jira", "url", d.URL, "project", "OTHER", "account", "bot@example.org", "issue_type", "Task", "active", "1", "version", "2").
		is(http.StatusUnprocessableEntity).says("Add another tracker for the new place.")
	s.Clock.pass(time.Hour)
	body := d.Set(1, true)
	hook := func(header http.Header) answer {
		return s.visitor().ask("POST", "/hooks/"+tracker, strings.NewReader(string(body)), header)
	}
	hook(trackertest.JiraHeader("wrong", "m1", body)).is(http.StatusUnauthorized)
	hook(trackertest.JiraHeader(secret, "m1", body)).is(http.StatusOK)
	s.visitor().ask("POST", "/hooks/x", strings.NewReader("{}"), nil).is(http.StatusNotFound)
	s.visitor().ask("POST", "/hooks/"+uuid.NewString(), strings.NewReader("{}"), nil).is(http.StatusNotFound)
	s.visitor().ask("POST", "/hooks/"+tracker, strings.NewReader(strings.Repeat("x", 2<<20)), nil).is(http.StatusRequestEntityTooLarge)
	asha.get(item).says("Done, to be verified", "The ticket PAY-1 was closed.", "Done; nobody is named", "who neither owns the item nor made its ticket").hides(`value="verified"`)
	verify := func(u *browser) answer {
		page := mika.get(item)
		return u.post(item, "version", page.value("version"), "owner", asha.actor().PersonID.String(), "due_on", page.value("due_on"), "state", "verified", "resolution", "The ticket PAY-1 was closed.")
	}
	verify(asha).is(http.StatusForbidden).says("neither who owned it nor who made the ticket may verify")
	mika.get("/").says("Drill the failover")
	asha.get("/").hides("Drill the failover")
	verify(mika).leadsTo(item)
	asha.get(item).says("Verified by Mika Laine", "acts in the record")
	asha.post(item+"/tickets/link", "key", "SNOW-1", "url", "javascript:x").is(http.StatusUnprocessableEntity).says("begins with https://")
	asha.post(item+"/tickets/link", "key", "SNOW-1", "url", "https://snow.example.com/1").leadsTo(item)
	asha.post(item + "/tickets/" + link.String() + "/remove").leadsTo(item)
	asha.get(item).says("SNOW-1").hides("PAY-1</a>")
}

// TestATicketEndsNoItemOfEvidence shows that the ticket is closed and that the item goes on.
func TestATicketEndsNoItemOfEvidence(t *testing.T) {
	s := newSite(t)
	s.openDoor()
	d := trackertest.NewJira(t)
	team := s.team("ledger", "Ledger")
	w := s.workload("payments", "Payments", "ledger", false)
	_, asha := s.person("Asha Rao", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	item := s.item(w.ID, asha, "Copies in one zone")
	tracker, _, err := s.Tickets.CreateTracker(t.Context(), s.admin(), tickets.TrackerInput{Kind: tickets.Jira, Name: "Jira", URL: d.URL, Project: "PAY", Account: "bot@example.org", IssueType: "Task", Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB.Exec(t.Context(), `update items set cause_kind = 'evidence', cause_key = 'config.rule/x'`); err != nil {
		t.Fatal(err)
	}
	asha.post("/items/"+item+"/tickets", "tracker", tracker.ID.String()).leadsTo("/items/" + item)
	var link uuid.UUID
	if err := s.DB.QueryRow(t.Context(), `select id from ticket_links`).Scan(&link); err != nil {
		t.Fatal(err)
	}
	if err := s.Tickets.Make(t.Context(), link, false); err != nil {
		t.Fatal(err)
	}
	d.Set(1, true)
	s.Clock.pass(time.Hour)
	if err := s.Tickets.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	asha.get("/items/"+item).says("PAY-1 Done", "The item goes on until a collection finds it mended.", "Ticket closed, item kept").hides("Done, to be verified", "Done; nobody is named")
}

// TestManyItems filters, orders, changes many at once, undoes it, and takes them along as CSV.
func TestManyItems(t *testing.T) {
	s := newSite(t)
	team := s.team("ledger", "Ledger")
	w := s.workload("payments", "Payments", "ledger", false)
	secret := s.workload("secret", "Secret", "ledger", true)
	_, asha := s.person("Asha Rao", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	mikaPerson, _ := s.person("Mika Laine", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Member}}})
	_, vera := s.person("Vera Stone", identity.InviteInput{})
	asha.get("/items/new?workload=payments").is(http.StatusOK).says("Open an item")
	vera.get("/items/new?workload=payments").is(http.StatusForbidden)
	vera.get("/items/new?workload=secret").is(http.StatusNotFound)
	asha.post("/items/new", "workload", "payments", "title", "", "risk", "odd", "due_on", "x").is(http.StatusUnprocessableEntity).says("Say what is to be done")
	asha.post("/items/new", "workload", "payments", "title", "Late", "risk", "medium", "owner", asha.actor().PersonID.String(), "due_on", "2020-01-01").is(http.StatusUnprocessableEntity).says("This due date is past")
	to := asha.post("/items/new", "workload", "payments", "title", "=cmd|' /C calc'!A0", "risk", "medium", "owner", asha.actor().PersonID.String()).is(http.StatusSeeOther).Header.Get("Location")
	one, two := strings.TrimPrefix(to, "/items/"), s.item(w.ID, asha, "Drill the failover")
	hidden := s.item(secret.ID, asha, "Nobody sees this")
	vera.get("/items").is(http.StatusOK).says("Drill the failover").hides("Nobody sees this", "Change the chosen items")
	vera.post("/items/bulk", "item", two, "act", "due", "due_on", "2027-01-01").is(http.StatusForbidden)
	vera.post("/items/bulk", "item", hidden, "act", "due", "due_on", "2027-01-01").is(http.StatusNotFound)
	asha.post("/items/bulk?sort=risk", "act", "due").is(http.StatusUnprocessableEntity).says("Select at least one item.")
	asha.post("/items/bulk", "item", one, "item", two, "act", "done").is(http.StatusUnprocessableEntity).says("Say what was done")
	changed := asha.post("/items/bulk?sort=owner", "item", one, "item", two, "act", "assign", "owner", mikaPerson.ID.String())
	page := asha.follow(changed).says("2 items are changed.", "Mika Laine", "Undo the change")
	asha.follow(asha.post("/items/undo?sort=owner", "batch", page.value("batch")).leadsTo("/items?sort=owner")).says("2 items are as before.")
	asha.post("/items/undo", "batch", "x").is(http.StatusNotFound)
	for _, q := range []string{"?sort=risk", "?sort=workload", "?sort=owner", "?view=queue", "?team=ledger&risk=high&q=drill", "?view=all"} {
		asha.get("/items" + q).is(http.StatusOK)
	}
	for _, q := range []string{"?sort=x", "?risk=x", "?view=x", "?after=x"} {
		asha.get("/items" + q).is(http.StatusUnprocessableEntity)
	}
	asha.get("/items?q=%00&team=%00").is(http.StatusOK)
	file := vera.get("/items.csv").is(http.StatusOK)
	if lines := strings.Split(strings.TrimSpace(file.Body), "\r\n"); len(lines) != 3 || !strings.Contains(file.Body, "'=cmd") || strings.Contains(file.Body, "Nobody sees this") {
		t.Errorf("the file is %s", file.Body)
	}
	s.Ada.post("/settings/due", "high_1", "x").is(http.StatusUnprocessableEntity).says("1 to 730")
	fields := []string{}
	for _, risk := range remediation.Risks() {
		for _, tier := range []string{"1", "2", "3"} {
			fields = append(fields, risk+"_"+tier, "9")
		}
	}
	seen := s.Ada.get("/settings/due").value("version")
	s.Ada.post("/settings/due", append(fields, "version", seen)...).leadsTo("/settings/due")
	fields[1] = "10"
	stale := s.Ada.post("/settings/due", append(fields, "version", seen)...).is(http.StatusConflict).says("Somebody changed the due days", "Stored now: 9.")
	if typed := stale.value("high_1"); typed != "10" {
		t.Errorf("what was typed is gone: %s", typed)
	}
	s.Ada.post("/settings/due", append(fields, "version", stale.value("version"))...).leadsTo("/settings/due")
	if _, err := s.DB.Exec(t.Context(), `update workloads set stage = 'retired' where key = 'payments'`); err != nil {
		t.Fatal(err)
	}
	asha.post("/items/new", "workload", "payments", "title", "Too late", "risk", "none", "owner", asha.actor().PersonID.String()).is(http.StatusConflict).says("This workload is retired")
}

// TestNoticesOfAPerson shows a person's notices to them alone, and how mail comes.
func TestNoticesOfAPerson(t *testing.T) {
	s := newSite(t)
	s.openDoor()
	team := s.team("ledger", "Ledger")
	w := s.workload("payments", "Payments", "ledger", false)
	_, asha := s.person("Asha Rao", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	_, vera := s.person("Vera Stone", identity.InviteInput{})
	s.item(w.ID, asha, "Drill the failover")
	asha.get("/notices").is(http.StatusOK).says("There is no notice", "This installation sends no mail")
	if _, err := s.DB.Exec(t.Context(), `update items set due_on = '2026-11-23'`); err != nil {
		t.Fatal(err)
	}
	if err := s.Notices.Calendar(t.Context()); err != nil {
		t.Fatal(err)
	}
	asha.get("/").says("New for you", "is due on")
	page := asha.get("/notices").says("Your item in Payments is due on", "Due,")
	path := regexp.MustCompile(`/notices/[0-9a-f-]{36}`).FindString(page.Body)
	vera.post(path).is(http.StatusNotFound)
	if to := asha.post(path).is(http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(to, "/items/") {
		t.Errorf("it leads to %s", to)
	}
	asha.get("/").hides("New for you")
	asha.post("/notices/pace", "pace", "hourly").is(http.StatusUnprocessableEntity).says("Choose one of")
	asha.post("/notices/pace", "pace", "daily").leadsTo("/notices")
	asha.post("/notices/read").leadsTo("/notices")
	asha.get("/notices?after=x").is(http.StatusUnprocessableEntity)
	asha.post("/teams/ledger/chat", "kind", "slack", "url", "x").is(http.StatusUnprocessableEntity)
	asha.post("/teams/ledger/chat", "kind", "slack", "url", "https://hooks.example.com/T1/secret", "active", "1").leadsTo("/teams/ledger/chat")
	asha.get("/teams/ledger/chat").says("an address at hooks.example.com").hides("T1/secret")
	asha.get("/teams/ledger").says("Chat")
}

// TestOutwardPagesInABrowser goes from an item to a ticket and back, and looks at every new page.
func TestOutwardPagesInABrowser(t *testing.T) {
	s := newSite(t)
	s.openDoor()
	d := trackertest.NewJira(t)
	team := s.team("ledger", "Ledger")
	w := s.workload("payments", "Payments", "ledger", false)
	_, asha := s.person("Asha Rao", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	_, mika := s.person("Mika Laine", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Member}}})
	item := "/items/" + s.item(w.ID, asha, "Drill the failover of the settlement database")
	s.item(w.ID, mika, "Page on-call when the settlement queue stalls")
	ada, lead, member := s.look(s.Ada), s.look(asha), s.look(mika)

	s.lookAtWebhooks(ada)
	ada.open("/settings/due")
	ada.judge("due-days")
	ada.open("/settings/trackers/new")
	ada.judge("tracker-new")
	ada.submit("/settings/trackers/new", "name", "Jira", "url", d.URL, "project", "PAY", "account", "bot@example.org", "token", "secret")
	secret := eval[string](ada, `document.querySelector('[data-copy]').value`)
	trackers, err := s.Tickets.Trackers(t.Context(), s.admin())
	if err != nil {
		t.Fatal(err)
	}
	tracker := trackers[0].ID
	ada.open("/settings/trackers/" + tracker.String())
	ada.judge("tracker")

	lead.open(item)
	eval[bool](lead, `(document.querySelector('select[name="tracker"]').selectedIndex = 1, true)`)
	lead.press(`form[action="` + item + `/tickets"] .btn`)
	lead.wants("Being made")
	var link uuid.UUID
	if err := s.DB.QueryRow(t.Context(), `select id from ticket_links`).Scan(&link); err != nil {
		t.Fatal(err)
	}
	if err := s.Tickets.Make(t.Context(), link, false); err != nil {
		t.Fatal(err)
	}
	body := d.Set(1, true)
	s.visitor().ask("POST", "/hooks/"+tracker.String(), strings.NewReader(string(body)), trackertest.JiraHeader(secret, "m1", body)).is(http.StatusOK)
	if _, err := s.Tickets.Put(t.Context(), asha.actor(), uuid.MustParse(strings.TrimPrefix(item, "/items/")), 0, tickets.Outside{
		System: "servicenow", Key: "CHG-4471", URL: "https://now.example.com/4471", Status: strings.Repeat("Waiting for the board, ", 4) + strings.Repeat("x", 100), Closed: true,
	}); err != nil {
		t.Fatal(err)
	}
	member.open(item)
	member.wants("Done, to be verified", "PAY-1", "CHG-4471")
	member.judge("item-ticket")
	eval[bool](member, `(document.querySelector('input[name="state"][value="verified"]').checked = true)`)
	member.press(`form[action="` + item + `"] .btn-primary`)
	member.wants("Verified by Mika Laine")

	lead.open("/items?view=all&sort=risk")
	eval[chromedp.Void](lead, `document.querySelector("[data-pick-all] > .opt input").click()`)
	lead.wants("2 of 2 chosen")
	lead.judge("items-many")
	eval[chromedp.Void](lead, `document.querySelector(".pick input").click()`)
	lead.wants("1 of 2 chosen")
	lead.open("/items/new?workload=payments")
	lead.judge("item-new")
	if _, err := s.DB.Exec(t.Context(), `update items set due_on = '2026-11-23'`); err != nil {
		t.Fatal(err)
	}
	if err := s.Notices.Calendar(t.Context()); err != nil {
		t.Fatal(err)
	}
	member.open("/")
	member.wants("New for you")
	member.judge("home-notices")
	member.open("/notices")
	member.judge("notices")
	lead.open("/teams/ledger/chat")
	lead.judge("chat")
}

// lookAtWebhooks goes through the pages of webhooks.
func (s *site) lookAtWebhooks(ada *eye) {
	s.Helper()
	ada.open("/settings/webhooks")
	ada.judge("webhooks-none")
	ada.open("/settings/webhooks/new")
	ada.submit("/settings/webhooks/new", "url", "ftp://x")
	ada.judge("webhook-refused")
	ada.submit("/settings/webhooks/new", "name", "Release board", "url", "https://board.example.com/hooks/orrery")
	ada.wants("shown only now")
	ada.judge("webhook-secret")
	ada.open("/settings/webhooks")
	ada.judge("webhooks")
	e, err := s.Webhooks.Endpoints(s.Context(), s.admin())
	if err != nil {
		s.Fatal(err)
	}
	if err := s.Webhooks.SendTest(s.Context(), s.admin(), e[0].ID); err != nil {
		s.Fatal(err)
	}
	ada.open("/settings/webhooks/" + e[0].ID.String())
	ada.judge("webhook")
	log, _, err := s.Webhooks.Log(s.Context(), s.admin(), e[0].ID, "", "")
	if err != nil {
		s.Fatal(err)
	}
	ada.open("/settings/webhooks/deliveries/" + log[0].ID.String())
	ada.judge("delivery")
}
