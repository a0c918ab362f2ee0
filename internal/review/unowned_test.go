package review_test

import (
	"testing"

	"orrery/internal/fault"
	"orrery/internal/remediation"
	"orrery/internal/review"
)

// What the home of a draft names is what submission asks for.
func TestHighsWithoutAnOwnerAreNamedBeforeSubmission(t *testing.T) {
	w, r, key := risky(t, 2)
	sheet := w.sheet(r.ID)
	list := sheet.Unowned()
	if len(list) != 1 || list[0].Text != sheet.Entries()[0].Question.Title || list[0].Path != sheet.Path()+"/check#first-steps" || len(sheet.Blockers()) != 0 {
		t.Fatalf("named: %+v, and %+v", list, sheet.Blockers())
	}
	_, err := w.reviews.Submit(t.Context(), w.asha, review.SubmitInput{ReviewID: r.ID})
	wantFault(t, err, fault.Invalid, review.FieldName("owner", key))
	id := w.ask(key, terms)
	if list := w.sheet(r.ID).Unowned(); len(list) != 0 {
		t.Errorf("asked to be accepted: %+v", list)
	}
	if _, err := w.items.Decline(t.Context(), w.noor, id, "Mend it."); err != nil {
		t.Fatal(err)
	}
	if list := w.sheet(r.ID).Unowned(); len(list) != 1 {
		t.Errorf("declined: %+v", list)
	}
	w.grant(w.ask(key, remediation.AskInput{Reason: "x", Control: "y", Until: "2027-03-03"}))
	if list := w.sheet(r.ID).Unowned(); len(list) != 0 {
		t.Errorf("accepted: %+v", list)
	}
	if _, err := w.reviews.Submit(t.Context(), w.asha, review.SubmitInput{ReviewID: r.ID}); err != nil {
		t.Errorf("submission asks for more than was named: %v", err)
	}
}
