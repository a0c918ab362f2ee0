package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// visitOf serves a visit in slots and tells when it ended.
func visitOf(s slots, ctx context.Context, method string, handle handler) (ended chan error) {
	v := &visit{w: httptest.NewRecorder(), r: httptest.NewRequestWithContext(ctx, method, "/", nil)}
	ended = make(chan error, 1)
	go func() { ended <- s.serve(v, handle) }()
	return ended
}

func TestPagesWaitForASlot(t *testing.T) {
	s := newSlots(1)
	made, sent, begun := make(chan struct{}), make(chan struct{}), make(chan struct{})
	first := visitOf(s, t.Context(), http.MethodGet, func(v *visit) error {
		close(begun)
		<-made
		_, err := v.w.Write([]byte("the page"))
		<-sent // a slow line
		return err
	})
	<-begun
	if err := <-visitOf(s, t.Context(), http.MethodPost, func(*visit) error { return nil }); err != nil {
		t.Errorf("a change waited for a page: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := <-visitOf(s, gone, http.MethodGet, func(*visit) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("who left is still waited for: %v", err)
	}
	second := visitOf(s, t.Context(), http.MethodGet, func(*visit) error { return nil })
	select {
	case err := <-second:
		t.Errorf("two pages were made at once in one slot: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(made)
	if err := <-second; err != nil {
		t.Errorf("the second page: %v", err)
	}
	close(sent)
	if err := <-first; err != nil {
		t.Errorf("the first page: %v", err)
	}
	if len(s.Slots) != 0 {
		t.Errorf("%d slots are kept by nobody", len(s.Slots))
	}
}

func TestPagesMayBeUnbounded(t *testing.T) {
	ask := func(*visit) error {
		return <-visitOf(newSlots(0), t.Context(), http.MethodGet, func(*visit) error { return nil })
	}
	if err := <-visitOf(newSlots(0), t.Context(), http.MethodGet, ask); err != nil {
		t.Error(err)
	}
}
