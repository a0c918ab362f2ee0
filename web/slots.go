package web

import (
	"net/http"
	"sync"
)

// slots bounds how many pages are made at once, in the order in which they were asked for:
// server and database do not get more done by making twenty at a time, and whoever asked
// first would wait for all of them. A nil slots has room for any number.
type slots chan struct{}

func newSlots(n int) slots {
	if n == 0 {
		return nil
	}
	return make(slots, n)
}

// serve lets a visit to a page wait for its turn, and take it until the answer begins: a
// reader on a slow line holds up nobody. What changes something never waits.
func (s slots) serve(v *visit, handle handler) error {
	v.free = func() {}
	if s == nil || v.r.Method != http.MethodGet {
		return handle(v)
	}
	select {
	case s <- struct{}{}: // those who wait are let in first come, first served
	case <-v.ctx().Done():
		return v.ctx().Err()
	}
	v.free = sync.OnceFunc(func() { <-s })
	defer v.free()
	v.w = freeing{v.w, v.free}
	return handle(v)
}

// freeing gives the slot back when the answer begins.
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
