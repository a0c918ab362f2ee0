package tickets_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/outbound"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/remediation"
	"orrery/internal/tickets"
	"orrery/internal/tickets/trackertest"
)

type house struct {
	*testing.T
	db         *pgxpool.Pool
	service    *tickets.Service
	items      *remediation.Service
	clock      time.Time
	boss       identity.Actor
	asha, mika identity.Actor
	workload   uuid.UUID
	item       remediation.Item
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, db: pgtest.New(t), clock: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), workload: uuid.Must(uuid.NewV7())}
	now := func() time.Time { return h.clock }
	jobs, err := river.NewClient(riverpgxv5.New(h.db), &river.Config{Schema: "river"})
	h.must(err)
	vault, err := outbound.ParseVault(outbound.NewVaultKey())
	h.must(err)
	allowed, err := outbound.ParseNetworks("127.0.0.1")
	h.must(err)
	h.service = tickets.NewService(h.db, jobs, &outbound.Door{Vault: vault, Client: outbound.Client(allowed)}, "https://orrery.example.com", now)
	h.items = remediation.NewService(h.db, now)
	team := uuid.Must(uuid.NewV7())
	h.exec(`insert into teams (id, key, name, created_at) values ($1, 'ledger', 'Ledger', now())`, team)
	person := func(name string) identity.Actor {
		who := identity.Actor{PersonID: uuid.Must(uuid.NewV7()), Name: name, Teams: []identity.Membership{{TeamID: team, Role: identity.Member}}}
		h.exec(`insert into people (id, email, name, created_at) values ($1, $2, $3, now())`, who.PersonID, strings.ToLower(name)+"@example.org", name)
		h.exec(`insert into memberships (team_id, person_id, role, granted_at) values ($1, $2, 'member', now())`, team, who.PersonID)
		return who
	}
	h.asha, h.mika, h.boss = person("Asha"), person("Mika"), person("Jonas")
	h.boss.Roles = []identity.OrgRole{identity.Admin}
	h.exec(`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		values ($1, 'payments', 'Payments', '', $2, 2, 'live', false, now(), now())`, h.workload, team)
	id, err := h.items.Open(t.Context(), h.asha, h.workload,
		remediation.NewItem{Title: "Page on-call", Detail: "When the queue stalls.", Risk: "high", OwnerID: h.asha.PersonID.String()})
	h.must(err)
	h.item = h.read(id)
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	_, err := h.db.Exec(context.Background(), sql, args...)
	h.must(err)
}

func (h *house) read(id uuid.UUID) remediation.Item {
	h.Helper()
	it, err := h.items.Item(h.Context(), h.asha, id)
	h.must(err)
	return it
}

func (h *house) change(who identity.Actor, state, resolution string) {
	h.Helper()
	it := h.read(h.item.ID)
	_, err := h.items.Change(h.Context(), who, it.ID, remediation.Change{
		Version: it.Version, OwnerID: it.OwnerID.String(), DueOn: it.DueOn.Format(time.DateOnly), State: state, Resolution: resolution,
	})
	h.must(err)
}

func (h *house) jira(d *trackertest.Double) (tickets.Tracker, string) {
	h.Helper()
	t, secret, err := h.service.CreateTracker(h.Context(), h.boss, tickets.TrackerInput{
		Kind: tickets.Jira, Name: "Jira", URL: d.URL, Project: "PAY", Account: "bot@example.org", IssueType: "Task", Token: "secret", Active: true,
	})
	h.must(err)
	return t, secret
}

func (h *house) gitHub(d *trackertest.Double) (tickets.Tracker, string) {
	h.Helper()
	t, secret, err := h.service.CreateTracker(h.Context(), h.boss, tickets.TrackerInput{
		Kind: tickets.GitHub, Name: "GitHub", URL: d.URL, Project: "acme/payments", Token: "secret", Active: true,
	})
	h.must(err)
	return t, secret
}

// link returns the one ticket of the item.
func (h *house) link() tickets.Link {
	h.Helper()
	list, err := tickets.LinksOf(h.Context(), h.db, h.item.ID)
	h.must(err)
	if len(list) != 1 {
		h.Fatalf("%d tickets", len(list))
	}
	return list[0]
}

