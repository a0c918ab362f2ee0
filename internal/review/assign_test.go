package review_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/review"
)

func TestAssign(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	sheet := w.sheet(r.ID)
	first, section := sheet.Entries()[0], sheet.Sections[1]
	give := func(who identity.Actor, person string, keys ...string) (int, error) {
		return w.reviews.Assign(t.Context(), who, review.AssignInput{ReviewID: r.ID, Keys: keys, PersonID: person})
	}
	mika := w.mika.PersonID.String()
	for name, c := range map[string]struct {
		who    identity.Actor
		person string
		keys   []string
		kind   fault.Kind
		words  string
	}{
		"another team":      {w.vera, mika, []string{first.Key()}, fault.Forbidden, "owning team"},
		"an approver":       {w.noor, mika, []string{first.Key()}, fault.Forbidden, "owning team"},
		"who may not":       {w.asha, w.vera.PersonID.String(), []string{first.Key()}, fault.Invalid, "person"},
		"no id":             {w.asha, "mika", []string{first.Key()}, fault.Invalid, "person"},
		"nothing":           {w.asha, mika, nil, fault.Invalid, "question"},
		"unknown question":  {w.asha, mika, []string{"orr/nope"}, fault.NotFound, "does not ask"},
		"unknown section":   {w.asha, mika, []string{review.SectionKey("orr", "nope")}, fault.NotFound, "does not ask"},
		"one is not asked":  {w.asha, mika, []string{first.Key(), "nope"}, fault.NotFound, "does not ask"},
		"nobody by another": {w.vera, "", []string{first.Key()}, fault.Forbidden, "owning team"},
	} {
		if _, err := give(c.who, c.person, c.keys...); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v, want %q", name, err, c.words)
		}
	}
	_, err := w.reviews.Assign(t.Context(), w.asha, review.AssignInput{ReviewID: uuid.New(), Keys: []string{first.Key()}})
	wantFault(t, err, fault.NotFound, "no such review")

	n, err := give(w.asha, mika, first.Key(), review.SectionKey(section.Questionnaire, section.ID), section.Entries[0].Key())
	if err != nil || n != 1+len(section.Entries) {
		t.Fatalf("%d questions assigned, %v; want %d", n, err, 1+len(section.Entries))
	}
	mine := func() int {
		t.Helper()
		_, counts := w.sheet(r.ID).Narrow(review.Filter{Reader: w.mika.PersonID})
		return counts[review.ShowMine]
	}
	if got := mine(); got != n {
		t.Errorf("%d are Mika's, want %d", got, n)
	}
	page, err := w.reviews.Question(t.Context(), w.mika, r.ID, first.Questionnaire, first.Question.ID)
	if err != nil || page.Entry.Assignee.Name != "Mika Laine" || !page.Rail[0].Mine {
		t.Errorf("the question's page: %+v, %v", page.Entry.Assignee, err)
	}
	if _, err = give(w.asha, "", first.Key()); err != nil || mine() != n-1 {
		t.Errorf("after one was taken back %d are left, %v", mine(), err)
	}
	w.exec(`update people set deactivated_at = now() where id = $1`, w.mika.PersonID)
	if got := mine(); got != 0 {
		t.Errorf("%d questions wait for somebody deactivated", got)
	}
	w.exec(`update people set deactivated_at = null where id = $1`, w.mika.PersonID)
	w.exec(`delete from memberships where person_id = $1`, w.mika.PersonID)
	if got := mine(); got != 0 {
		t.Errorf("%d questions wait for somebody who left the team", got)
	}
	if acts := w.count(`select count(*) from audit_records where verb = 'answers.assigned'`); acts != 2 {
		t.Errorf("%d acts are recorded, want 2", acts)
	}
	w.answerAll(w.asha, r.ID, true)
	w.submit(r.ID)
	_, err = give(w.asha, w.asha.PersonID.String(), first.Key())
	wantFault(t, err, fault.Conflict, "submitted")
}

