package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"orrery/internal/webhook"
)

// start runs what a server runs for webhooks, until the test ends.
func (h *house) start() {
	h.Helper()
	workers := river.NewWorkers()
	webhook.RegisterWorkers(workers, h.service)
	client, err := river.NewClient(riverpgxv5.New(h.db), &river.Config{Schema: "river", Queues: webhook.Queues(), Workers: workers})
	h.must(err)
	h.must(client.Start(h.Context()))
	h.Cleanup(func() { _ = client.StopAndCancel(h.Context()) })
}

// slow is a receiver that answers when it is let.
type slow struct {
	mu        sync.Mutex
	now, most int
	came      int
	let       chan struct{}
}

// open lets those go that wait, and makes others wait from now on, or not.
func (s *slow) open(hang bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if hang {
		s.let = make(chan struct{})
	} else {
		close(s.let)
	}
}

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.now++
	s.came++
	s.most = max(s.most, s.now)
	let := s.let
	s.mu.Unlock()
	select {
	case <-let:
	case <-r.Context().Done():
	case <-time.After(14 * time.Second): // a sender gives up after 15
	}
	s.mu.Lock()
	s.now--
	s.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// TestASlowReceiverHoldsNobodyUp sends fifty events to a receiver that does not answer yet and
// to one that does at once: the second has them all while the first has a few at a time, and
// the first has them all in the end, each once.
func TestASlowReceiverHoldsNobodyUp(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	late := &slow{let: make(chan struct{})}
	double := httptest.NewServer(late)
	t.Cleanup(double.Close)
	_, _, err := h.service.Create(t.Context(), h.boss, webhook.Input{Name: "Slow", URL: double.URL, On: true})
	h.must(err)
	h.endpoint()
	const events = 50
	for range events {
		h.happen("item.done")
	}
	h.start()
	healthy := 0
	start := time.Now()
	for healthy < events && time.Since(start) < 13*time.Second {
		healthy += len(h.received())
		time.Sleep(20 * time.Millisecond)
	}
	late.mu.Lock()
	if healthy != events || late.came > 3 {
		t.Errorf("after %s the healthy receiver has %d, the slow one %d", time.Since(start), healthy, late.came)
	}
	late.mu.Unlock()
	close(late.let)
	for delivered := 0; delivered < 2*events; time.Sleep(50 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("%d of %d are delivered", delivered, 2*events)
		}
		h.must(h.db.QueryRow(t.Context(), `select count(*) from webhook_deliveries where state = 'delivered' and not waits and leased_until is null`).Scan(&delivered))
	}
	late.mu.Lock()
	defer late.mu.Unlock()
	if late.came != events || late.most > 3 {
		t.Errorf("the slow receiver had %d, at most %d at once", late.came, late.most)
	}
}

// TestAWorkerGoesOn sends fifty events to a receiver that answers: what waits for it goes with
// the worker that is there, each once and few at a time, and makes no job of its own.
func TestAWorkerGoesOn(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	quick := &slow{let: make(chan struct{})}
	close(quick.let)
	double := httptest.NewServer(quick)
	t.Cleanup(double.Close)
	_, _, err := h.service.Create(t.Context(), h.boss, webhook.Input{Name: "Quick", URL: double.URL, On: true})
	h.must(err)
	const events = 50
	for range events {
		h.happen("item.done")
	}
	h.start()
	for start, delivered := time.Now(), 0; delivered < events; time.Sleep(50 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("%d of %d are delivered", delivered, events)
		}
		h.must(h.db.QueryRow(t.Context(), `select count(*) from webhook_deliveries where state = 'delivered' and not waits and leased_until is null`).Scan(&delivered))
	}
	var jobs int
	h.must(h.db.QueryRow(t.Context(), `select count(*) from river.river_job where kind = 'webhook.deliver'`).Scan(&jobs))
	quick.mu.Lock()
	defer quick.mu.Unlock()
	if quick.came != events || quick.most > 3 || jobs < events || jobs > events+5 {
		t.Errorf("%d came, %d at most at once, by %d jobs", quick.came, quick.most, jobs)
	}
}

