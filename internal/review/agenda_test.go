package review_test

import (
	"testing"
	"time"

	"orrery/internal/fault"
	"orrery/internal/review"
)

// Nothing is planned for a day that is over. A meeting that was held is written down, and a
// plan whose target has passed still changes in all else.
func TestPlanLooksAhead(t *testing.T) {
	w := newWorld(t, 2)
	start := func(plan review.AgendaInput) error {
		_, err := w.reviews.Start(t.Context(), w.asha, w.payments.ID, review.StartInput{Type: "new-service", Agenda: plan})
		return err
	}
	wantFault(t, start(review.AgendaInput{TargetOn: "2026-11-20"}), fault.Invalid, "target_on: This day is over.")
	wantFault(t, start(review.AgendaInput{MeetingOn: "2026-11-20"}), fault.Invalid, "meeting_on: A meeting over this review is not before the day it was started, 21 November 2026.")
	r := w.start(review.StartInput{Agenda: review.AgendaInput{TargetOn: "2026-11-21", MeetingOn: "2026-11-21"}})

	w.clock = w.clock.Add(5 * 24 * time.Hour)
	save := func(plan review.AgendaInput) error {
		plan.Version = w.sheet(r.ID).Agenda.Version
		return w.reviews.SaveAgenda(t.Context(), w.asha, r.ID, plan)
	}
	wantFault(t, save(review.AgendaInput{TargetOn: "2026-11-25"}), fault.Invalid, "target_on: This day is over.")
	wantFault(t, save(review.AgendaInput{MeetingOn: "2026-11-20"}), fault.Invalid, "meeting_on: A meeting over this review is not before")
	for _, plan := range []review.AgendaInput{
		{TargetOn: "2026-11-21", MeetingOn: "2026-11-24", Attendees: "Asha and Noor"}, // held two days ago; the target stands
		{TargetOn: "2026-11-26"},
	} {
		if err := save(plan); err != nil {
			t.Errorf("%+v: %v", plan, err)
		}
	}
}
