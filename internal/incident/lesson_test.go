package incident_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
)

// drift is a lesson that lacks nothing.
func drift() incident.LessonInput {
	return incident.LessonInput{
		Title: "Look for drift", Failure: "A change made by hand is taken away by the next update.", Kind: incident.NewQuestion, MaxRisk: "high",
		Proposal: "How do you avoid harm when stacks are updated?", Prompts: []string{"Who may change by hand?"}, Tiers: []string{"1", "2"},
		Practices: []incident.Practice{{"We look for drift daily.", "https://guidance.example.org/drift", incident.Prevented}, {"We can roll back within minutes.", "", incident.Shortened}, {}},
	}
}

func (h *house) proposed(i incident.Incident) incident.Lesson {
	h.Helper()
	return must[incident.Lesson](h)(h.service.Propose(h.Context(), h.mika, i.ID, drift()))
}

func (h *house) accepted(i incident.Incident) incident.Lesson {
	h.Helper()
	l := h.proposed(i)
	return must[incident.Lesson](h)(h.service.Accept(h.Context(), h.cleo, l.ID, incident.AcceptInput{Version: l.Version, DueDays: "14"}))
}

// publish publishes the draft of the set of lessons.
func (h *house) publish() questionnaire.Published {
	h.Helper()
	drafts := must[[]questionnaire.Draft](h)(h.library.Drafts(h.Context(), h.cleo))
	p := must[questionnaire.Proposal](h)(h.library.ProposeDraft(h.Context(), h.cleo, drafts[0], ""))
	if p.Set == nil {
		h.Fatalf("the draft cannot be published: %v", p.Problems)
	}
	return must[questionnaire.Published](h)(h.library.PublishDraft(h.Context(), h.cleo, drafts[0].ID, drafts[0].Revision, p.Set.Version))
}

func TestALessonBecomesAQuestion(t *testing.T) {
	h := newHouse(t)
	i := h.closed("payments")
	l := h.proposed(i)
	if l.State != incident.Proposed || l.Proposer != "Mika" || len(l.Practices) != 2 || l.Incident != i.Title {
		t.Errorf("proposed %+v", l)
	}
	_, err := h.service.WouldFail(t.Context(), h.cleo, l.ID)
	h.wants(err, fault.Conflict, "Accept the lesson first")
	l = must[incident.Lesson](h)(h.service.ChangeLesson(t.Context(), h.cleo, l.ID, l.Version, drift()))
	_, err = h.service.Accept(t.Context(), h.cleo, l.ID, incident.AcceptInput{Version: 1})
	h.wants(err, fault.Conflict, "Somebody changed this lesson")
	_, err = h.service.Accept(t.Context(), h.cleo, l.ID, incident.AcceptInput{Version: 2, DueDays: "0"})
	h.wants(err, fault.Invalid, "due_days")
	_, err = h.service.Accept(t.Context(), h.cleo, l.ID, incident.AcceptInput{Version: 2, Set: "Not A Key"})
	h.wants(err, fault.Invalid, "set: The key is")
	l = must[incident.Lesson](h)(h.service.Accept(t.Context(), h.cleo, l.ID, incident.AcceptInput{Version: 2}))
	if l.State != incident.Accepted || l.PutSet != incident.LessonSet || l.Judge != "Cleo" || l.DueDays != 30 {
		t.Errorf("accepted %+v", l)
	}
	drafts := must[[]questionnaire.Draft](h)(h.library.Drafts(t.Context(), h.cleo))
	q, ok := drafts[0].Set.Question(l.PutQuestion)
	if !ok || q.Title != l.Proposal || len(q.Choices) != 2 || q.Choices[0].Weight != questionnaire.WeightCore || q.Choices[1].Weight != questionnaire.WeightExtra || q.Choices[0].FirstStep.URL == "" {
		t.Errorf("in the draft %+v", q)
	}
	if len(q.Links) != 2 || q.Links[0].URL != "https://orrery.example.org"+l.Path() || !strings.HasPrefix(q.Links[1].Text, "Cautionary tale: ") {
		t.Errorf("links %+v", q.Links)
	}
	_, err = h.service.Decline(t.Context(), h.cleo, l.ID, l.Version, "No.")
	h.wants(err, fault.Conflict, "accepted already")
	h.publish()
	l = must[incident.Lesson](h)(h.service.Lesson(t.Context(), h.vera, l.ID))
	if l.VersionID == nil || l.PublishedAt == nil {
		t.Errorf("published %+v", l)
	}
	beside, _, err := h.service.Lessons(t.Context(), h.vera, incident.LessonFilter{Set: l.PutSet, Question: l.PutQuestion})
	if err != nil || len(beside) != 1 {
		t.Errorf("beside the question: %v %v", beside, err)
	}
	second := must[incident.Lesson](h)(h.service.Propose(t.Context(), h.mika, i.ID, incident.LessonInput{
		Title: "Also by hand", Failure: "As before.", Kind: incident.NewChoice, Question: l.PutSet + "/" + l.PutQuestion, Proposal: "Nobody changes stacks by hand.", MaxRisk: "high",
	}))
	second = must[incident.Lesson](h)(h.service.Accept(t.Context(), h.cleo, second.ID, incident.AcceptInput{Version: 1}))
	third := must[incident.Lesson](h)(h.service.Propose(t.Context(), h.mika, i.ID, incident.LessonInput{
		Title: "Clearer", Failure: "As before.", Kind: incident.NewWording, Question: l.PutSet + "/" + l.PutQuestion, Proposal: "How do you keep stack updates from doing harm?", MaxRisk: "high",
	}))
	must[incident.Lesson](h)(h.service.Accept(t.Context(), h.cleo, third.ID, incident.AcceptInput{Version: 1}))
	d := must[questionnaire.Draft](h)(questionnaire.DraftOf(t.Context(), h.db, l.PutSet))
	if q, _ = d.Set.Question(second.PutQuestion); len(q.Practices()) != 3 || q.Title != third.Proposal || second.PutQuestion != l.PutQuestion {
		t.Errorf("changed %+v", q)
	}
	h.publish()
}