// TestManySlowReceiversHoldNobodyUp lets twenty receivers hang, first ones that nobody knows yet,
// then ones that answered at once until now: one that is well has its events within seconds.
func TestManySlowReceiversHoldNobodyUp(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	late := &slow{let: make(chan struct{})}
	double := httptest.NewServer(late)
	t.Cleanup(double.Close)
	const many, events = 20, 10
	for range many {
		_, _, err := h.service.Create(t.Context(), h.boss, webhook.Input{Name: "Slow", URL: double.URL, On: true})
		h.must(err)
	}
	h.endpoint()
	happen := func(times int) {
		t.Helper()
		for range times {
			h.happen("item.done")
		}
	}
	well := func(when string) {
		t.Helper()
		healthy, start := 0, time.Now()
		for healthy < events && time.Since(start) < 13*time.Second { // less than they hang, on a machine that is busy
			healthy += len(h.received())
			time.Sleep(20 * time.Millisecond)
		}
		if healthy < events {
			t.Errorf("%s, the healthy receiver has %d of %d after %s", when, healthy, events, time.Since(start))
		}
	}
	happen(events)
	h.start()
	well("while those hang that nobody knows")
	happen(events)
	well("while the same go on hanging")
	late.open(false)
	all := 2 * events * (many + 1)
	for delivered, start := 0, time.Now(); delivered < all; time.Sleep(50 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("%d of %d are delivered", delivered, all)
		}
		h.must(h.db.QueryRow(t.Context(), `select count(*) from webhook_deliveries where state = 'delivered'`).Scan(&delivered))
	}
	late.open(true)
	happen(events)
	well("while those hang that were well until now")
	late.open(false)
}

// TestWhatWaitsOutlivesItsServer finds what waited for a worker that died.
func TestWhatWaitsOutlivesItsServer(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	h.endpoint()
	for range 5 {
		h.happen("item.done")
	}
	h.exec(`update webhook_deliveries set leased_until = $1 where id in (select id from webhook_deliveries order by id limit 3)`, h.clock().Add(20*time.Second))
	h.work()
	h.exec(`delete from river.river_job`)
	var waiting int
	h.must(h.db.QueryRow(t.Context(), `select count(*) from webhook_deliveries where waits`).Scan(&waiting))
	if n := len(h.received()); n != 0 || waiting != 2 {
		t.Errorf("%d messages came and %d wait", n, waiting)
	}
	h.pass(30 * time.Second)
	h.must(h.service.Sweep(t.Context()))
	h.start()
	came := 0
	for start := time.Now(); came < 5 && time.Since(start) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		came += len(h.received())
	}
	if came != 5 {
		t.Errorf("%d of 5 came", came)
	}
}

// TestAReplayHasAttemptsOfItsOwn fails after a replay as it would at first: soon, and eight
// times before it is given up.
func TestAReplayHasAttemptsOfItsOwn(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	e, _ := h.endpoint()
	h.happen("item.done")
	h.work()
	h.received()
	log, _, err := h.service.Log(t.Context(), h.boss, e.ID, webhook.Delivered, "")
	h.must(err)
	id := log[0].ID
	read := func() webhook.Delivery {
		t.Helper()
		d, err := h.service.Delivery(t.Context(), h.boss, id)
		h.must(err)
		return d
	}
	h.answers(500)
	for round, before := range []int{1, 9} {
		_, err := h.service.Replay(t.Context(), h.boss, id)
		h.must(err)
		h.work()
		if d := read(); d.State != webhook.Pending || d.DueAt.Sub(h.clock()) != 5*time.Second {
			t.Errorf("round %d: it is %s, and tried again after %s", round, d.State, d.DueAt.Sub(h.clock()))
		}
		for d := read(); d.State == webhook.Pending; d = read() {
			h.pass(max(0, d.DueAt.Sub(h.clock())))
			h.work()
		}
		if d := read(); d.Attempts != before+8 {
			t.Errorf("round %d: given up after %d attempts", round, d.Attempts)
		}
	}
	h.answers(410)
	_, err = h.service.Replay(t.Context(), h.boss, id)
	h.must(err)
	h.work()
	e, err = h.service.Endpoint(t.Context(), h.boss, e.ID)
	h.must(err)
	h.answers(500)
	h.must(h.service.Change(t.Context(), h.boss, e.ID, e.Version, webhook.Input{Name: "Board", URL: e.URL, On: true}))
	_, err = h.service.Replay(t.Context(), h.boss, id)
	h.must(err)
	h.work()
	if d := read(); d.State != webhook.Pending {
		t.Errorf("replayed after the receiver was gone, one failure makes it %s", d.State)
	}
	if _, err := h.service.Replay(t.Context(), h.boss, uuid.New()); err == nil {
		t.Error("an unknown delivery is replayed")
	}
}
