// Package inturn bounds how many answers are made at once.
package inturn

import (
	"context"
	"net/http"
	"sync"
)

// Slots bounds how many answers are made at once, in the order in which they were asked for:
// server and database do not get more done by making twenty at a time, and whoever asked
// first would wait for all of them. A nil Slots has room for any number.
type Slots chan struct{}

// New returns room for n at once; 0 is any number.
func New(n int) Slots {
	if n == 0 {
		return nil
	}
	return make(Slots, n)
}

// Take waits for a slot; free gives it back, once. It fails with the context's error.
func (s Slots) Take(ctx context.Context) (free func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	select {
	case s <- struct{}{}: // those who wait are let in first come, first served
		return sync.OnceFunc(func() { <-s }), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Reads lets requests that read wait for their turn, until their answer begins: a reader on a
// slow line holds up nobody. What changes something never waits.
func (s Slots) Reads(next http.Handler) http.Handler {
	if s == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		free, err := s.Take(r.Context())
		if err != nil {
			return // who asked is gone
		}
		defer free()
		next.ServeHTTP(Until(w, free), r)
	})
}

// Until is w that calls free when the answer begins.
func Until(w http.ResponseWriter, free func()) http.ResponseWriter { return freeing{w, free} }

type freeing struct {
	http.ResponseWriter
	free func()
}

func (w freeing) WriteHeader(status int) {
	w.free()
	w.ResponseWriter.WriteHeader(status)
}

func (w freeing) Write(b []byte) (int, error) {
	w.free()
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w freeing) Unwrap() http.ResponseWriter { return w.ResponseWriter }