func TestJudgingLessons(t *testing.T) {
	h := newHouse(t)
	i := h.closed("payments")
	l, other := h.proposed(i), h.proposed(i)
	for name, do := range map[string]func(who identity.Actor) error{
		"accept": func(who identity.Actor) error {
			_, err := h.service.Accept(t.Context(), who, l.ID, incident.AcceptInput{Version: 1})
			return err
		},
		"merge": func(who identity.Actor) error {
			_, err := h.service.Merge(t.Context(), who, l.ID, 1, other.ID.String())
			return err
		},
		"decline": func(who identity.Actor) error {
			_, err := h.service.Decline(t.Context(), who, l.ID, 1, "No.")
			return err
		},
		"today": func(who identity.Actor) error { _, err := h.service.WouldFail(t.Context(), who, l.ID); return err },
	} {
		for _, who := range []identity.Actor{h.asha, h.mika, h.vera, h.otto} {
			if err := do(who); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s by %s: %v", name, who.Name, err)
			}
		}
	}
	_, err := h.service.ChangeLesson(t.Context(), h.vera, l.ID, 1, drift())
	h.wants(err, fault.Forbidden, "Only who proposed")
	_, err = h.service.Merge(t.Context(), h.cleo, l.ID, 1, l.ID.String())
	h.wants(err, fault.Invalid, "into")
	_, err = h.service.Merge(t.Context(), h.cleo, l.ID, 1, uuid.NewString())
	h.wants(err, fault.Invalid, "into")
	_, err = h.service.Decline(t.Context(), h.cleo, other.ID, 1, " ")
	h.wants(err, fault.Invalid, "reason")
	l = must[incident.Lesson](h)(h.service.Merge(t.Context(), h.cleo, l.ID, 1, other.ID.String()))
	if l.State != incident.Merged || *l.MergedInto != other.ID {
		t.Errorf("merged %+v", l)
	}
	other = must[incident.Lesson](h)(h.service.Decline(t.Context(), h.cleo, other.ID, 1, "It is asked already."))
	if other.State != incident.Declined || other.Reason != "It is asked already." || other.Judge != "Cleo" {
		t.Errorf("declined %+v", other)
	}
}

