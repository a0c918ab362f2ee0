package notify_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/notify"
	"orrery/internal/notify/mailtest"
	"orrery/internal/outbound"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/remediation"
)

type house struct {
	*testing.T
	db                *pgxpool.Pool
	service           *notify.Service
	items             *remediation.Service
	clock             time.Time
	team, workload    uuid.UUID
	asha, mika, jonas identity.Actor // a lead, a member, an admin outside
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, db: pgtest.New(t), clock: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), team: uuid.Must(uuid.NewV7()), workload: uuid.Must(uuid.NewV7())}
	now := func() time.Time { return h.clock }
	jobs, err := river.NewClient(riverpgxv5.New(h.db), &river.Config{Schema: "river"})
	h.must(err)
	vault, err := outbound.ParseVault(outbound.NewVaultKey())
	h.must(err)
	allowed, err := outbound.ParseNetworks("127.0.0.1")
	h.must(err)
	h.service = notify.NewService(h.db, jobs, &outbound.Door{Vault: vault, Client: outbound.Client(allowed)}, "https://orrery.example.com", now)
	h.items = remediation.NewService(h.db, now)
	h.exec(`insert into teams (id, key, name, created_at) values ($1, 'ledger', 'Ledger', now())`, h.team)
	person := func(name string, role identity.TeamRole) identity.Actor {
		who := identity.Actor{PersonID: uuid.Must(uuid.NewV7()), Name: name}
		h.exec(`insert into people (id, email, name, created_at) values ($1, $2, $3, now())`, who.PersonID, strings.ToLower(name)+"@example.org", name)
		if role != "" {
			h.exec(`insert into memberships (team_id, person_id, role, granted_at) values ($1, $2, $3, now())`, h.team, who.PersonID, role)
			who.Teams = []identity.Membership{{TeamID: h.team, Role: role}}
		}
		return who
	}
	h.asha, h.mika, h.jonas = person("Asha", identity.Lead), person("Mika", identity.Member), person("Jonas", "")
	h.jonas.Roles = []identity.OrgRole{identity.Admin}
	h.exec(`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		values ($1, 'payments', 'Payments', '', $2, 2, 'live', false, now(), now())`, h.workload, h.team)
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

// open opens an item for somebody and hands its event on, twice.
func (h *house) open(by, owner identity.Actor, due string) uuid.UUID {
	h.Helper()
	id, err := h.items.Open(h.Context(), by, h.workload,
		remediation.NewItem{Title: "Drill the failover", Risk: "high", OwnerID: owner.PersonID.String(), DueOn: due})
	h.must(err)
	h.handOn()
	return id
}

func (h *house) handOn() {
	h.Helper()
	var again []audit.Event
	_, _, err := audit.HandOn(h.Context(), h.db, h.clock, h.service.Take, func(_ context.Context, _ pgx.Tx, e audit.Event) error {
		again = append(again, e)
		return nil
	})
	h.must(err)
	for _, e := range again {
		h.must(pgx.BeginFunc(h.Context(), h.db, func(tx pgx.Tx) error { return h.service.Take(h.Context(), tx, e) }))
	}
}

// notices are the kinds and titles of somebody's notices, the newest first.
func (h *house) notices(who identity.Actor) []notify.Notice {
	h.Helper()
	list, _, err := h.service.List(h.Context(), who, "")
	h.must(err)
	return list
}

// TestAssigned tells who was given an item, once, and not who took it.
func TestAssigned(t *testing.T) {
	h := newHouse(t)
	id := h.open(h.asha, h.mika, "2026-12-05")
	h.open(h.asha, h.asha, "")
	got := h.notices(h.mika)
	if len(got) != 1 || got[0].Kind != notify.Assigned || got[0].Href != "/items/"+id.String() || !strings.Contains(got[0].Title, "Payments by 5 December 2026: Drill") {
		t.Errorf("Mika is told %+v", got)
	}
	if n := len(h.notices(h.asha)); n != 0 {
		t.Errorf("Asha is told %d things of her own", n)
	}
	it, err := h.items.Item(t.Context(), h.mika, id)
	h.must(err)
	c := remediation.Change{Version: it.Version, OwnerID: h.asha.PersonID.String(), DueOn: "2026-12-05", State: remediation.InProgress}
	it, err = h.items.Change(t.Context(), h.mika, id, c)
	h.must(err)
	c.Version, c.State = it.Version, remediation.Open
	_, err = h.items.Change(t.Context(), h.mika, id, c)
	h.must(err)
	h.handOn()
	if n := len(h.notices(h.asha)); n != 1 {
		t.Errorf("Asha was given one item and is told %d things", n)
	}
	to, err := h.service.Read(t.Context(), h.mika, got[0].ID)
	h.must(err)
	if _, err := h.service.Read(t.Context(), h.asha, got[0].ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("somebody else's notice: %v", err)
	}
	if _, n, err := h.service.Unread(t.Context(), h.mika); err != nil || n != 0 || to != got[0].Href {
		t.Errorf("%d are unread, it leads to %s: %v", n, to, err)
	}
}

