package review_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/questionnaire"
	"orrery/internal/review"
)

// told stores what people answered in the Well-Architected Tool, in an account and workload
// that the scope of payments names.
func (w *world) told(answers ...evidence.ToolAnswer) {
	w.t.Helper()
	run := uuid.Must(uuid.NewV7())
	w.exec(`insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn, wa_workloads)
		values ($1, $1, 'production', true, '{111111111111}', '{eu-west-1}', '{}', '', '{shop}')
		on conflict (workload_id, name) do update set wa_workloads = excluded.wa_workloads`, w.payments.ID)
	w.exec(`insert into runs (id, workload_id, scope_id, state, requested_at) values ($1, $2, $2, 'running', $3)`, run, w.payments.ID, w.clock)
	w.exec(`update facts set gone_at = $1 where source = $2`, w.clock, evidence.ToolSource)
	for _, a := range answers {
		a.Workload = "shop"
		doc, err := json.Marshal(a)
		if err != nil {
			w.t.Fatal(err)
		}
		w.exec(`insert into facts (source, control, account, region, resource, state, reason, title, detail, tags, application_arn, hash, observed_at, changed_at, run_id)
			values ($1, 'shop', '111111111111', 'eu-west-1', $2, 'stated', 'people_say', '', $3, '{}', '', '', $4, $4, $5)
			on conflict (source, control, account, region, resource) do update set detail = excluded.detail, observed_at = excluded.observed_at, gone_at = null`,
			evidence.ToolSource, a.Lens+"/"+a.QuestionID, doc, w.clock.Add(-30*24*time.Hour), run)
	}
	w.exec(`update runs set state = 'complete', finished_at = $2 where id = $1`, run, w.clock)
}

// priorities is an answer to what the question OPS01 asks, with the choices ticked.
func priorities(ticked ...string) evidence.ToolAnswer {
	a := evidence.ToolAnswer{Lens: "wellarchitected", QuestionID: "priorities", Question: "Priorities", Risk: "MEDIUM", Applicable: true, Notes: "Ask Kim."}
	for _, id := range []string{"ops_priorities_ext_cust_needs", "ops_priorities_int_cust_needs", "ops_priorities_governance_reqs", "ops_priorities_newer", "ops_priorities_no"} {
		c := evidence.ToolChoice{ID: id, Title: id}
		if slices.Contains(ticked, id) {
			c.Status = "SELECTED"
		}
		a.Choices = append(a.Choices, c)
	}
	return a
}

// framework is a draft that asks the Framework.
func (w *world) framework() review.Review {
	return w.start(review.StartInput{ChangeKey: "CHG-9", ChangeTitle: "x", Sets: []string{"well-architected"}})
}

