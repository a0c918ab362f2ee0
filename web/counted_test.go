package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
)

func TestCountsAreKeptForAMoment(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := &Server{Deps: Deps{KeepCounts: true, Now: func() time.Time { return now }}}
	asha, mika := uuid.New(), uuid.New()
	asked := 0
	var refuse error
	ask := func(who uuid.UUID, method, filter string) int {
		t.Helper()
		v := &visit{Server: s, r: httptest.NewRequest(method, "/", nil), who: identity.Actor{PersonID: who}}
		n, err := counted(v, func() (int, error) { asked++; return asked, refuse }, "items", filter)
		if !errors.Is(err, refuse) {
			t.Fatal(err)
		}
		return n
	}
	want := func(why string, got, wanted int) {
		t.Helper()
		if got != wanted {
			t.Errorf("%s: count %d, want %d", why, got, wanted)
		}
	}
	want("the first page", ask(asha, http.MethodGet, ""), 1)
	want("the next page", ask(asha, http.MethodGet, ""), 1)
	want("another filter", ask(asha, http.MethodGet, "late"), 2)
	want("another person", ask(mika, http.MethodGet, ""), 3)
	want("a refused form, shown again", ask(asha, http.MethodPost, ""), 4)
	want("the page after it", ask(asha, http.MethodGet, ""), 1)
	s.counts.forget(asha)
	want("after an act of one's own", ask(asha, http.MethodGet, ""), 5)
	want("nobody else's is forgotten", ask(mika, http.MethodGet, ""), 3)
	now = now.Add(countedFor)
	refuse = errors.New("no database")
	ask(mika, http.MethodGet, "")
	refuse = nil
	want("when its time is over, and no error is kept", ask(mika, http.MethodGet, ""), 7)
	s.KeepCounts = false
	want("where counts are not kept", ask(mika, http.MethodGet, ""), 8)
}

func TestCountsAreBounded(t *testing.T) {
	var c counts
	now := time.Now()
	for range countedMost + 10 {
		c.of(countKey{person: uuid.New()}, now)
	}
	if len(c.held) > countedMost {
		t.Errorf("%d counts are kept", len(c.held))
	}
}

func TestCountedOnceForAll(t *testing.T) {
	s := &Server{Deps: Deps{KeepCounts: true, Now: time.Now}}
	who := identity.Actor{PersonID: uuid.New()}
	asked := 0
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			v := &visit{Server: s, r: httptest.NewRequest(http.MethodGet, "/", nil), who: who}
			if n, err := counted(v, func() (int, error) { asked++; time.Sleep(time.Millisecond); return asked, nil }, "workloads"); n != 1 || err != nil {
				t.Errorf("counted %d, %v", n, err)
			}
		})
	}
	wg.Wait()
}