// TestLessonsOfADraftAndToMergeInto finds what publishing a set asks first, and what others are
// merged into.
func TestLessonsOfADraftAndToMergeInto(t *testing.T) {
	h := newHouse(t)
	i := h.closed("payments")
	l, open, gone := h.accepted(i), h.proposed(i), h.proposed(i)
	must[incident.Lesson](h)(h.service.Decline(t.Context(), h.cleo, gone.ID, 1, "No."))
	found := func(f incident.LessonFilter) (ids []uuid.UUID) {
		t.Helper()
		list, _, err := h.service.Lessons(t.Context(), h.cleo, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			ids = append(ids, one.ID)
		}
		return ids
	}
	if got := found(incident.LessonFilter{Draft: l.PutSet}); !slices.Equal(got, []uuid.UUID{l.ID}) {
		t.Errorf("in the draft: %v", got)
	}
	if got := found(incident.LessonFilter{Draft: "orr"}); got != nil {
		t.Errorf("in another draft: %v", got)
	}
	h.publish()
	if got := found(incident.LessonFilter{Draft: l.PutSet}); got != nil {
		t.Errorf("published: %v", got)
	}
	if got := found(incident.LessonFilter{Mergeable: true}); !slices.Equal(got, []uuid.UUID{open.ID, l.ID}) {
		t.Errorf("to merge into: %v", got)
	}
}

func TestRefusedLessons(t *testing.T) {
	h := newHouse(t)
	i := h.closed("payments")
	edit := func(change func(*incident.LessonInput)) incident.LessonInput {
		in := drift()
		change(&in)
		return in
	}
	for field, in := range map[string]incident.LessonInput{
		"title":              edit(func(in *incident.LessonInput) { in.Title = "\x00" }),
		"failure":            edit(func(in *incident.LessonInput) { in.Failure = "" }),
		"kind":               edit(func(in *incident.LessonInput) { in.Kind = "x" }),
		"question: Choose":   edit(func(in *incident.LessonInput) { in.Kind, in.Question = incident.NewChoice, "orr/nothing" }),
		"proposal: This has": edit(func(in *incident.LessonInput) { in.Proposal = strings.Repeat("x", 129) }),
		"max_risk":           edit(func(in *incident.LessonInput) { in.MaxRisk = "none" }),
		"tiers":              edit(func(in *incident.LessonInput) { in.Tiers = []string{"4"} }),
		"practice_0: Name":   edit(func(in *incident.LessonInput) { in.Practices = nil }),
		"url_0":              edit(func(in *incident.LessonInput) { in.Practices[0].URL = "javascript:x" }),
		"effect_1":           edit(func(in *incident.LessonInput) { in.Practices[1].Effect = "x" }),
	} {
		_, err := h.service.Propose(t.Context(), h.vera, i.ID, in)
		h.wants(err, fault.Invalid, field)
	}
}

func TestWhoReadsLessons(t *testing.T) {
	h := newHouse(t)
	secret := h.closed("vault")
	_, err := h.service.Propose(t.Context(), h.vera, secret.ID, drift())
	h.wants(err, fault.NotFound, "no such incident")
	l := h.proposed(secret)
	_, err = h.service.Lesson(t.Context(), h.vera, l.ID)
	h.wants(err, fault.NotFound, "no such lesson")
	if seen := must[incident.Lesson](h)(h.service.Lesson(t.Context(), h.cleo, l.ID)); seen.Incident != "" {
		t.Errorf("a curator sees the title of a restricted incident: %s", seen.Incident)
	}
	l = must[incident.Lesson](h)(h.service.Accept(t.Context(), h.cleo, l.ID, incident.AcceptInput{Version: 1}))
	if seen := must[incident.Lesson](h)(h.service.Lesson(t.Context(), h.vera, l.ID)); seen.Incident != "" {
		t.Errorf("Vera sees the title of a restricted incident: %s", seen.Incident)
	}
	d := must[questionnaire.Draft](h)(questionnaire.DraftOf(t.Context(), h.db, l.PutSet))
	if q, _ := d.Set.Question(l.PutQuestion); len(q.Links) != 1 {
		t.Errorf("the question links to a restricted incident: %+v", q.Links)
	}
	_, _, err = h.service.Lessons(t.Context(), h.vera, incident.LessonFilter{State: "x"})
	h.wants(err, fault.Invalid, "state")
	_, _, err = h.service.Lessons(t.Context(), h.vera, incident.LessonFilter{After: "x"})
	h.wants(err, fault.Invalid, "after")
	_, _, err = h.service.Lessons(t.Context(), identity.Actor{}, incident.LessonFilter{})
	h.wants(err, fault.Unauthenticated, "")
}

