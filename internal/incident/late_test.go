package incident_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/questionnaires"
)

// handOn hands events on, as often as they may come.
func (h *house) handOn() {
	h.Helper()
	for range 2 {
		if _, _, err := audit.HandOn(h.Context(), h.db, h.clock, h.service.Take); err != nil {
			h.Fatal(err)
		}
	}
}

// asked counts the follow-ups of a lesson by workload.
func (h *house) asked(l incident.Lesson) map[string]int {
	h.Helper()
	n := map[string]int{}
	for _, f := range must[[]incident.FollowUp](h)(h.service.RollOut(h.Context(), h.otto, l.ID)) {
		n[f.WorkloadKey]++
	}
	return n
}

// TestWorkloadsThatComeLater are asked when they come to be concerned, once: new, changed,
// brought back, and by the set of a review.
func TestWorkloadsThatComeLater(t *testing.T) {
	h := newHouse(t)
	works := workload.NewService(h.db, func() time.Time { return h.clock })
	in := drift()
	in.Tags = []string{"stack=cdk"}
	l := must[incident.Lesson](h)(h.service.Propose(t.Context(), h.mika, h.closed("payments").ID, in))
	l = must[incident.Lesson](h)(h.service.Accept(t.Context(), h.cleo, l.ID, incident.AcceptInput{Version: 1, DueDays: "14"}))
	h.publish()
	if n := h.asked(l); len(n) != 0 {
		t.Fatalf("nobody has the tag, asked are %v", n)
	}
	h.clock = h.clock.AddDate(0, 0, 10)
	form := workload.Input{Key: "cards", Name: "Cards", TeamKey: "ledger", Tier: 2, Stage: workload.Planned, Tags: []string{"stack=cdk"}, Accounts: []string{"444455556666"}, Regions: []string{"eu-west-1"}}
	cards := must[workload.Workload](h)(works.Create(t.Context(), h.asha, form))
	form.Key, form.Name, form.Tags = "plain", "Plain", nil
	plain := must[workload.Workload](h)(works.Create(t.Context(), h.asha, form))
	form.Key, form.Name, form.Tags, form.Tier = "small", "Small", []string{"stack=cdk"}, 3
	must[workload.Workload](h)(works.Create(t.Context(), h.asha, form))
	h.handOn()
	if n := h.asked(l); len(n) != 1 || n["cards"] != 1 {
		t.Errorf("asked are %v", n)
	}
	f := h.question(h.asha, l, "cards")
	if f.DueOn.Format(time.DateOnly) != "2026-12-15" || f.AskedOn.Format(time.DateOnly) != "2026-12-01" {
		t.Errorf("asked on %s until %s", f.AskedOn, f.DueOn)
	}
	form = plain.Input()
	form.Tags, form.Accounts, form.Regions = []string{"stack=cdk"}, []string{"444455556666"}, []string{"eu-west-1"}
	must[workload.Workload](h)(works.Update(t.Context(), h.asha, plain.ID, plain.Version, form))
	form = cards.Input()
	form.Description = "Charges cards."
	must[workload.Workload](h)(works.Update(t.Context(), h.asha, cards.ID, cards.Version, form))
	h.handOn()
	if n := h.asked(l); len(n) != 2 || n["plain"] != 1 || n["cards"] != 1 {
		t.Errorf("with the tag asked are %v", n)
	}
	// published again with a wording of its own, the set asks nobody twice who was asked by the newer one
	second := must[incident.Lesson](h)(h.service.Propose(t.Context(), h.mika, l.IncidentID, incident.LessonInput{
		Title: "Clearer", Failure: "As before.", Kind: incident.NewWording, Question: l.PutSet + "/" + l.PutQuestion, Proposal: "How do you keep stack updates from doing harm?", MaxRisk: "high", Tags: []string{"stack=cdk"},
	}))
	must[incident.Lesson](h)(h.service.Accept(t.Context(), h.cleo, second.ID, incident.AcceptInput{Version: 1}))
	h.publish()
	cards = must[workload.Workload](h)(works.ByKey(t.Context(), h.asha, "cards"))
	must[workload.Workload](h)(works.Update(t.Context(), h.asha, cards.ID, cards.Version, cards.Input()))
	form = workload.Input{Key: "later", Name: "Later", TeamKey: "depot", Tier: 1, Stage: workload.Planned, Tags: []string{"stack=cdk"}, Accounts: []string{"444455556666"}, Regions: []string{"eu-west-1"}}
	must[workload.Workload](h)(works.Create(t.Context(), h.vera, form))
	h.handOn()
	if one, two := h.asked(l), h.asked(second); one["later"] != 0 || one["cards"] != 1 || two["later"] != 1 || two["cards"] != 1 {
		t.Errorf("the first asks %v, the second %v", one, two)
	}
	if f = h.question(h.vera, second, "later"); f.Question.Title != second.Proposal {
		t.Errorf("it asks %q", f.Question.Title)
	}
}

