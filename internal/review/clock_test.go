package review_test

import (
	"testing"
	"time"

	"orrery/internal/review"
)

// Answers younger than 30 days stay confirmed in the next round, to the second; what is older
// is carried, to be confirmed.
func TestAnswersYoungerThan30DaysStayConfirmed(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	entries := w.sheet(r.ID).Entries()
	w.answer(w.asha, r.ID, entries[0], true)
	w.clock = w.clock.Add(time.Second)
	for _, e := range entries[1:] {
		w.answer(w.asha, r.ID, e, true)
	}
	saved := w.clock
	w.clock = w.clock.Add(30*24*time.Hour - time.Second)
	r = w.decided(r, review.NoGo)
	sheet := w.sheet(r.ID)
	if c := review.Count(sheet.Entries()); c.ToConfirm != 1 || c.Answered != len(entries)-1 || !sheet.Entries()[0].Answer.ToConfirm {
		t.Fatalf("after 30 days and a second less: %+v", c)
	}
	for _, e := range sheet.Entries()[1:] {
		if a := e.Answer; a.SavedBy != "Asha Rao" || a.SavedAt == nil || !a.SavedAt.Equal(saved) {
			t.Errorf("%s is kept as of %v by %s", e.Key(), a.SavedAt, a.SavedBy)
		}
	}
	w.clock = w.clock.Add(time.Second) // in the round after, the others are 30 days old
	w.answer(w.asha, r.ID, w.sheet(r.ID).Entries()[0], true)
	r = w.decided(r, review.NoGo)
	if c := review.Count(w.sheet(r.ID).Entries()); c.ToConfirm != len(entries)-1 || c.Answered != 1 {
		t.Errorf("a second later: %+v", c)
	}
}