// question is the follow-up of a workload as its team sees it.
func (h *house) question(who identity.Actor, l incident.Lesson, workload string) incident.FollowUp {
	h.Helper()
	for _, f := range must[[]incident.FollowUp](h)(h.service.RollOut(h.Context(), who, l.ID)) {
		if f.WorkloadKey == workload {
			return must[incident.FollowUp](h)(h.service.FollowUp(h.Context(), who, f.ID))
		}
	}
	h.Fatalf("%s was not asked", workload)
	return incident.FollowUp{}
}

func TestFollowUpsOfAPublishedLesson(t *testing.T) {
	h := newHouse(t)
	h.exec(`update memberships set role = 'lead' where person_id = $1`, h.mika.PersonID)
	h.workload("archive", "depot", false)
	h.exec(`update workloads set tier = 3 where key = 'archive'`)
	h.workload("old", "depot", false)
	h.exec(`update workloads set stage = 'retired' where key = 'old'`)
	l := h.accepted(h.closed("payments"))
	h.publish()
	asked := must[[]incident.FollowUp](h)(h.service.RollOut(t.Context(), h.otto, l.ID))
	if len(asked) != 3 || asked[0].DueOn.Format(time.DateOnly) != "2026-12-05" {
		t.Fatalf("asked %+v", asked)
	}
	if open := must[[]incident.FollowUp](h)(h.service.RollOut(t.Context(), h.vera, l.ID)); len(open) != 2 {
		t.Errorf("Vera sees %d of the roll-out", len(open))
	}
	if mine := must[[]incident.FollowUp](h)(h.service.FollowUps(t.Context(), h.vera)); len(mine) != 1 || mine[0].WorkloadKey != "stock" {
		t.Errorf("Vera is asked %+v", mine)
	}
	f := h.question(h.asha, l, "payments")
	_, err := h.service.Answer(t.Context(), h.vera, f.ID, incident.FollowAnswer{Version: 1, Unknown: true})
	h.wants(err, fault.Forbidden, "owning team")
	_, err = h.service.FollowUp(t.Context(), h.vera, h.question(h.asha, l, "vault").ID)
	h.wants(err, fault.NotFound, "no such follow-up")
	_, err = h.service.Answer(t.Context(), h.asha, f.ID, incident.FollowAnswer{Version: 1, NotApplicable: true})
	h.wants(err, fault.Invalid, "note: Say why")
	_, err = h.service.Answer(t.Context(), h.asha, f.ID, incident.FollowAnswer{Version: 1})
	h.wants(err, fault.Invalid, "choice: Tick")
	_, err = h.service.Answer(t.Context(), h.asha, f.ID, incident.FollowAnswer{Version: 1, Chosen: []string{"x"}})
	h.wants(err, fault.Invalid, "choice: Choose among")
	practices := f.Question.Practices()
	high := must[incident.FollowUp](h)(h.service.Answer(t.Context(), h.asha, f.ID, incident.FollowAnswer{Version: 1, Chosen: []string{practices[1].ID}}))
	if high.Risk != questionnaire.RiskHigh || high.ItemID == nil || high.State != incident.FollowAnswered {
		t.Fatalf("answered %+v", high)
	}
	it := must[remediation.Item](h)(h.items.Item(t.Context(), h.asha, *high.ItemID))
	if it.CauseKind != remediation.CauseFollowUp || it.OwnerID != h.mika.PersonID || it.Risk != "high" || it.Href != f.Path() {
		t.Errorf("item %+v", it)
	}
	_, err = h.service.Answer(t.Context(), h.asha, f.ID, incident.FollowAnswer{Version: 1, Unknown: true})
	h.wants(err, fault.Conflict, "Somebody answered")
	good := must[incident.FollowUp](h)(h.service.Answer(t.Context(), h.asha, f.ID, incident.FollowAnswer{Version: 2, Chosen: []string{practices[0].ID, practices[1].ID}}))
	if good.Risk != questionnaire.RiskNone || good.ItemState != remediation.Done {
		t.Errorf("answered again %+v", good)
	}
	na := must[incident.FollowUp](h)(h.service.Answer(t.Context(), h.vera, h.question(h.vera, l, "stock").ID, incident.FollowAnswer{Version: 1, NotApplicable: true, Note: "It has no stack."}))
	if na.State != incident.FollowNotApplicable || na.Risk != questionnaire.RiskNotApplicable {
		t.Errorf("not applicable %+v", na)
	}
	it = must[remediation.Item](h)(h.items.Item(t.Context(), h.asha, it.ID))
	must[remediation.Item](h)(h.items.Change(t.Context(), h.mika, it.ID, remediation.Change{Version: it.Version, OwnerID: it.OwnerID.String(), DueOn: it.DueOn.Format(time.DateOnly), State: remediation.Verified, Resolution: it.Resolution}))
	y := must[incident.Year](h)(h.service.LastYear(t.Context(), h.asha))
	if y.Proposed != 1 || y.Accepted != 1 || y.Asked != 1 || y.Waiting != 0 || len(y.Lessons) != 1 || y.Lessons[0].Asked != 3 || y.Lessons[0].Answered != 2 || y.Lessons[0].Highs != 1 || y.Lessons[0].Mended != 1 {
		t.Errorf("year %+v", y)
	}
	if y = must[incident.Year](h)(h.service.LastYear(t.Context(), h.vera)); y.Lessons[0].Asked != 2 {
		t.Errorf("Vera's year %+v", y)
	}
}