// A save whose answer got lost is sent again: it must not meet itself as a conflict.
func TestASaveMayBeRepeated(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	e := w.sheet(r.ID).Entries()[0]
	in := review.AnswerInput{
		ReviewID: r.ID, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID, Round: 1,
		Chosen: []string{e.Question.Choices[1].ID, e.Question.Choices[0].ID}, Notes: "In the runbook. \r\n",
	}
	for range 3 {
		a, err := w.reviews.SaveAnswer(t.Context(), w.asha, in)
		if err != nil || a.Version != 1 {
			t.Fatalf("version %d, %v; want version 1 each time", a.Version, err)
		}
	}
	if n := w.count(`select count(*) from answer_revisions`); n != 1 {
		t.Errorf("%d revisions of one save", n)
	}
	other := in
	other.Notes = "In the wiki."
	var stale *review.StaleAnswer
	if _, err := w.reviews.SaveAnswer(t.Context(), w.asha, other); !errors.As(err, &stale) {
		t.Errorf("other content on the old version: %v, want a stale answer", err)
	}
	other.Version, other.Resolves = 1, review.Replace
	if _, err := w.reviews.SaveAnswer(t.Context(), w.mika, other); err != nil {
		t.Fatal(err)
	}
	if _, err := w.reviews.SaveAnswer(t.Context(), w.asha, in); !errors.As(err, &stale) {
		t.Errorf("repeated after somebody else saved: %v, want a stale answer", err)
	}
	if n := w.count(`select count(*) from audit_records where verb = 'answer.replaced'`); n != 1 {
		t.Errorf("%d acts say that an answer was replaced, want 1", n)
	}
}

func TestNarrow(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	all := w.sheet(r.ID).Entries()
	w.answer(w.asha, r.ID, all[0], false)
	w.answer(w.asha, r.ID, all[1], true)
	sheet := w.sheet(r.ID)
	sections, counts := sheet.Narrow(review.Filter{Show: review.ShowHigh})
	if len(sections) != 1 || len(sections[0].Entries) != 1 || sections[0].Entries[0].Key() != all[0].Key() {
		t.Errorf("the highs are %+v", sections)
	}
	if counts[""] != len(all) || counts[review.ShowUnanswered] != len(all)-2 || counts[review.ShowHigh] != 1 || counts[review.ShowChanged] != 0 {
		t.Errorf("counted %v", counts)
	}
	phases := 0
	for _, phase := range []questionnaire.Phase{questionnaire.PhaseDesign, questionnaire.PhaseBuild, questionnaire.PhaseLaunch} {
		_, in := sheet.Narrow(review.Filter{Phase: phase})
		phases += in[""]
	}
	if phases != len(all) {
		t.Errorf("the phases hold %d questions, want %d", phases, len(all))
	}
	if sections, _ = sheet.Narrow(review.Filter{Show: "nonsense"}); len(sections) != 0 {
		t.Error("an unknown filter lets something through")
	}
}

func TestSection(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	sheet := w.sheet(r.ID)
	of := func(who identity.Actor, set, section string) (review.SectionPage, error) {
		return w.reviews.Section(t.Context(), who, r.ID, set, section)
	}
	place := 1
	for i, s := range sheet.Sections {
		p, err := of(w.vera, s.Questionnaire, s.ID)
		if err != nil || p.Place != place || p.Of != len(sheet.Entries()) || len(p.Section.Entries) != len(s.Entries) {
			t.Errorf("section %s: place %d of %d with %d questions, %v", s.ID, p.Place, p.Of, len(p.Section.Entries), err)
		}
		if (p.Previous == "") != (i == 0) || (p.Next == "") != (i == len(sheet.Sections)-1) {
			t.Errorf("section %s stands between %q and %q", s.ID, p.Previous, p.Next)
		}
		place += len(s.Entries)
	}
	_, err := of(w.vera, "orr", "nope")
	wantFault(t, err, fault.NotFound, "asks nothing")
	w.payments = w.workload("secret", 2, true)
	r = w.start(review.StartInput{})
	_, err = of(w.vera, sheet.Sections[0].Questionnaire, sheet.Sections[0].ID)
	wantFault(t, err, fault.NotFound, "no such review")
	_, err = w.reviews.Assign(t.Context(), w.vera, review.AssignInput{ReviewID: r.ID, Keys: []string{"orr/quotas"}})
	wantFault(t, err, fault.NotFound, "no such review")
}