func (w *world) toolDraft(id uuid.UUID) review.ToolDraft {
	w.t.Helper()
	d, err := w.reviews.ToolDraft(w.t.Context(), w.asha, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// of is the entry of a question of the Framework.
func (w *world) of(id uuid.UUID, question string) review.Entry {
	w.t.Helper()
	for _, e := range w.sheet(id).Entries() {
		if e.Key() == "well-architected/"+question {
			return e
		}
	}
	w.t.Fatal("the review does not ask " + question)
	return review.Entry{}
}

func TestToolAnswersBecomeDrafts(t *testing.T) {
	w := newWorld(t, 2)
	r := w.framework()
	if d := w.toolDraft(r.ID); len(d.Drafts)+len(d.Left)+len(d.ByHand) != 0 || d.Without != 72 {
		t.Fatalf("without facts: %+v", d)
	}
	away := evidence.ToolAnswer{Lens: "wellarchitected", QuestionID: "ops-model", Risk: "NOT_APPLICABLE", Reason: "OUT_OF_SCOPE", Choices: []evidence.ToolChoice{{ID: "ops_ops_model_def_resource_owners"}}}
	none := evidence.ToolAnswer{Lens: "arn:aws:wellarchitected::aws:lens/wellarchitected", QuestionID: "x", Risk: "HIGH", Applicable: true,
		Choices: []evidence.ToolChoice{{ID: "ops_telemetry_application_telemetry"}}}
	w.told(priorities("ops_priorities_ext_cust_needs", "ops_priorities_newer"), away, none)
	d := w.toolDraft(r.ID)
	if len(d.Drafts) != 1 || len(d.ByHand) != 1 || len(d.Left) != 0 || d.Without != 70 {
		t.Fatalf("%d drafts, %d by hand, %d left, %d without", len(d.Drafts), len(d.ByHand), len(d.Left), d.Without)
	}
	if l := d.Drafts[0]; !slices.Equal(l.Ticks, []string{"OPS01_BP01"}) || l.Question.ID != "OPS01" || l.Risk != questionnaire.RiskHigh || l.Source != "shop" || len(l.Says[0].Apart) != 1 {
		t.Errorf("the draft is %+v", l)
	}
	n, err := w.reviews.TakeToolAnswers(t.Context(), w.asha, review.TakeToolInput{ReviewID: r.ID, Seen: d.Seen})
	if err != nil || n != 1 {
		t.Fatalf("took %d, %v", n, err)
	}
	e := w.of(r.ID, "OPS01")
	if a := e.Answer; !a.ToConfirm || a.Version != 0 || a.SavedByID != nil || a.Notes != "" || a.Drafted.From != "shop" || a.Drafted.AsOf == nil || a.Risk != questionnaire.RiskHigh || e.Answered() {
		t.Errorf("the answer is %+v", a)
	}
	if w.sheet(r.ID).AuthoredByActor {
		t.Error("taking a draft makes an author")
	}
	page, err := w.reviews.Question(t.Context(), w.asha, r.ID, "well-architected", "OPS01")
	if err != nil || len(page.Tool) != 1 || page.Tool[0].Notes != "Ask Kim." || page.Tool[0].Risk() != questionnaire.RiskMedium {
		t.Errorf("beside the question: %+v, %v", page.Tool, err)
	}
	if page, err := w.reviews.Question(t.Context(), w.vera, r.ID, "well-architected", "OPS01"); err != nil || len(page.Tool) != 0 {
		t.Errorf("somebody else sees %+v, %v", page.Tool, err)
	}
	_, err = w.reviews.ConfirmSection(t.Context(), w.asha, review.ConfirmInput{ReviewID: r.ID, Round: 1, Questionnaire: "well-architected", Section: e.Question.Section})
	wantFault(t, err, fault.Conflict, "Open each question")
	saved, err := w.reviews.SaveAnswer(t.Context(), w.mika, input(r.ID, e))
	if err != nil || saved.ToConfirm || saved.Version != 1 || saved.SavedBy != "Mika Laine" {
		t.Errorf("confirmed as %+v, %v", saved, err)
	}
	if a := w.of(r.ID, "OPS01").Answer; a.ToConfirm || a.Drafted.From != "shop" {
		t.Errorf("after it is confirmed: %+v", a)
	}
}

func TestToolNeverOverwrites(t *testing.T) {
	w := newWorld(t, 2)
	r := w.framework()
	w.told(priorities("ops_priorities_ext_cust_needs", "ops_priorities_int_cust_needs"))
	seen := w.toolDraft(r.ID).Seen
	w.answer(w.mika, r.ID, w.of(r.ID, "OPS01"), false)
	_, err := w.reviews.TakeToolAnswers(t.Context(), w.asha, review.TakeToolInput{ReviewID: r.ID, Seen: seen})
	wantFault(t, err, fault.Conflict, "nothing to take")
	if d := w.toolDraft(r.ID); len(d.Left) != 1 || len(d.Drafts) != 0 {
		t.Errorf("got %+v", d)
	}
	if a := w.of(r.ID, "OPS01").Answer; a.Version != 1 || a.SavedBy != "Mika Laine" || a.Drafted.From != "" {
		t.Errorf("the answer is %+v", a)
	}
}

func TestTakeToolAnswersFaults(t *testing.T) {
	w := newWorld(t, 2)
	r := w.framework()
	w.told(priorities("ops_priorities_ext_cust_needs"))
	seen := w.toolDraft(r.ID).Seen
	take := func(seen string) error {
		_, err := w.reviews.TakeToolAnswers(t.Context(), w.asha, review.TakeToolInput{ReviewID: r.ID, Seen: seen})
		return err
	}
	_, err := w.reviews.TakeToolAnswers(t.Context(), w.vera, review.TakeToolInput{ReviewID: r.ID, Seen: seen})
	wantFault(t, err, fault.Forbidden, "")
	_, err = w.reviews.ToolDraft(t.Context(), w.vera, r.ID)
	wantFault(t, err, fault.Forbidden, "Only the owning team")
	_, err = w.reviews.ToolDraft(t.Context(), w.asha, w.payments.ID)
	wantFault(t, err, fault.NotFound, "")
	wantFault(t, take("\x00"), fault.Conflict, "Read what would be taken now")
	w.told(priorities("ops_priorities_int_cust_needs"))
	wantFault(t, take(seen), fault.Conflict, "Read what would be taken now")
	w.exec(`update rounds set state = 'cancelled' where id = $1`, r.Round.ID)
	wantFault(t, take(w.toolDraft(r.ID).Seen), fault.Conflict, "cancelled")
	w.exec(`update workloads set restricted = true where id = $1`, w.payments.ID)
	_, err = w.reviews.ToolDraft(t.Context(), w.vera, r.ID)
	wantFault(t, err, fault.NotFound, "")
}

// "None of these" is taken alone, what two workloads do not agree on is not taken, and a
// custom lens is found by the ids of its question and of all its choices.
func TestToolTicks(t *testing.T) {
	w := newWorld(t, 2)
	r := w.framework()
	ticks := func(answers ...evidence.ToolAnswer) []string {
		w.told(answers...)
		if d := w.toolDraft(r.ID); len(d.Drafts) == 1 {
			return d.Drafts[0].Ticks
		}
		return nil
	}
	other := priorities("ops_priorities_int_cust_needs", "ops_priorities_ext_cust_needs")
	other.Lens = "arn:aws:wellarchitected:eu-west-1::lens/wellarchitected"
	q := w.of(r.ID, "OPS01").Question
	none, _ := q.NoneChoice()
	custom := evidence.ToolAnswer{Lens: "arn:aws:wellarchitected:eu-west-1:111111111111:lens/0123", QuestionID: "OPS01", Applicable: true,
		Choices: []evidence.ToolChoice{{ID: "OPS01_BP02", Status: "SELECTED"}, {ID: "OPS01_BP03"}}}
	strange := custom
	strange.Choices = append(slices.Clone(custom.Choices), evidence.ToolChoice{ID: "another"})
	foreign := priorities("ops_priorities_ext_cust_needs")
	foreign.Lens = custom.Lens
	for name, tt := range map[string]struct{ got, want []string }{
		"none":                            {ticks(priorities("ops_priorities_no")), []string{none.ID}},
		"none beside others":              {ticks(priorities("ops_priorities_no", "ops_priorities_int_cust_needs")), []string{"OPS01_BP02"}},
		"two that agree in part":          {ticks(priorities("ops_priorities_ext_cust_needs"), other), []string{"OPS01_BP01"}},
		"two that do not agree":           {ticks(priorities("ops_priorities_governance_reqs"), other), nil},
		"a custom lens":                   {ticks(custom), []string{"OPS01_BP02"}},
		"a custom lens with more choices": {ticks(strange), nil},
		"a custom lens with AWS's ids":    {ticks(foreign), nil},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
		}
	}
}

// A draft that nobody confirmed is not carried into another review, and is kept in the next
// round of its own.
func TestUnconfirmedDraftsAreNobodysAnswers(t *testing.T) {
	w := newWorld(t, 2)
	r := w.framework()
	w.told(priorities("ops_priorities_ext_cust_needs"))
	if _, err := w.reviews.TakeToolAnswers(t.Context(), w.asha, review.TakeToolInput{ReviewID: r.ID, Seen: w.toolDraft(r.ID).Seen}); err != nil {
		t.Fatal(err)
	}
	for _, e := range w.sheet(r.ID).Entries() {
		if e.Key() != "well-architected/OPS01" {
			w.answer(w.asha, r.ID, e, true)
		}
	}
	w.exec(`update answers set required = false where question_id = 'OPS01'`)
	w.decided(r, review.NoGo)
	if a := w.of(r.ID, "OPS01").Answer; !a.ToConfirm || a.Drafted.From != "shop" {
		t.Errorf("in the next round: %+v", a)
	}
	w.exec(`update reviews set state = 'cancelled' where id = $1`, r.ID)
	again := w.start(review.StartInput{ChangeKey: "CHG-9", ChangeTitle: "x", Sets: []string{"well-architected"}, CarryOver: true})
	if a := w.of(again.ID, "OPS01").Answer; a.ToConfirm || len(a.Chosen) != 0 {
		t.Errorf("carried: %+v", a)
	}
}