func TestFollowUpsAskedMonthly(t *testing.T) {
	h := newHouse(t)
	l := h.proposed(h.closed("payments"))
	l = must[incident.Lesson](h)(h.service.Accept(t.Context(), h.cleo, l.ID, incident.AcceptInput{Version: 1, Monthly: true}))
	h.publish()
	f := must[[]incident.FollowUp](h)(h.service.RollOut(t.Context(), h.asha, l.ID))[0]
	if f.AskedOn.Format(time.DateOnly) != "2026-12-01" || f.DueOn.Format(time.DateOnly) != "2026-12-31" {
		t.Errorf("asked on %s until %s", f.AskedOn, f.DueOn)
	}
	if mine := must[[]incident.FollowUp](h)(h.service.FollowUps(t.Context(), h.asha)); len(mine) != 0 {
		t.Errorf("asked before the month began: %+v", mine)
	}
	_, err := h.service.FollowUp(t.Context(), h.asha, f.ID)
	h.wants(err, fault.NotFound, "")
	h.clock = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	if mine := must[[]incident.FollowUp](h)(h.service.FollowUps(t.Context(), h.asha)); len(mine) != 2 {
		t.Errorf("asked %+v", mine)
	}
}

func TestWhoWouldFailToday(t *testing.T) {
	h := newHouse(t)
	i := h.closed("payments")
	l := h.accepted(i)
	f := must[incident.Forecast](h)(h.service.WouldFail(t.Context(), h.cleo, l.ID))
	if f.CannotTell != 2 || f.Fails+f.Holds != 0 || len(f.Lines) != 2 {
		t.Errorf("before any answer, without the restricted one: %+v", f)
	}
	h.publish()
	q := h.question(h.asha, l, "payments")
	good := []string{q.Question.Practices()[0].ID, q.Question.Practices()[1].ID}
	must[incident.FollowUp](h)(h.service.Answer(t.Context(), h.asha, q.ID, incident.FollowAnswer{Version: 1, Chosen: good}))
	stock := h.question(h.vera, l, "stock")
	must[incident.FollowUp](h)(h.service.Answer(t.Context(), h.vera, stock.ID, incident.FollowAnswer{Version: 1, Unknown: true}))
	f = must[incident.Forecast](h)(h.service.WouldFail(t.Context(), h.cleo, l.ID))
	if f.Fails != 1 || f.Holds != 1 || f.Lines[0].Key != "stock" || !strings.Contains(f.Lines[0].Because, "21 November 2026 would now be a high") {
		t.Errorf("after answers: %+v", f)
	}
	// a choice more, of the core: the same answers are scored by the draft
	more := must[incident.Lesson](h)(h.service.Propose(t.Context(), h.mika, i.ID, incident.LessonInput{
		Title: "Also by hand", Failure: "As before.", Kind: incident.NewChoice, Question: l.PutSet + "/" + l.PutQuestion, Proposal: "Nobody changes stacks by hand.", MaxRisk: "high",
		Practices: []incident.Practice{{"Nobody changes stacks by hand.", "", incident.Prevented}},
	}))
	more = must[incident.Lesson](h)(h.service.Accept(t.Context(), h.cleo, more.ID, incident.AcceptInput{Version: 1}))
	if f = must[incident.Forecast](h)(h.service.WouldFail(t.Context(), h.cleo, more.ID)); f.Fails != 2 {
		t.Errorf("with the new choice: %+v", f)
	}
}
