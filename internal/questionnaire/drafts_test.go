package questionnaire_test

import (
	"testing"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
)

func question(section, title string) questionnaire.Edit {
	return questionnaire.QuestionInput{
		Section: section, Title: title, Why: "It matters.", Phase: questionnaire.PhaseLaunch, MaxRisk: questionnaire.RiskHigh,
		Choices: []questionnaire.ChoiceInput{{Title: "We did it.", Weight: questionnaire.WeightCore, FirstStep: "Begin."}},
	}.Apply()
}

func TestDraftIsWrittenAndPublished(t *testing.T) {
	l, _ := newLibrary(t)
	ctx := t.Context()
	d, err := l.CreateDraft(ctx, curator, questionnaire.DraftInput{Key: "own", Name: "Own"})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := l.ProposeDraft(ctx, curator, d, ""); err != nil || p.Fits() || len(p.Problems) == 0 {
		t.Errorf("an empty draft: %+v, %v", p, err)
	}
	if _, err := l.PublishDraft(ctx, curator, d.ID, d.Revision, "1.0.0"); !fault.Is(err, fault.Invalid) {
		t.Errorf("an empty draft is published: %v", err)
	}
	for _, edit := range []questionnaire.Edit{questionnaire.AddSection("One"), question("one", "Is it done?")} {
		if d, err = l.SaveDraft(ctx, curator, d.ID, d.Revision, edit); err != nil {
			t.Fatalf("%v %+v", err, fault.FieldsOf(err))
		}
	}
	if d.Revision != 3 {
		t.Errorf("revision %d", d.Revision)
	}
	p, err := l.ProposeDraft(ctx, curator, d, "")
	if err != nil || !p.Fits() || !p.First || p.Set.Version != "1.0.0" {
		t.Fatalf("%+v, %v", p, err)
	}
	done, err := l.PublishDraft(ctx, curator, d.ID, d.Revision, "1.0.0")
	if err != nil || done.Key != "own" || done.Version != "1.0.0" {
		t.Fatalf("%+v, %v", done, err)
	}
	if _, err := l.Draft(ctx, curator, d.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("the draft is still there: %v", err)
	}

	// The next version begins as a copy, and its number follows from what changed.
	next, err := l.CreateDraft(ctx, curator, questionnaire.DraftInput{Key: "own", From: "own"})
	if err != nil || next.Set.Name != "Own" {
		t.Fatalf("%+v, %v", next, err)
	}
	if p, err := l.ProposeDraft(ctx, curator, next, ""); err != nil || p.Fits() {
		t.Errorf("a copy that differs in nothing: %+v, %v", p, err)
	}
	if next, err = l.SaveDraft(ctx, curator, next.ID, next.Revision, questionnaire.SetInput{Name: "Our own"}.Apply()); err != nil {
		t.Fatal(err)
	}
	if p, err := l.ProposeDraft(ctx, curator, next, ""); err != nil || p.Set.Version != "1.1.0" || !p.Fits() {
		t.Errorf("a minor difference: %+v, %v", p, err)
	}
	if next, err = l.SaveDraft(ctx, curator, next.ID, next.Revision, question("one", "Is there more?")); err != nil {
		t.Fatal(err)
	}
	if p, err := l.ProposeDraft(ctx, curator, next, ""); err != nil || p.Set.Version != "2.0.0" || !p.Difference.Major {
		t.Errorf("a major difference: %+v, %v", p, err)
	}
	if _, err := l.PublishDraft(ctx, curator, next.ID, next.Revision, "1.0.0"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a number in use: %v", err)
	}
	if _, err := l.PublishDraft(ctx, curator, next.ID, next.Revision, "2.0.0"); err != nil {
		t.Error(err)
	}
	if drafts, err := l.Drafts(ctx, curator); err != nil || len(drafts) != 0 {
		t.Errorf("%d drafts, %v", len(drafts), err)
	}
}

func TestDraftFaults(t *testing.T) {
	l, db := newLibrary(t)
	ctx := t.Context()
	for name, c := range map[string]struct {
		in    questionnaire.DraftInput
		field string
	}{
		"no key":        {questionnaire.DraftInput{Name: "Own"}, "key"},
		"a bad key":     {questionnaire.DraftInput{Key: "No key", Name: "Own"}, "key"},
		"a shipped key": {questionnaire.DraftInput{Key: "ours", Name: "Own"}, "key"},
		"no name":       {questionnaire.DraftInput{Key: "own"}, "name"},
		"no such set":   {questionnaire.DraftInput{Key: "own", Name: "Own", From: "none"}, "from"},
	} {
		if _, err := l.CreateDraft(ctx, curator, c.in); !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)[0].Name != c.field {
			t.Errorf("%s: %v %+v", name, err, fault.FieldsOf(err))
		}
	}
	d, err := l.CreateDraft(ctx, curator, questionnaire.DraftInput{Key: "own", From: "ours"})
	if err != nil || len(d.Set.Questions()) != 1 && len(d.Set.Sections) != 1 {
		t.Fatalf("a copy of a shipped set: %+v, %v", d, err)
	}
	if _, err := l.CreateDraft(ctx, curator, questionnaire.DraftInput{Key: "own", Name: "Again"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second draft: %v", err)
	}
	rename := questionnaire.SetInput{Name: "Renamed"}.Apply()
	for name, revision := range map[string]int{"an old revision": 0, "one to come": 2} {
		if _, err := l.SaveDraft(ctx, curator, d.ID, revision, rename); !fault.Is(err, fault.Conflict) {
			t.Errorf("saving %s: %v", name, err)
		}
		if err := l.DiscardDraft(ctx, curator, d.ID, revision); !fault.Is(err, fault.Conflict) {
			t.Errorf("discarding %s: %v", name, err)
		}
		if _, err := l.PublishDraft(ctx, curator, d.ID, revision, "1.0.0"); !fault.Is(err, fault.Conflict) {
			t.Errorf("publishing %s: %v", name, err)
		}
	}
	absent := uuid.New()
	if _, err := l.SaveDraft(ctx, curator, absent, 1, rename); !fault.Is(err, fault.NotFound) {
		t.Errorf("saving what is not there: %v", err)
	}
	for _, who := range []identity.Actor{{}, {System: "test"}, {System: "test", Roles: []identity.OrgRole{identity.Admin, identity.Auditor}}} {
		_, drafts := l.Drafts(ctx, who)
		_, read := l.Draft(ctx, who, d.ID)
		_, made := l.CreateDraft(ctx, who, questionnaire.DraftInput{Key: "other", Name: "Other"})
		_, saved := l.SaveDraft(ctx, who, d.ID, d.Revision, rename)
		_, looked := l.ProposeDraft(ctx, who, d, "")
		_, published := l.PublishDraft(ctx, who, d.ID, d.Revision, "1.0.0")
		for i, err := range []error{drafts, read, made, saved, looked, published, l.DiscardDraft(ctx, who, d.ID, d.Revision)} {
			if !fault.Is(err, fault.Forbidden) {
				t.Errorf("%+v, act %d: %v", who, i, err)
			}
		}
	}
	if err := l.DiscardDraft(ctx, curator, d.ID, d.Revision); err != nil {
		t.Error(err)
	}
	var records int
	if err := db.QueryRow(ctx, `select count(*) from audit_records where convert_from(body, 'UTF8') like '%questionnaire.draft_%'`).Scan(&records); err != nil || records != 2 {
		t.Errorf("%d records of drafts, %v", records, err)
	}
}
