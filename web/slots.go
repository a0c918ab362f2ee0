package web

import (
	"net/http"

	"orrery/web/inturn"
)

// slots bounds how many pages are made at once.
type slots struct{ inturn.Slots }

func newSlots(n int) slots { return slots{inturn.New(n)} }

// serve lets a visit to a page wait for its turn, and take it until the answer begins. What
// changes something never waits.
func (s slots) serve(v *visit, handle handler) error {
	v.free = func() {}
	if s.Slots == nil || v.r.Method != http.MethodGet {
		return handle(v)
	}
	free, err := s.Take(v.ctx())
	if err != nil {
		return err
	}
	v.free = free
	defer free()
	v.w = inturn.Until(v.w, free)
	return handle(v)
}