// TestReturned tells the leads that nobody owns an item any more, and not who gave it back.
func TestReturned(t *testing.T) {
	h := newHouse(t)
	id := h.open(h.asha, h.mika, "2026-12-05")
	c := remediation.Change{Version: 1, DueOn: "2026-12-05", State: remediation.Open}
	for _, step := range []struct {
		who   identity.Actor
		owner string
	}{{h.mika, ""}, {h.asha, h.mika.PersonID.String()}, {h.asha, ""}} {
		c.OwnerID = step.owner
		it, err := h.items.Change(t.Context(), step.who, id, c)
		h.must(err)
		c.Version = it.Version
		h.handOn()
	}
	got := h.notices(h.asha)
	if len(got) != 1 || got[0].Kind != notify.HandedOver || got[0].Title != "Nobody owns any more in Payments: Drill the failover" || got[0].Href != "/items/"+id.String() {
		t.Errorf("the lead is told %+v", got)
	}
}

// TestCalendar tells of what is due soon and overdue, each once.
func TestCalendar(t *testing.T) {
	h := newHouse(t)
	h.open(h.mika, h.mika, "2026-11-24")
	h.open(h.mika, h.mika, "2026-12-24")
	for range 3 {
		h.must(h.service.Calendar(t.Context()))
	}
	if got := h.notices(h.mika); len(got) != 1 || got[0].Kind != notify.Due || !strings.Contains(got[0].Title, "is due on 24 November 2026") {
		t.Errorf("Mika is told %+v", got)
	}
	h.clock = h.clock.AddDate(0, 0, 5)
	h.must(h.service.Calendar(t.Context()))
	if got := h.notices(h.mika); len(got) != 2 || !strings.Contains(got[0].Title, "is overdue since 24 November 2026") {
		t.Errorf("Mika is told %+v", got)
	}
}

// TestRelease moves the work of somebody who left to the queue, and tells the lead.
func TestRelease(t *testing.T) {
	h := newHouse(t)
	id := h.open(h.asha, h.mika, "")
	h.must(h.service.Release(t.Context(), h.mika.PersonID))
	if it, err := h.items.Item(t.Context(), h.asha, id); err != nil || it.OwnerID != h.mika.PersonID {
		t.Errorf("who can sign in loses work: %+v, %v", it, err)
	}
	people := identity.NewService(h.db, audit.RecordIdentity, func() time.Time { return h.clock })
	h.exec(`insert into org_roles (person_id, role, granted_at) values ($1, 'admin', now())`, h.jonas.PersonID)
	h.must(people.Deactivate(t.Context(), h.jonas, h.mika.PersonID))
	h.handOn()
	var jobs int
	h.must(h.db.QueryRow(t.Context(), `select count(*) from river.river_job where kind = 'notify.release'`).Scan(&jobs))
	if jobs == 0 {
		t.Error("no job moves the work")
	}
	for range 2 {
		h.must(h.service.Release(t.Context(), h.mika.PersonID))
	}
	it, err := h.items.Item(t.Context(), h.asha, id)
	h.must(err)
	got := h.notices(h.asha)
	if it.OwnerID != uuid.Nil || len(got) != 1 || got[0].Kind != notify.HandedOver || !strings.Contains(got[0].Title, "Mika can no longer sign in. In the queue of Ledger now: 1 item and 0 questions.") {
		t.Errorf("the owner is %s, Asha is told %+v", it.OwnerName, got)
	}
	queue, _, err := h.items.List(t.Context(), h.asha, remediation.Filter{Queue: true})
	if err != nil || len(queue) != 1 {
		t.Errorf("%d items are in the queue: %v", len(queue), err)
	}
}

// TestMail sends one letter with all that came, tries again after a refusal, and keeps to the pace.
func TestMail(t *testing.T) {
	h, p := newHouse(t), mailtest.New(t)
	m := p.Mail()
	h.must(m.Check())
	h.service.SendWith(m)
	h.exec(`update workloads set name = E'Pay\nBcc: x@example.org'`)
	h.open(h.asha, h.mika, "2026-11-22")
	h.must(h.service.Calendar(t.Context()))
	mailed := func() int {
		t.Helper()
		h.exec(`delete from river.river_job`)
		h.must(h.service.Post(t.Context()))
		rows, err := h.db.Query(t.Context(), `select (args->>'person_id')::uuid from river.river_job where kind = 'notify.mail'`)
		h.must(err)
		people, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		h.must(err)
		for _, id := range people {
			_ = h.service.MailTo(t.Context(), id)
		}
		return len(people)
	}
	if n := mailed(); n != 0 {
		t.Errorf("%d people get mail before the minute is over", n)
	}
	h.clock = h.clock.Add(2 * time.Minute)
	p.Refuse(true)
	mailed()
	p.Refuse(false)
	if n, got := mailed(), p.Take(); n != 1 || len(got) != 1 {
		t.Fatalf("%d people, %d letters", n, len(got))
	} else {
		checkLetter(t, got[0])
	}
	if n := mailed(); n != 0 {
		t.Errorf("%d people get the same again", n)
	}
	h.must(h.service.SavePace(t.Context(), h.mika, notify.Daily))
	h.open(h.asha, h.mika, "")
	h.clock = h.clock.Add(5 * time.Minute)
	if n := mailed(); n != 0 {
		t.Error("a daily mail comes at noon")
	}
	h.clock = time.Date(2026, 11, 22, 7, 1, 0, 0, time.UTC)
	if n := mailed(); n != 1 || len(p.Take()) != 1 {
		t.Errorf("%d people get the daily mail", n)
	}
	h.must(h.service.SavePace(t.Context(), h.mika, notify.Never))
	h.open(h.asha, h.mika, "")
	h.clock = h.clock.AddDate(0, 0, 1)
	if n := mailed(); n != 0 {
		t.Errorf("%d people get mail that they do not want", n)
	}
}

