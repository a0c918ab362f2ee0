package webhook_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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
	"orrery/internal/outbound"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/webhook"
)

// message is what the receiver double got.
type message struct {
	ID, Timestamp, Signature string
	Body                     []byte
}

// house is a service on its own database, with a receiver that answers as it is told.
type house struct {
	*testing.T
	db       *pgxpool.Pool
	service  *webhook.Service
	boss     identity.Actor
	workload uuid.UUID
	receiver *httptest.Server

	mu     sync.Mutex
	now    time.Time
	answer int
	got    []message
}

func newHouse(t *testing.T, allowed string) *house {
	t.Helper()
	h := &house{T: t, db: pgtest.New(t), now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), answer: 204}
	h.receiver = httptest.NewServer(h)
	t.Cleanup(h.receiver.Close)
	jobs, err := river.NewClient(riverpgxv5.New(h.db), &river.Config{Schema: "river"})
	h.must(err)
	networks, err := outbound.ParseNetworks(allowed)
	h.must(err)
	vault, err := outbound.ParseVault(outbound.NewVaultKey())
	h.must(err)
	door := &outbound.Door{Vault: vault, Client: outbound.Client(networks)}
	h.service = webhook.NewService(h.db, jobs, door, "https://orrery.example.com", h.clock)
	h.boss = identity.Actor{PersonID: uuid.Must(uuid.NewV7()), Name: "Jonas", Roles: []identity.OrgRole{identity.Admin}}
	team := uuid.Must(uuid.NewV7())
	h.workload = uuid.Must(uuid.NewV7())
	h.exec(`insert into people (id, email, name, created_at) values ($1, 'jonas@example.org', 'Jonas', now())`, h.boss.PersonID)
	h.exec(`insert into teams (id, key, name, created_at) values ($1, 'ledger', 'Ledger', now())`, team)
	h.exec(`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		values ($1, 'payments', 'Payments', '', $2, 2, 'live', false, now(), now())`, h.workload, team)
	return h
}

func (h *house) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, message{r.Header.Get(webhook.HeaderID), r.Header.Get(webhook.HeaderTimestamp), r.Header.Get(webhook.HeaderSignature), body})
	w.WriteHeader(h.answer)
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) answers(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = status
}

