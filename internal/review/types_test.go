package review_test

import (
	"testing"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
)

// The shipped types ask nothing twice, and what gates launches asks at most 40 questions.
func TestShippedTypesAreClean(t *testing.T) {
	w := newWorld(t, 2)
	w.exec(`delete from review_types`)
	if err := w.reviews.EnsureTypes(t.Context()); err != nil {
		t.Fatal(err)
	}
	types, err := w.reviews.Types(t.Context())
	if err != nil || len(types) != 6 {
		t.Fatalf("%d types, %v", len(types), err)
	}
	for _, ty := range types {
		lint, err := w.reviews.LintType(t.Context(), ty)
		if err != nil || !lint.Clean() {
			t.Errorf("%s: %+v, %v", ty.Key, lint, err)
		}
		if ty.Key == "new-service" && lint.Asked != [3]int{36, 36, 15} {
			t.Errorf("a new service is asked %v questions", lint.Asked)
		}
	}
}

func TestSaveType(t *testing.T) {
	w := newWorld(t, 2)
	before := w.start(review.StartInput{})
	curator := w.vera
	curator.Roles = []identity.OrgRole{identity.Curator}
	ty, err := w.reviews.Type(t.Context(), "new-service")
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.reviews.SaveType(t.Context(), w.asha, ty), fault.Forbidden, "Only a curator")
	for name, c := range map[string]struct {
		change func(*review.Type)
		field  string
	}{
		"no name":         {func(t *review.Type) { t.Name = " " }, "name"},
		"no description":  {func(t *review.Type) { t.Description = "" }, "description"},
		"no sets":         {func(t *review.Type) { t.Questionnaires = nil }, "questionnaires"},
		"unknown set":     {func(t *review.Type) { t.Questionnaires = []string{"nope"} }, "questionnaires"},
		"unknown tier":    {func(t *review.Type) { t.CoreTiers = []int{4} }, "core_tiers"},
		"unknown mode":    {func(t *review.Type) { t.GateMode = "block" }, "gate_mode"},
		"too many days":   {func(t *review.Type) { t.ValidDays = 1101 }, "valid_days"},
		"too many voices": {func(t *review.Type) { t.Signoffs = []int{6, 1, 1} }, "signoffs_1"},
		"gates, no voice": {func(t *review.Type) { t.Signoffs = []int{1, 1, 0} }, "signoffs_3"},
		"missing tier":    {func(t *review.Type) { t.Signoffs = []int{1} }, "signoffs_2"},
	} {
		changed := ty
		c.change(&changed)
		if err := w.reviews.SaveType(t.Context(), curator, changed); !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)[0].Name != c.field {
			t.Errorf("%s: %v%s", name, err, fieldWords(err))
		}
	}
	unknown := ty
	unknown.Key = "nope"
	wantFault(t, w.reviews.SaveType(t.Context(), curator, unknown), fault.NotFound, "no such review type")
	ty.Signoffs, ty.Questionnaires, ty.CoreTiers, ty.AboutChange = []int{3, 3, 3}, []string{"peak-event", "orr"}, []int{3, 1, 1}, true
	if err := w.reviews.SaveType(t.Context(), curator, ty); err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.reviews.SaveType(t.Context(), curator, ty), fault.Conflict, "Somebody changed this type")
	if s := w.sheet(before.ID); s.SignoffsNeeded != 1 || len(s.Entries()) != 15 {
		t.Errorf("a running review needs %d sign-offs and asks %d questions now", s.SignoffsNeeded, len(s.Entries()))
	}
	_, err = w.reviews.Start(t.Context(), w.asha, w.payments.ID, review.StartInput{Type: "new-service"})
	wantFault(t, err, fault.Invalid, "reviews a change")
	after := w.sheet(w.start(review.StartInput{ChangeKey: "CHG-1", ChangeTitle: "x"}).ID)
	if after.SignoffsNeeded != 3 || len(after.Entries()) != 36+8 {
		t.Errorf("a new review needs %d sign-offs and asks %d questions", after.SignoffsNeeded, len(after.Entries()))
	}
	ty.Version, ty.Retired = ty.Version+1, true
	if err := w.reviews.SaveType(t.Context(), curator, ty); err != nil {
		t.Fatal(err)
	}
	_, err = w.reviews.Start(t.Context(), w.asha, w.payments.ID, review.StartInput{Type: "new-service", ChangeKey: "CHG-2", ChangeTitle: "x"})
	wantFault(t, err, fault.Invalid, "is retired")
	if err := w.reviews.EnsureTypes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if kept, err := w.reviews.Type(t.Context(), "new-service"); err != nil || !kept.Retired || kept.Version != 3 {
		t.Errorf("a start of the program changed %+v, %v", kept, err)
	}
}