func checkLetter(t *testing.T, l mailtest.Letter) {
	t.Helper()
	if l.Header.Get("Bcc") != "" || l.To != "mika@example.org" || l.Subject != "2 things for you in Orrery" {
		t.Errorf("the head is %v", l.Header)
	}
	for _, words := range []string{"Hello Mika,", "Assigned to you", "Due", "https://orrery.example.com/items/"} {
		if !strings.Contains(l.Body, words) {
			t.Errorf("the letter does not say %q: %s", words, l.Body)
		}
	}
}

// TestChat posts to a team's chat in both shapes; who may not set it is refused.
func TestChat(t *testing.T) {
	h := newHouse(t)
	var got []map[string]any
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m map[string]any
		_ = json.NewDecoder(r.Body).Decode(&m)
		got = append(got, m)
	}))
	defer chat.Close()
	for name, c := range map[string]struct {
		who  identity.Actor
		in   notify.ChannelInput
		kind fault.Kind
	}{
		"a member": {h.mika, notify.ChannelInput{Kind: notify.Slack, URL: chat.URL}, fault.Forbidden},
		"nobody":   {identity.Actor{}, notify.ChannelInput{Kind: notify.Slack, URL: chat.URL}, fault.Unauthenticated},
		"no kind":  {h.asha, notify.ChannelInput{URL: chat.URL}, fault.Invalid},
		"no URL":   {h.asha, notify.ChannelInput{Kind: notify.Slack}, fault.Invalid},
	} {
		if err := h.service.SaveChannel(t.Context(), c.who, h.team, c.in); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	workers := river.NewWorkers()
	notify.RegisterWorkers(workers, h.service)
	client, err := river.NewClient(riverpgxv5.New(h.db), &river.Config{Schema: "river", Workers: workers, Queues: map[string]river.QueueConfig{notify.Queue: {MaxWorkers: 1}}})
	h.must(err)
	done, stop := client.Subscribe(river.EventKindJobCompleted, river.EventKindJobFailed)
	defer stop()
	h.must(client.Start(t.Context()))
	defer func() { _ = client.Stop(context.WithoutCancel(t.Context())) }()
	for _, kind := range []string{notify.Slack, notify.Teams} {
		h.must(h.service.SaveChannel(t.Context(), h.asha, h.team, notify.ChannelInput{Kind: kind, URL: chat.URL + "/secret", Active: true}))
		h.must(pgx.BeginFunc(t.Context(), h.db, func(tx pgx.Tx) error {
			return audit.Record(t.Context(), tx, h.asha, audit.Act{Stream: audit.WorkloadStream(h.workload), Verb: "round.decided", TargetKind: "review", TargetID: uuid.NewString(), At: h.clock})
		}))
		_, _, err := audit.HandOn(t.Context(), h.db, h.clock, h.service.Take)
		h.must(err)
		select {
		case e := <-done:
			if e.Kind != river.EventKindJobCompleted {
				t.Errorf("%s: %v", kind, e.Job.Errors)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nothing was said")
		}
	}
	if len(got) != 2 || !strings.Contains(got[0]["text"].(string), "A review of Payments was decided.") || got[1]["type"] != "message" {
		t.Errorf("the chat got %v", got)
	}
	c, err := h.service.Channel(t.Context(), h.jonas, h.team)
	if err != nil || c.Host == "" || strings.Contains(c.Host, "secret") {
		t.Errorf("the chat is %+v, %v", c, err)
	}
}

func TestMailSettings(t *testing.T) {
	for _, bad := range []notify.Mail{
		{Server: "mail.example.com", From: "a@b.c"}, {Server: "http://mail.example.com", From: "a@b.c"}, {Server: "smtp://mail.example.com"},
		{Server: "smtp://mail.example.com/x", From: "a@b.c"}, {Server: "smtp://u:p@mail.example.com", From: "a@b.c"},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v is fine", bad)
		}
	}
	if err := (notify.Mail{}).Check(); err != nil {
		t.Error(err)
	}
}
