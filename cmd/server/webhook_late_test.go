package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"orrery/internal/webhook"
	"orrery/internal/workload"
)

// lateReceiver takes each message and keeps its answer to the first one to itself until the
// sender is gone.
type lateReceiver struct {
	secret string
	took   chan struct{} // a value once the first message is taken and not answered
	mu     sync.Mutex
	ids    []string // of each message that came, in order
	bodies []string
	effect map[string]int // after dedupe by id
	bad    []string
}

func (l *lateReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if l.take(r.Header, body) == 1 {
		l.took <- struct{}{}
		<-r.Context().Done() // the sender dies before it hears
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// take keeps a message and returns how many came by then.
func (l *lateReceiver) take(h http.Header, body []byte) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := h.Get(webhook.HeaderID)
	if err := webhook.Verify(l.secret, id, h.Get(webhook.HeaderTimestamp), h.Get(webhook.HeaderSignature), body, time.Now()); err != nil {
		l.bad = append(l.bad, err.Error())
	}
	known := false
	for _, one := range l.ids {
		known = known || one == id
	}
	if !known {
		l.effect[id]++
	}
	l.ids, l.bodies = append(l.ids, id), append(l.bodies, string(body))
	return len(l.ids)
}

// TestAWebhookWhoseAnswerWasNotHeard kills the server after the receiver took a message and
// before its answer came: the message comes again with its id, and has one effect.
func TestAWebhookWhoseAnswerWasNotHeard(t *testing.T) {
	late := &lateReceiver{took: make(chan struct{}, 1), effect: map[string]int{}}
	server := httptest.NewServer(late)
	defer server.Close()
	p := startProgram(t, "ORRERY_OUTBOUND_ALLOW=127.0.0.1")
	org := p.organisation()
	double := &receiver{}
	p.hook(double, server.URL, "workload.changed") // what was created before may still be handed on
	late.secret = double.secret
	db, all := p.open()
	in := workload.Input{Key: "late", Name: "Late", TeamKey: "ledger", Tier: 3, Stage: workload.Planned}
	w, err := all.workloads.Create(t.Context(), org.member, in)
	if err == nil {
		in.Name = "Later"
		_, err = all.workloads.Update(t.Context(), org.member, w.ID, w.Version, in)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = db.close()
	select {
	case <-late.took:
	case <-time.After(time.Minute):
		t.Fatal("no message came")
	}
	p.kill()
	p.start()
	read := func() (state string, attempts int) {
		t.Helper()
		db, _ := p.open()
		defer func() { _ = db.close() }()
		if err := db.pool.QueryRow(t.Context(), `select state, attempts from webhook_deliveries`).Scan(&state, &attempts); err != nil {
			t.Fatal(err)
		}
		return state, attempts
	}
	if state, attempts := read(); state != webhook.Pending || attempts != 0 {
		t.Errorf("after the crash the delivery is %s with %d attempts", state, attempts)
	}
	state, attempts := "", 0
	for deadline := time.Now().Add(2 * time.Minute); state != webhook.Delivered && time.Now().Before(deadline); time.Sleep(time.Second) {
		state, attempts = read()
	}
	late.mu.Lock()
	defer late.mu.Unlock()
	if len(late.ids) != 2 || late.ids[0] != late.ids[1] || late.bodies[0] != late.bodies[1] || late.effect[late.ids[0]] != 1 || len(late.bad) > 0 {
		t.Errorf("messages %v with the bodies %v came to %v; bad: %v", late.ids, late.bodies, late.effect, late.bad)
	}
	if state != webhook.Delivered || attempts != 1 {
		t.Errorf("the delivery is %s with %d attempts", state, attempts)
	}
}
