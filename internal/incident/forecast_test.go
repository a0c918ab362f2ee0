package incident_test

import (
	"context"
	"strings"
	"testing"

	"orrery/internal/incident"
	"orrery/internal/questionnaire"
)

// TestForecastOfAnExtraChoice: evidence against a choice without which the answer is no high fails
// nobody, and no answer of a cancelled review counts.
func TestForecastOfAnExtraChoice(t *testing.T) {
	h := newHouse(t)
	l := h.accepted(h.closed("payments"))
	h.look("payments", "CloudFormation.1", "fail")
	h.look("stock", "CloudFormation.2", "fail")
	d := must[questionnaire.Draft](h)(questionnaire.DraftOf(t.Context(), h.db, l.PutSet))
	q, _ := d.Set.Question(l.PutQuestion)
	form := questionnaire.InputOf(q)
	form.Choices = append(form.Choices, questionnaire.ChoiceInput{Title: "We also look each hour.", Weight: questionnaire.WeightExtra})
	d = must[questionnaire.Draft](h)(h.library.SaveDraft(t.Context(), h.cleo, d.ID, d.Revision, form.Apply()))
	q, _ = d.Set.Question(l.PutQuestion)
	form = questionnaire.InputOf(q)
	check := questionnaire.CheckInput{Source: "securityhub.control", Key: "CloudFormation.1", Choice: q.Practices()[2].ID, Expect: "all_pass", Claim: "It is looked each hour.", Level: "resource", MaxAge: "30"}
	core := check
	core.Key, core.Choice, core.Claim = "CloudFormation.2", q.Practices()[0].ID, "It is looked each day."
	form.Checks = []questionnaire.CheckInput{check, core}
	must[questionnaire.Draft](h)(h.library.SaveDraft(t.Context(), h.cleo, d.ID, d.Revision, form.Apply()))
	f := must[incident.Forecast](h)(h.service.WouldFail(t.Context(), h.cleo, l.ID))
	if f.Fails != 1 || f.Lines[0].Key != "stock" || f.Lines[0].Because != "Evidence speaks against it: It is looked each day." || !strings.Contains(f.Lines[1].Because, "which alone is no high") {
		t.Errorf("foreseen %+v", f)
	}
}

// TestForecastAsksInBatches: where nothing was collected no workload costs a turn of its own.
func TestForecastAsksInBatches(t *testing.T) {
	h := newHouse(t)
	l := h.accepted(h.closed("payments"))
	d := must[questionnaire.Draft](h)(questionnaire.DraftOf(t.Context(), h.db, l.PutSet))
	q, _ := d.Set.Question(l.PutQuestion)
	form := questionnaire.InputOf(q)
	form.Checks = []questionnaire.CheckInput{{Source: "securityhub.control", Key: "CloudFormation.1", Choice: q.Practices()[0].ID, Expect: "all_pass", Claim: "Stacks are looked at.", Level: "resource", MaxAge: "30"}}
	must[questionnaire.Draft](h)(h.library.SaveDraft(t.Context(), h.cleo, d.ID, d.Revision, form.Apply()))
	turns := func() int64 {
		before := h.db.Stat().AcquireCount()
		must[incident.Forecast](h)(h.service.WouldFail(context.WithoutCancel(t.Context()), h.cleo, l.ID))
		return h.db.Stat().AcquireCount() - before
	}
	few := turns()
	h.exec(`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		select gen_random_uuid(), 'w-' || n, 'W' || n, '', $1, 2, 'live', false, now(), now() from generate_series(1, 100) n`, h.teams["depot"])
	if many := turns(); many > few {
		t.Errorf("%d turns for two workloads, %d for a hundred more", few, many)
	}
}
