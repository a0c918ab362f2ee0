package inturn_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"orrery/web/inturn"
)

// ask serves a request and tells when it ended.
func ask(ctx context.Context, h http.Handler, method string) chan struct{} {
	ended := make(chan struct{})
	go func() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, method, "/", nil))
		close(ended)
	}()
	return ended
}

func TestReadsTakeTurns(t *testing.T) {
	begun, made, sent := make(chan struct{}, 9), make(chan struct{}), make(chan struct{})
	h := inturn.New(1).Reads(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			return
		}
		begun <- struct{}{}
		<-made
		w.WriteHeader(http.StatusOK)
		<-sent // a slow line
	}))
	first := ask(t.Context(), h, http.MethodGet)
	<-begun
	<-ask(t.Context(), h, http.MethodPost) // what changes something never waits
	gone, cancel := context.WithCancel(t.Context())
	left := ask(gone, h, http.MethodGet)
	cancel()
	<-left // who is gone waits no more
	second := ask(t.Context(), h, http.MethodHead)
	select {
	case <-begun:
		t.Fatal("two reads were answered at once in one slot")
	case <-time.After(50 * time.Millisecond):
	}
	made <- struct{}{} // the first answer begins, and its slot is free while it is sent
	select {
	case <-begun:
	case <-time.After(10 * time.Second):
		t.Fatal("a slow line keeps its slot")
	}
	close(made)
	close(sent)
	<-first
	<-second
}

func TestReadsMayBeUnbounded(t *testing.T) {
	inner := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	h := inturn.New(0).Reads(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inturn.New(0).Reads(inner).ServeHTTP(w, r)
	}))
	<-ask(t.Context(), h, http.MethodGet)
	if free, err := inturn.New(0).Take(t.Context()); err != nil || free == nil {
		t.Errorf("without a bound: %v", err)
	}
}