// TestAReviewAsksAlready asks nobody by a follow-up whose review asks the question, and asks
// those that come to be reviewed by the set that a lesson is for.
func TestAReviewAsksAlready(t *testing.T) {
	h := newHouse(t)
	now := func() time.Time { return h.clock }
	must[int](h)(h.library.LoadShipped(t.Context(), questionnaires.FS))
	reviews := review.NewService(h.db, h.library, "", now)
	if err := reviews.EnsureTypes(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := drift()
	in.ConcernsSet, in.Tiers = "orr", nil
	l := must[incident.Lesson](h)(h.service.Propose(t.Context(), h.mika, h.closed("payments").ID, in))
	l = must[incident.Lesson](h)(h.service.Accept(t.Context(), h.cleo, l.ID, incident.AcceptInput{Version: 1}))
	h.publish()
	h.clock = h.clock.AddDate(0, 0, 1)
	must[review.Review](h)(reviews.Start(t.Context(), h.asha, h.workloads["payments"], review.StartInput{Type: "new-service"}))
	must[review.Review](h)(reviews.Start(t.Context(), h.vera, h.workloads["stock"], review.StartInput{Type: "new-service", Sets: []string{l.PutSet}}))
	h.handOn()
	if n := h.asked(l); len(n) != 1 || n["payments"] != 1 {
		t.Errorf("asked are %v", n)
	}
}

// look stores what a collection of the workload read: a control of Security Hub, in a state.
func (h *house) look(workload, control, state string) {
	h.Helper()
	run, account := uuid.Must(uuid.NewV7()), "11111111111"+map[string]string{"payments": "1", "stock": "2", "vault": "3"}[workload]
	h.exec(`insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn) values ($1, $2, 'production', true, array[$3], '{eu-west-1}', '{}', '')`, run, h.workloads[workload], account)
	h.exec(`insert into runs (id, workload_id, scope_id, state, requested_at, finished_at) values ($1, $2, $1, 'complete', $3, $3)`, run, h.workloads[workload], h.clock)
	h.exec(`insert into run_cells (run_id, account, region, source, state, outcome, detail, permission, facts) values ($1, $2, 'eu-west-1', 'securityhub.control', 'done', 'ok', '', '', 1)`, run, account)
	h.exec(`insert into facts (source, control, account, region, resource, state, reason, title, detail, tags, application_arn, hash, observed_at, changed_at, run_id)
		values ('securityhub.control', $1, $2, 'eu-west-1', 'arn:aws:sqs:eu-west-1:' || $2 || ':jobs', $3, '', 'Stacks are looked at', '{}', '{}', '', '', $4, $4, $5)`, control, account, state, h.clock, run)
}

// TestForecastByEvidence foresees who fails from what was collected before anybody asked it,
// and says so before what people answered.
func TestForecastByEvidence(t *testing.T) {
	h := newHouse(t)
	l := h.accepted(h.closed("payments"))
	h.look("payments", "CloudFormation.1", "fail")
	h.look("stock", "CloudFormation.1", "pass")
	h.look("vault", "CloudFormation.1", "fail")
	d := must[questionnaire.Draft](h)(questionnaire.DraftOf(t.Context(), h.db, l.PutSet))
	q, _ := d.Set.Question(l.PutQuestion)
	form := questionnaire.InputOf(q)
	form.Checks = []questionnaire.CheckInput{{Source: "securityhub.control", Key: "CloudFormation.1", Choice: q.Practices()[0].ID, Expect: "all_pass", Claim: "Stacks are looked at for drift.", Level: "resource", MaxAge: "30"}}
	must[questionnaire.Draft](h)(h.library.SaveDraft(t.Context(), h.cleo, d.ID, d.Revision, form.Apply()))
	f := must[incident.Forecast](h)(h.service.WouldFail(t.Context(), h.cleo, l.ID))
	if f.Fails != 1 || f.Holds+f.CannotTell != 1 || len(f.Lines) != 2 || f.Lines[0].Key != "payments" || f.Lines[0].Because != "Evidence speaks against it: Stacks are looked at for drift." {
		t.Errorf("foreseen %+v", f)
	}
	if f.Lines[1].Outcome != incident.CannotTell {
		t.Errorf("evidence on one of two practices says that %s holds: %s", f.Lines[1].Key, f.Lines[1].Because)
	}
	h.publish()
	good := []string{q.Practices()[0].ID, q.Practices()[1].ID}
	must[incident.FollowUp](h)(h.service.Answer(t.Context(), h.asha, h.question(h.asha, l, "payments").ID, incident.FollowAnswer{Version: 1, Chosen: good}))
	f = must[incident.Forecast](h)(h.service.WouldFail(t.Context(), h.cleo, l.ID))
	if f.Fails != 1 || f.Lines[0].Key != "payments" {
		t.Errorf("an answer hides what evidence shows: %+v", f)
	}
	h.clock = h.clock.AddDate(0, 0, 10) // what was read is too old to say anything
	f = must[incident.Forecast](h)(h.service.WouldFail(t.Context(), h.cleo, l.ID))
	if f.Fails != 0 || f.Holds != 1 || f.CannotTell != 1 {
		t.Errorf("by old evidence %+v", f)
	}
}

// TestActionsThatWaitAreDue keeps the due day of an action that is done and not verified.
func TestActionsThatWaitAreDue(t *testing.T) {
	h := newHouse(t)
	i := h.written("payments")
	i = must[incident.Incident](h)(h.service.SaveAction(t.Context(), h.asha, i.ID, incident.ActionInput{Title: "Look for drift daily", Workload: "payments", Owner: h.asha.PersonID.String(), DueOn: "2026-12-12"}))
	due := func() (stored, computed string) {
		t.Helper()
		const sql = `select coalesce(s.next_due::text, ''), coalesce(n.next_due::text, '') from workload_standing s join workload_standing_now n using (workload_id) where workload_id = $1`
		if err := h.db.QueryRow(t.Context(), sql, h.workloads["payments"]).Scan(&stored, &computed); err != nil {
			t.Fatal(err)
		}
		return stored, computed
	}
	move := func(who identity.Actor, state string) {
		t.Helper()
		it := must[remediation.Item](h)(h.items.Item(t.Context(), h.asha, i.Actions[0].Item.ID))
		must[remediation.Item](h)(h.items.Change(t.Context(), who, it.ID, remediation.Change{Version: it.Version, OwnerID: it.OwnerID.String(), DueOn: "2026-12-12", State: state, Resolution: "A job looks."}))
	}
	for _, step := range []struct {
		who   identity.Actor
		state string
		want  string
	}{{h.asha, remediation.InProgress, "2026-12-12"}, {h.asha, remediation.Done, "2026-12-12"}, {h.mika, remediation.Verified, ""}} {
		move(step.who, step.state)
		if stored, computed := due(); stored != step.want || computed != step.want {
			t.Errorf("%s: next due is %q, computed %q, want %q", step.state, stored, computed, step.want)
		}
	}
}
