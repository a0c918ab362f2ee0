//go:build bench

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/remediation"
	"orrery/internal/webhook"
)

// TestBenchLoops prints how fast the first page of 10,000 items is, and what 1,000 deliveries
// of webhooks a minute do to pages that are asked for meanwhile: go test -tags bench -run
// TestBenchLoops -v ./cmd/server.
func TestBenchLoops(t *testing.T) {
	p := startProgram(t, "ORRERY_OUTBOUND_ALLOW=127.0.0.1")
	o := p.organisation()
	b := p.seedBench(o, benchSetting("ORRERY_BENCH_WORKLOADS", 3_333))
	var items int
	db, all := p.open()
	defer func() { _ = db.close() }()
	if err := db.pool.QueryRow(t.Context(), `select count(*) from items`).Scan(&items); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("machine: %s; load %s; %d items\n\n", cpu(), loadAverage(), items)
	printHead()
	const goal = 100 * time.Millisecond
	for _, callers := range []int{1, benchClients} {
		p.benchPage(benchPage{fmt.Sprintf("items, first page, %d at once", callers), "/items", b.lead, goal, callers})
	}
	p.benchItemsAPI(all, goal)
	p.benchDeliveries(o, all)
	fmt.Printf("\nload of the machine at the end: %s\n", loadAverage())
}

// benchItemsAPI asks for the first page of items as programs do, over one connection.
func (p *program) benchItemsAPI(all *services, goal time.Duration) {
	p.t.Helper()
	_, token, err := all.identity.CreateTokenFor(context.Background(), "asha@example.com", "Bench", []string{"reviews:read"}, time.Hour)
	if err != nil {
		p.t.Fatal(err)
	}
	request := []byte("GET /api/v1/items HTTP/1.1\r\nHost: " + p.addr + "\r\nAuthorization: Bearer " + token + "\r\n\r\n")
	n := 0
	p.judge("items of the API, first page, paced", benchTime, []asker{func([]byte) []byte {
		if n++; n > 1 {
			time.Sleep(50 * time.Millisecond) // within what a token may ask
		}
		return request
	}}, goal)
}

// arrivals is a receiver that notes when each message came.
type arrivals struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (a *arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.at[r.Header.Get(webhook.HeaderID)] = time.Now()
	a.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// benchDeliveries asks for pages while nothing happens, while 1,000 acts a minute happen that
// nobody is told of, and while each of them goes out as a webhook.
func (p *program) benchDeliveries(o organisation, all *services) {
	p.t.Helper()
	d := time.Duration(benchSetting("ORRERY_BENCH_MINUTE", 60)) * time.Second
	fmt.Printf("\nfour browsers that ask for a page every 200 ms, %s each\n", d)
	printHead()
	quiet := p.pages(o, "nothing happens", d)
	acts := p.acting(o, all, d)
	busy := p.pages(o, "1,000 acts a minute, no webhook", d)
	acts()
	came := &arrivals{at: map[string]time.Time{}}
	server := httptest.NewServer(came)
	defer server.Close()
	p.hook(&receiver{}, server.URL)
	acts = p.acting(o, all, d)
	told := p.pages(o, "1,000 acts a minute, each a webhook", d)
	happened := acts()
	time.Sleep(5 * time.Second)
	came.mu.Lock()
	defer came.mu.Unlock()
	fmt.Printf("%d acts, %d deliveries within 5 s after the last\n", happened, len(came.at))
	if len(came.at) < happened {
		p.t.Errorf("%d of %d messages came in time", len(came.at), happened)
	}
	if told.p95 > busy.p95+10*time.Millisecond {
		p.t.Errorf("pages with webhooks: p95 %s, without %s, with nothing %s", told.p95, busy.p95, quiet.p95)
	}
}

// pages asks for three pages in turn as four browsers would, and prints what came of it.
func (p *program) pages(o organisation, name string, d time.Duration) figures {
	p.t.Helper()
	paths := []string{o.questions[0], "/workloads", "/items"}
	askers := make([]asker, 4)
	for i := range askers {
		n := i
		askers[i] = func([]byte) []byte {
			time.Sleep(200 * time.Millisecond)
			n++
			return getRequest(p.addr, paths[n%len(paths)], o.session, true)
		}
	}
	before := p.worked()
	f := hammer(p.addr, d, askers)
	each := (p.worked() - before) / time.Duration(max(f.count, 1))
	fmt.Printf("%-42s %9.0f %9s %9s %9s %9s %9s %9d\n", name, f.rate, round(f.p50), round(f.p95), round(f.p99), "", round(each), f.bytes)
	if f.failed != nil {
		p.t.Errorf("%s: %v", name, f.failed)
	}
	return f
}

// acting changes an item 1,000 times a minute until d is over; the returned function waits
// for the end and gives the count.
func (p *program) acting(o organisation, all *services, d time.Duration) func() int {
	p.t.Helper()
	ctx, n, ended := context.Background(), 0, make(chan error, 1)
	var w uuid.UUID
	for _, one := range o.member.Teams {
		list, _, err := all.items.List(ctx, o.member, remediation.Filter{TeamKey: "ledger", State: remediation.Open, Limit: 1})
		if err != nil || len(list) == 0 {
			p.t.Fatalf("%s has no item: %v", one.TeamID, err)
		}
		w = list[0].ID
	}
	go func() {
		tick := time.NewTicker(60 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
			it, err := all.items.Item(ctx, o.member, w)
			if err == nil {
				states := []string{remediation.Open, remediation.InProgress}
				next := states[1-max(0, slices.Index(states, it.State))]
				_, err = all.items.Change(ctx, o.member, w, remediation.Change{Version: it.Version, OwnerID: it.OwnerID.String(), DueOn: it.DueOn.Format(time.DateOnly), State: next})
			}
			if err != nil {
				ended <- err
				return
			}
			n++
		}
		ended <- nil
	}()
	return func() int {
		if err := <-ended; err != nil {
			p.t.Errorf("act: %v", err)
		}
		return n
	}
}