// received returns what came since it was last called.
func (h *house) received() []message {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := h.got
	h.got = nil
	return got
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

// happen records an act and hands it on.
func (h *house) happen(verb string) {
	h.Helper()
	h.must(pgx.BeginFunc(h.Context(), h.db, func(tx pgx.Tx) error {
		return audit.Record(h.Context(), tx, h.boss, audit.Act{
			Stream: audit.WorkloadStream(h.workload), Verb: verb, TargetKind: "item", TargetID: uuid.NewString(), At: h.clock(),
		})
	}))
	_, _, err := audit.HandOn(h.Context(), h.db, h.clock(), h.service.Take)
	h.must(err)
}

// work tries every delivery that is due.
func (h *house) work() {
	h.Helper()
	rows, err := h.db.Query(h.Context(), `select id from webhook_deliveries where state = 'pending' and due_at <= $1 order by made_at, id`, h.clock())
	h.must(err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	h.must(err)
	for _, id := range ids {
		h.must(h.service.Deliver(h.Context(), id))
	}
}

func (h *house) endpoint(events ...string) (webhook.Endpoint, string) {
	h.Helper()
	e, secret, err := h.service.Create(h.Context(), h.boss, webhook.Input{Name: "Board", URL: h.receiver.URL + "/in", Events: events, On: true})
	h.must(err)
	return e, secret
}

func (h *house) valid(secret string, m message) bool {
	return webhook.Verify(secret, m.ID, m.Timestamp, m.Signature, m.Body, h.clock()) == nil
}

// TestDelivery sends one event: signed, thin, once for each endpoint that wants it.
func TestDelivery(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	_, secret := h.endpoint("item.done")
	h.endpoint("round.decided")
	h.happen("item.done")
	h.happen("answer.saved") // nobody hears of it
	h.work()
	got := h.received()
	if len(got) != 1 {
		t.Fatalf("%d messages came", len(got))
	}
	if !h.valid(secret, got[0]) || h.valid("whsec_"+strings.Repeat("A", 44), got[0]) {
		t.Error("the signature does not fit")
	}
	h.pass(6 * time.Minute)
	if h.valid(secret, got[0]) {
		t.Error("an old message is valid")
	}
	var body struct {
		Type string
		Data struct{ Workload, HTML_URL string }
	}
	h.must(json.Unmarshal(got[0].Body, &body))
	if body.Type != "item.done" || body.Data.Workload != "payments" || !strings.HasPrefix(got[0].ID, "evt_") || strings.Contains(string(got[0].Body), "Jonas") {
		t.Errorf("the message is %s: %s", got[0].ID, got[0].Body)
	}
}

// TestSecretsAreSealed looks for the secret in the tables.
func TestSecretsAreSealed(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	_, secret := h.endpoint()
	var n int
	h.must(h.db.QueryRow(t.Context(), `select count(*) from webhook_endpoints where position(convert_to($1, 'UTF8') in secret) > 0`, secret).Scan(&n))
	if n != 0 {
		t.Error("the secret is stored as it is")
	}
}

// TestRetries fails for a day, then is given up; a replay sends the same id and bytes.
func TestRetries(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	e, _ := h.endpoint()
	h.answers(500)
	h.happen("item.done")
	start, tries := h.clock(), 0
	for range 2000 {
		h.work()
		tries += len(h.received())
		h.pass(time.Minute)
		if tries >= 8 {
			break
		}
	}
	if over := h.clock().Sub(start); tries != 8 || over < 24*time.Hour || over > 30*time.Hour {
		t.Errorf("%d tries over %s", tries, over)
	}
	log, _, err := h.service.Log(t.Context(), h.boss, e.ID, webhook.Failed, "")
	h.must(err)
	if len(log) != 1 || log[0].Attempts != 8 || log[0].LastStatus != 500 {
		t.Fatalf("the log is %+v", log)
	}
	h.answers(200)
	n, err := h.service.ReplaySince(t.Context(), h.boss, e.ID, start, false)
	h.must(err)
	h.work()
	got := h.received()
	d, err := h.service.Delivery(t.Context(), h.boss, log[0].ID)
	h.must(err)
	if n != 1 || len(got) != 1 || got[0].ID != log[0].MessageID() || string(got[0].Body) != string(log[0].Body) || d.State != webhook.Delivered || len(d.Tries) != 9 {
		t.Errorf("replayed %d, got %d, the delivery is %s after %d tries", n, len(got), d.State, len(d.Tries))
	}
}

// TestRotation signs with both secrets for a day, then with the new one alone.
func TestRotation(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	e, first := h.endpoint()
	second, err := h.service.Rotate(t.Context(), h.boss, e.ID, e.Version)
	h.must(err)
	h.happen("item.done")
	h.work()
	if m := h.received()[0]; !h.valid(first, m) || !h.valid(second, m) {
		t.Error("both secrets should sign")
	}
	h.pass(25 * time.Hour)
	h.happen("item.done")
	h.work()
	if m := h.received()[0]; h.valid(first, m) || !h.valid(second, m) {
		t.Error("the new secret alone should sign")
	}
}

// TestOneRotationOfOneVersion gives one new secret to many who ask at once for one of the same
// version, so that the secret of the receiver goes on to sign.
func TestOneRotationOfOneVersion(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	e, first := h.endpoint()
	var all sync.WaitGroup
	secrets, errs := make([]string, 5), make([]error, 5)
	for i := range errs {
		all.Go(func() { secrets[i], errs[i] = h.service.Rotate(t.Context(), h.boss, e.ID, e.Version) })
	}
	all.Wait()
	second := ""
	for i, err := range errs {
		switch {
		case err == nil && second == "":
			second = secrets[i]
		case !fault.Is(err, fault.Conflict) || secrets[i] != "":
			t.Errorf("rotated again: %v", err)
		}
	}
	if _, err := h.service.Rotate(t.Context(), h.boss, e.ID, e.Version); !fault.Is(err, fault.Conflict) {
		t.Errorf("rotated later: %v", err)
	}
	h.happen("item.done")
	h.work()
	if m := h.received()[0]; !h.valid(first, m) || !h.valid(second, m) {
		t.Error("the secret of the receiver does not sign any more")
	}
}

// TestGone switches an endpoint off whose receiver answers 410.
func TestGone(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	e, _ := h.endpoint()
	h.answers(410)
	h.happen("item.done")
	h.work()
	h.happen("item.done")
	h.work()
	e, err := h.service.Endpoint(t.Context(), h.boss, e.ID)
	h.must(err)
	if n := len(h.received()); n != 1 || e.State != webhook.Gone {
		t.Errorf("%d messages came, the endpoint is %s", n, e.State)
	}
	if err := h.service.SendTest(t.Context(), h.boss, e.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("a test to a webhook that is gone: %v", err)
	}
}

// TestPrivateAddressesAreRefused delivers nothing to this machine unless it is allowed.
func TestPrivateAddressesAreRefused(t *testing.T) {
	h := newHouse(t, "")
	e, _ := h.endpoint()
	h.happen("item.done")
	h.work()
	log, _, err := h.service.Log(t.Context(), h.boss, e.ID, "", "")
	h.must(err)
	if n := len(h.received()); n != 0 || len(log) != 1 || !strings.Contains(log[0].LastProblem, "not public") {
		t.Errorf("%d messages came, the log is %+v", n, log)
	}
}

// TestRestricted keeps events of restricted workloads from endpoints that are not for them.
func TestRestricted(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	h.endpoint()
	h.exec(`update workloads set restricted = true`)
	h.happen("item.done")
	h.work()
	if n := len(h.received()); n != 0 {
		t.Errorf("%d messages came", n)
	}
}

// TestDeadWorker finds a delivery again whose worker died in the middle.
func TestDeadWorker(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	h.endpoint()
	h.happen("item.done")
	h.exec(`update webhook_deliveries set leased_until = $1`, h.clock().Add(20*time.Second))
	h.exec(`delete from river.river_job`)
	h.work()
	if n := len(h.received()); n != 0 {
		t.Errorf("somebody else tries it, and %d messages came", n)
	}
	h.pass(30 * time.Second)
	h.must(h.service.Sweep(t.Context()))
	var jobs int
	h.must(h.db.QueryRow(t.Context(), `select count(*) from river.river_job where kind = 'webhook.deliver'`).Scan(&jobs))
	h.work()
	if n := len(h.received()); n != 1 || jobs != 1 {
		t.Errorf("%d jobs, %d messages", jobs, n)
	}
}

// TestWhoMay asks each method as those who may not.
func TestWhoMay(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	e, _ := h.endpoint()
	member, token := identity.Actor{PersonID: uuid.Must(uuid.NewV7())}, h.boss
	token.TokenID, token.Scopes = uuid.Must(uuid.NewV7()), []string{"write"}
	for name, who := range map[string]identity.Actor{"nobody": {}, "a member": member, "a token": token, "a curator": {PersonID: member.PersonID, Roles: []identity.OrgRole{identity.Curator}}} {
		ctx, in := t.Context(), webhook.Input{Name: "X", URL: "https://example.com", On: true}
		_, err1 := h.service.Endpoints(ctx, who)
		_, err2 := h.service.Endpoint(ctx, who, e.ID)
		_, _, err3 := h.service.Create(ctx, who, in)
		err4 := h.service.Change(ctx, who, e.ID, e.Version, in)
		_, err5 := h.service.Rotate(ctx, who, e.ID, e.Version)
		err6 := h.service.SendTest(ctx, who, e.ID)
		_, _, err7 := h.service.Log(ctx, who, e.ID, "", "")
		_, err8 := h.service.Delivery(ctx, who, uuid.New())
		_, err9 := h.service.Replay(ctx, who, uuid.New())
		_, err10 := h.service.ReplaySince(ctx, who, e.ID, h.clock(), true)
		err11 := h.service.Delete(ctx, who, e.ID, e.Version)
		for i, err := range []error{err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11} {
			if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s, method %d: %v", name, i+1, err)
			}
		}
	}
}

// TestDelete takes an endpoint away with a delivery that waits; its job then does nothing.
func TestDelete(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	e, _ := h.endpoint()
	h.must(h.service.SendTest(t.Context(), h.boss, e.ID))
	if err := h.service.Delete(t.Context(), h.boss, e.ID, e.Version+1); !fault.Is(err, fault.Conflict) {
		t.Errorf("a stale version: %v", err)
	}
	token := h.boss
	token.TokenID, token.Scopes = uuid.Must(uuid.NewV7()), []string{identity.WriteWebhooks}
	h.exec(`insert into tokens (id, person_id, name, hash, hint, scopes, created_at, expires_at) values ($1, $2, 'x', 'x', 'x', '{webhooks:write}', now(), now())`, token.TokenID, token.PersonID)
	h.must(h.service.Delete(t.Context(), token, e.ID, e.Version))
	if err := h.service.Delete(t.Context(), h.boss, e.ID, e.Version); !fault.Is(err, fault.NotFound) {
		t.Errorf("again: %v", err)
	}
	h.work()
	if n := len(h.received()); n != 0 {
		t.Errorf("%d messages after the end", n)
	}
}

// TestFaults has a row for each fault that is promised.
func TestFaults(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	e, _ := h.endpoint()
	ctx := t.Context()
	good := webhook.Input{Name: "Board", URL: "https://example.com/in", On: true}
	for name, c := range map[string]struct {
		in    webhook.Input
		field string
	}{
		"no name":         {webhook.Input{URL: good.URL}, "name"},
		"long name":       {webhook.Input{Name: strings.Repeat("x", 101), URL: good.URL}, "name"},
		"no scheme":       {webhook.Input{Name: "x", URL: "example.com"}, "url"},
		"a password":      {webhook.Input{Name: "x", URL: "https://a:b@example.com"}, "url"},
		"zero bytes":      {webhook.Input{Name: "\x00", URL: "https://example.com"}, "name"},
		"an unknown type": {webhook.Input{Name: "x", URL: good.URL, Events: []string{"answer.saved"}}, "event"},
	} {
		_, _, err := h.service.Create(ctx, h.boss, c.in)
		if f := fault.FieldsOf(err); !fault.Is(err, fault.Invalid) || len(f) != 1 || f[0].Name != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := h.service.Change(ctx, h.boss, e.ID, e.Version+1, good); !fault.Is(err, fault.Conflict) {
		t.Errorf("a stale version: %v", err)
	}
	if err := h.service.Change(ctx, h.boss, uuid.New(), 1, good); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown webhook: %v", err)
	}
	if _, err := h.service.Replay(ctx, h.boss, uuid.New()); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown delivery: %v", err)
	}
	h.happen("item.done")
	log, _, err := h.service.Log(ctx, h.boss, e.ID, "", "")
	h.must(err)
	if _, err := h.service.Replay(ctx, h.boss, log[0].ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("a delivery that waits: %v", err)
	}
	if _, _, err := h.service.Log(ctx, h.boss, e.ID, "odd", ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("an odd state: %v", err)
	}
}

// TestFailingSubscriber keeps an event that a subscriber cannot take, and hands on the others.
func TestFailingSubscriber(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	h.happen("answer.saved")
	broken := func(context.Context, pgx.Tx, audit.Event) error { return fault.New(fault.Internal, "broken") }
	h.must(pgx.BeginFunc(t.Context(), h.db, func(tx pgx.Tx) error {
		return audit.Record(t.Context(), tx, h.boss, audit.Act{Stream: audit.OrgStream, Verb: "person.deactivated", TargetKind: "person", TargetID: uuid.NewString(), At: h.clock()})
	}))
	if looked, _, err := audit.HandOn(t.Context(), h.db, h.clock(), broken); looked != 1 || err == nil {
		t.Errorf("looked at %d: %v", looked, err)
	}
	if looked, _, _ := audit.HandOn(t.Context(), h.db, h.clock(), broken); looked != 0 {
		t.Error("it is tried again at once")
	}
	h.pass(time.Minute)
	took := 0
	_, _, err := audit.HandOn(t.Context(), h.db, h.clock(), func(context.Context, pgx.Tx, audit.Event) error { took++; return nil })
	if err != nil || took != 1 {
		t.Errorf("took %d: %v", took, err)
	}
}
