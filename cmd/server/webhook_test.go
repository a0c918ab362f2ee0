package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/outbound"
	"orrery/internal/webhook"
	"orrery/internal/workload"
)

// receiver is a double that takes webhooks: it fails now and then, and applies each id once.
type receiver struct {
	secret string
	mu     sync.Mutex
	seen   map[string]int // messages by id
	effect map[string]int // what they came to, after dedupe
	bad    []string
	calls  int
	flaky  bool
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	id := q.Header.Get(webhook.HeaderID)
	if err := webhook.Verify(r.secret, id, q.Header.Get(webhook.HeaderTimestamp), q.Header.Get(webhook.HeaderSignature), body, time.Now()); err != nil {
		r.bad = append(r.bad, err.Error())
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	r.calls++
	time.Sleep(5 * time.Millisecond)
	if r.seen[id]++; r.seen[id] == 1 {
		r.effect[id]++
	}
	if r.flaky && r.calls%7 == 0 { // it took the message, and the answer is lost
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

// hook sets an endpoint up beside the running program, with the program's own key.
func (p *program) hook(r *receiver, url string, events ...string) {
	p.t.Helper()
	db, all := p.open()
	defer func() { _ = db.close() }()
	key, err := os.ReadFile(filepath.Join(p.dir, secretsKeyFile))
	if err != nil {
		p.t.Fatal(err)
	}
	if all.door.Vault, err = outbound.ParseVault(string(key)); err != nil {
		p.t.Fatal(err)
	}
	admin := identity.Actor{Roles: []identity.OrgRole{identity.Admin}}
	if err := db.pool.QueryRow(context.Background(), `select person_id from org_roles where role = 'admin' limit 1`).Scan(&admin.PersonID); err != nil {
		p.t.Fatal(err)
	}
	_, r.secret, err = all.webhooks.Create(context.Background(), admin, webhook.Input{Name: "Double", URL: url, Events: events, On: true})
	if err != nil {
		p.t.Fatal(err)
	}
}

// agePicked lets the time pass after which the jobs of a dead server are given to the next.
func (p *program) agePicked() {
	p.t.Helper()
	db, _ := p.open()
	defer func() { _ = db.close() }()
	if _, err := db.pool.Exec(context.Background(), `update river.river_job set attempted_at = attempted_at - $1::interval where state = 'running'`, 2*jobTimeout); err != nil {
		p.t.Fatal(err)
	}
}

// TestWebhooksSurviveCrashes kills the server while acts happen and their webhooks go out: the
// receiver gets every event at least once, signed, and its dedupe makes exactly one effect.
func TestWebhooksSurviveCrashes(t *testing.T) {
	double := &receiver{seen: map[string]int{}, effect: map[string]int{}, flaky: true}
	server := httptest.NewServer(double)
	defer server.Close()
	p := startProgram(t, "ORRERY_OUTBOUND_ALLOW=127.0.0.1")
	org := p.organisation()
	p.hook(double, server.URL)
	events := map[string]bool{}
	for cycle, pause := range []time.Duration{0, 900 * time.Millisecond, 1200 * time.Millisecond} {
		db, all := p.open()
		for i := range 30 {
			n := strconv.Itoa(cycle) + "-" + strconv.Itoa(i)
			if _, err := all.workloads.Create(t.Context(), org.member, workload.Input{Key: "w-" + n, Name: "W " + n, TeamKey: "ledger", Tier: 3, Stage: workload.Planned}); err != nil {
				t.Fatal(err)
			}
		}
		_ = db.close()
		time.Sleep(pause) // so that it dies before, while and after events are handed on
		p.kill()
		p.agePicked()
		p.start()
	}
	db, _ := p.open()
	rows, err := db.pool.Query(t.Context(), `select event_id from webhook_deliveries union select id from audit_events`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		events["evt_"+id.String()] = true
	}
	_ = db.close()
	for deadline := time.Now().Add(4 * time.Minute); time.Now().Before(deadline) && double.count() < len(events); {
		time.Sleep(200 * time.Millisecond)
	}
	double.mu.Lock()
	defer double.mu.Unlock()
	if len(double.bad) > 0 {
		t.Errorf("%d messages are not valid: %s", len(double.bad), strings.Join(double.bad[:1], ""))
	}
	missing := 0
	for id := range events {
		if double.effect[id] != 1 {
			missing++
		}
	}
	if missing > 0 || len(events) < 90 || len(double.seen) != len(events) {
		t.Errorf("%d of %d events had no single effect; %d were seen", missing, len(events), len(double.seen))
	}
	t.Logf("%d events, %d messages", len(events), double.calls)
}