// tell works the jobs that the item's events make.
func (h *house) tell() {
	h.Helper()
	h.handOn()
	rows, err := h.db.Query(h.Context(), `delete from river.river_job where kind = 'tickets.tell' returning (args->>'link_id')::uuid`)
	h.must(err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	h.must(err)
	for _, id := range ids {
		h.must(h.service.Tell(h.Context(), id))
	}
}

// TestJira makes a ticket whose answer is lost, closes it, and verifies here.
func TestJira(t *testing.T) {
	h, d := newHouse(t), trackertest.NewJira(t)
	tracker, secret := h.jira(d)
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	d.LoseAnswer()
	if err := h.service.Make(t.Context(), h.link().ID, false); err == nil {
		t.Error("a lost answer is no error")
	}
	h.later(d)
	d.Fail("POST /rest/api/3/issue/PAY-1/remotelink", 503)
	if err := h.service.Make(t.Context(), h.link().ID, false); err == nil {
		t.Error("a lost link is no error")
	}
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	h.must(h.service.Make(t.Context(), h.link().ID, false)) // again, as queues do
	issues := d.Issues()
	if l := h.link(); len(issues) != 1 || len(issues[0].Links) != 1 || l.Key != "PAY-1" || l.URL != d.URL+"/browse/PAY-1" || l.Status != "To Do" || l.State != tickets.Linked {
		t.Fatalf("%d issues with %d links, the ticket is %+v", len(issues), len(issues[0].Links), l)
	}
	body := d.Set(1, true)
	h.must(h.service.Receive(t.Context(), tracker.ID, trackertest.JiraHeader(secret, "m1", body), body))
	if it := h.read(h.item.ID); it.State != remediation.Done || it.DoneBy != nil || it.Finished() {
		t.Errorf("after it was closed the item is %s, done by %v", it.State, it.DoneBy)
	}
	h.tell()
	h.change(h.mika, remediation.Verified, "The ticket PAY-1 was closed.")
	h.tell()
	for _, resolved := range d.Issues()[0].Links {
		if !resolved {
			t.Error("Jira was not told that the item is verified")
		}
	}
	if n := d.Changes(); n != 0 {
		t.Errorf("what was closed there was moved %d times", n)
	}
}

// TestWebhooksOnceAndInOrder sends each webhook twice, an old one late, and forged ones.
func TestWebhooksOnceAndInOrder(t *testing.T) {
	h, d := newHouse(t), trackertest.NewJira(t)
	tracker, secret := h.jira(d)
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	closed := d.Set(1, true)
	opened := d.Set(1, false)
	receive := func(id string, body []byte) {
		t.Helper()
		h.must(h.service.Receive(t.Context(), tracker.ID, trackertest.JiraHeader(secret, id, body), body))
	}
	receive("m2", opened)
	receive("m1", closed) // late
	if it := h.read(h.item.ID); it.State != remediation.Open {
		t.Errorf("an old status made the item %s", it.State)
	}
	again := d.Set(1, true)
	receive("m3", again)
	version := h.read(h.item.ID).Version
	receive("m3", again)
	receive("m4", again)
	if it := h.read(h.item.ID); it.State != remediation.Done || it.Version != version {
		t.Errorf("the item is %s, version %d after %d", it.State, it.Version, version)
	}
	receive("m5", d.Set(1, false))
	if it := h.read(h.item.ID); it.State != remediation.Open {
		t.Errorf("opened in Jira again, the item is %s", it.State)
	}
	body := d.Set(1, true)
	forged := trackertest.JiraHeader("another", "m6", body)
	for name, c := range map[string]struct {
		header http.Header
		body   []byte
		id     uuid.UUID
		kind   fault.Kind
	}{
		"another secret":     {forged, body, tracker.ID, fault.Unauthenticated},
		"no signature":       {http.Header{}, body, tracker.ID, fault.Unauthenticated},
		"another body":       {trackertest.JiraHeader(secret, "m6", body), append([]byte(" "), body...), tracker.ID, fault.Unauthenticated},
		"no id":              {trackertest.JiraHeader(secret, "", body), body, tracker.ID, fault.Invalid},
		"no JSON":            {trackertest.JiraHeader(secret, "m7", []byte("x")), []byte("x"), tracker.ID, fault.Invalid},
		"an unknown tracker": {trackertest.JiraHeader(secret, "m6", body), body, uuid.New(), fault.NotFound},
	} {
		if err := h.service.Receive(t.Context(), c.id, c.header, c.body); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if it := h.read(h.item.ID); it.State != remediation.Open {
		t.Errorf("a forged webhook made the item %s", it.State)
	}
}

// TestPollIsTheTruth hears of no webhook, and still closes the item.
func TestPollIsTheTruth(t *testing.T) {
	h, d := newHouse(t), trackertest.NewGitHub(t)
	tracker, _ := h.gitHub(d)
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	d.LoseAnswer()
	_ = h.service.Make(t.Context(), h.link().ID, false)
	h.later(d)
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	if n := len(d.Issues()); n != 1 || h.link().Key != "acme/payments#1" {
		t.Fatalf("%d issues, the ticket is %+v", n, h.link())
	}
	d.Set(1, true)
	h.must(h.service.Poll(t.Context()))
	if it := h.read(h.item.ID); it.State != remediation.Open {
		t.Error("it was asked too early")
	}
	h.clock = h.clock.Add(time.Hour)
	h.must(h.service.Poll(t.Context()))
	if it := h.read(h.item.ID); it.State != remediation.Done {
		t.Errorf("the item is %s", it.State)
	}
	d.Fail("GET /repos", 500)
	h.clock = h.clock.Add(time.Hour)
	h.must(h.service.Poll(t.Context()))
	if l := h.link(); l.Problem == "" || l.State != tickets.Linked {
		t.Errorf("an outage leaves the ticket %+v", l)
	}
}

// TestGitHubIsTold closes the issue of a verified item, and opens it with the item again.
func TestGitHubIsTold(t *testing.T) {
	h, d := newHouse(t), trackertest.NewGitHub(t)
	tracker, secret := h.gitHub(d)
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	h.change(h.asha, remediation.Done, "An alarm pages on-call.")
	h.tell()
	if d.Issues()[0].Closed {
		t.Error("it is closed before it is verified")
	}
	h.change(h.mika, remediation.Verified, "An alarm pages on-call.")
	h.tell()
	if !d.Issues()[0].Closed {
		t.Error("it is not closed")
	}
	body := d.Set(1, true)
	h.must(h.service.Receive(t.Context(), tracker.ID, trackertest.GitHubHeader(secret, "g1", body), body))
	h.change(h.asha, remediation.Open, "")
	h.tell()
	if d.Issues()[0].Closed {
		t.Error("the item is open and the ticket is not")
	}
}

// TestRefusals says why a ticket was not made, and tries again when a person asks.
func TestRefusals(t *testing.T) {
	h, d := newHouse(t), trackertest.NewJira(t)
	tracker, _ := h.jira(d)
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	d.Fail("POST /rest/api/3/issue", 400)
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	if l := h.link(); l.State != tickets.Refused || !strings.Contains(l.Problem, "400") {
		t.Errorf("the ticket is %+v", l)
	}
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	if l := h.link(); l.State != tickets.Linked || l.Problem != "" {
		t.Errorf("the ticket is %+v", l)
	}
	if err := h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second ticket: %v", err)
	}
}

// TestWhoMay asks as those who may not, and for each fault that is promised.
func TestWhoMay(t *testing.T) {
	h, d := newHouse(t), trackertest.NewJira(t)
	tracker, _ := h.jira(d)
	ctx, stranger := t.Context(), identity.Actor{PersonID: uuid.Must(uuid.NewV7())}
	_, err1 := h.service.Trackers(ctx, h.asha)
	_, err2 := h.service.Tracker(ctx, h.asha, tracker.ID)
	_, _, err3 := h.service.CreateTracker(ctx, h.asha, tickets.TrackerInput{})
	err4 := h.service.ChangeTracker(ctx, h.asha, tracker.ID, 1, tickets.TrackerInput{})
	_, err5 := h.service.NewHookSecret(ctx, h.asha, tracker.ID, 1)
	err6 := h.service.Create(ctx, stranger, h.item.ID, tracker.ID)
	err7 := h.service.LinkByHand(ctx, stranger, h.item.ID, "X-1", "https://example.com/X-1")
	err8 := h.service.Unlink(ctx, stranger, h.item.ID, uuid.New())
	for i, err := range []error{err1, err2, err3, err4, err5, err6, err7, err8} {
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("method %d: %v", i+1, err)
		}
	}
	h.exec(`update workloads set restricted = true`)
	if err := h.service.Create(ctx, stranger, h.item.ID, tracker.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("a restricted workload: %v", err)
	}
	if err := h.service.Create(ctx, h.asha, h.item.ID, uuid.New()); !fault.Is(err, fault.Invalid) {
		t.Errorf("an unknown tracker: %v", err)
	}
	if err := h.service.LinkByHand(ctx, h.asha, h.item.ID, "", "javascript:alert(1)"); len(fault.FieldsOf(err)) != 2 {
		t.Errorf("a link that is none: %v", err)
	}
	h.must(h.service.LinkByHand(ctx, h.asha, h.item.ID, "SNOW-1", "https://example.com/SNOW-1"))
	h.must(h.service.Unlink(ctx, h.mika, h.item.ID, h.link().ID))
	if err := h.service.ChangeTracker(ctx, h.boss, tracker.ID, 1, tickets.TrackerInput{Name: "J", URL: "https://elsewhere.example.com", Project: "PAY", Account: "a@b.c", IssueType: "Task"}); len(fault.FieldsOf(err)) != 1 {
		t.Errorf("the token goes to another address: %v", err)
	}
	if err := h.service.ChangeTracker(ctx, h.boss, tracker.ID, 9, tickets.TrackerInput{Name: "J", URL: d.URL, Project: "PAY", Account: "a@b.c", IssueType: "Task"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a stale version: %v", err)
	}
	for _, bad := range []string{"", "acme", "acme/../x", "../..", "acme/x y", "acme/.."} {
		_, _, err := h.service.CreateTracker(ctx, h.boss, tickets.TrackerInput{Kind: tickets.GitHub, Name: "G", URL: d.URL, Project: bad, Token: "x"})
		if f := fault.FieldsOf(err); len(f) != 1 || f[0].Name != "project" {
			t.Errorf("repository %q: %v", bad, err)
		}
	}
}
