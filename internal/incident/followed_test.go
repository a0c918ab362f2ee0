package incident_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/incident"
	"orrery/internal/remediation"
)

// answered is a follow-up of payments with a high, and its item.
func (h *house) answered(l incident.Lesson) (incident.FollowUp, remediation.Item) {
	h.Helper()
	f := h.question(h.asha, l, "payments")
	f = must[incident.FollowUp](h)(h.service.Answer(h.Context(), h.asha, f.ID, incident.FollowAnswer{Version: f.Version, Chosen: []string{f.Question.Practices()[1].ID}}))
	return f, h.item(*f.ItemID)
}

func (h *house) item(id uuid.UUID) remediation.Item {
	h.Helper()
	return must[remediation.Item](h)(h.items.Item(h.Context(), h.asha, id))
}

// TestTheSameAnswerAgainChangesNothing keeps owner, due day and state of the item, also when the
// answer is as high in another way.
func TestTheSameAnswerAgainChangesNothing(t *testing.T) {
	h := newHouse(t)
	h.exec(`update memberships set role = 'lead' where person_id = $1`, h.mika.PersonID)
	l := h.accepted(h.closed("payments"))
	h.publish()
	f, it := h.answered(l)
	change := func(state, resolution string) remediation.Change {
		return remediation.Change{Version: it.Version, OwnerID: h.asha.PersonID.String(), DueOn: "2026-11-26", State: state, Resolution: resolution}
	}
	it = must[remediation.Item](h)(h.items.Change(t.Context(), h.asha, it.ID, change(remediation.InProgress, "")))
	h.clock = h.clock.AddDate(0, 0, 10)
	again := func(in incident.FollowAnswer) {
		t.Helper()
		in.Version = f.Version
		f = must[incident.FollowUp](h)(h.service.Answer(t.Context(), h.asha, f.ID, in))
		if now := h.item(it.ID); now.OwnerID != it.OwnerID || now.State != it.State || !now.DueOn.Equal(it.DueOn) || now.Version != it.Version || f.ItemID == nil || *f.ItemID != it.ID {
			t.Errorf("%+v makes of %+v: %+v", in, it, now)
		}
	}
	again(incident.FollowAnswer{Chosen: f.Chosen, Note: "Seen in the console."})
	again(incident.FollowAnswer{Unknown: true})
	it = must[remediation.Item](h)(h.items.Change(t.Context(), h.asha, it.ID, change(remediation.Done, "It runs daily.")))
	it = must[remediation.Item](h)(h.items.Change(t.Context(), h.mika, it.ID, change(remediation.Verified, "It runs daily.")))
	again(incident.FollowAnswer{Unknown: true, Note: "A clearer note."})
	must[incident.FollowUp](h)(h.service.Answer(t.Context(), h.asha, f.ID, incident.FollowAnswer{Version: f.Version, Chosen: []string{f.Question.Practices()[1].ID}}))
	if now := h.item(it.ID); now.State != remediation.Open || now.OwnerID != h.mika.PersonID {
		t.Errorf("another answer that is high leaves the item %s, of %s", now.State, now.OwnerName)
	}
}

// second is a lesson on the question of another, accepted.
func (h *house) second(l incident.Lesson, days string) incident.Lesson {
	h.Helper()
	in := incident.LessonInput{Title: "Also by hand", Failure: "As before.", Kind: incident.NewWording, Question: l.PutSet + "/" + l.PutQuestion, Proposal: "How is harm kept away?", MaxRisk: "high"}
	two := must[incident.Lesson](h)(h.service.Propose(h.Context(), h.mika, l.IncidentID, in))
	return must[incident.Lesson](h)(h.service.Accept(h.Context(), h.cleo, two.ID, incident.AcceptInput{Version: 1, DueDays: days}))
}

// TestTwoLessonsOnOneQuestion ask it once, on both of their pages, by the earlier day.
func TestTwoLessonsOnOneQuestion(t *testing.T) {
	h := newHouse(t)
	h.accepted(h.closed("payments"))
	h.publish()
	list, _, err := h.service.Lessons(t.Context(), h.cleo, incident.LessonFilter{})
	if err != nil {
		t.Fatal(err)
	}
	h.clock = h.clock.AddDate(0, 0, 1)
	two, three := h.second(list[0], "30"), h.second(list[0], "7")
	h.publish()
	for _, l := range []incident.Lesson{two, three} {
		asked := must[[]incident.FollowUp](h)(h.service.RollOut(t.Context(), h.asha, l.ID))
		p := must[incident.Progress](h)(h.service.RollOutProgress(t.Context(), h.asha, l.ID))
		if len(asked) != 3 || p.Asked != 3 || p.First == nil || asked[0].DueOn.Format(time.DateOnly) != "2026-11-29" {
			t.Errorf("%s asks %d, counted %+v", l.Title, len(asked), p)
		}
	}
	if p := must[incident.Progress](h)(h.service.RollOutProgress(t.Context(), h.vera, two.ID)); p.Asked != 2 {
		t.Errorf("Vera counts %+v", p)
	}
	y := must[incident.Year](h)(h.service.LastYear(t.Context(), h.asha))
	for _, line := range y.Lessons {
		if line.Asked != 3 {
			t.Errorf("year %+v", line)
		}
	}
}

// TestALaterFollowUpMends the item that an earlier one on the question opened; an earlier one does
// not mend what a later one found.
func TestALaterFollowUpMends(t *testing.T) {
	h := newHouse(t)
	l := h.accepted(h.closed("payments"))
	h.publish()
	first, it := h.answered(l)
	h.clock = h.clock.AddDate(0, 0, 1)
	l = must[incident.Lesson](h)(h.service.Lesson(t.Context(), h.cleo, l.ID))
	later := h.second(l, "30")
	h.publish()
	good := []string{first.Question.Practices()[0].ID, first.Question.Practices()[1].ID}
	f := h.question(h.asha, later, "payments")
	f = must[incident.FollowUp](h)(h.service.Answer(t.Context(), h.asha, f.ID, incident.FollowAnswer{Version: 1, Chosen: good}))
	if it = h.item(it.ID); it.State != remediation.Done {
		t.Errorf("the later answer leaves the item %s", it.State)
	}
	f = must[incident.FollowUp](h)(h.service.Answer(t.Context(), h.asha, f.ID, incident.FollowAnswer{Version: f.Version, Unknown: true}))
	must[incident.FollowUp](h)(h.service.Answer(t.Context(), h.asha, first.ID, incident.FollowAnswer{Version: first.Version, Chosen: good}))
	if it = h.item(it.ID); it.State != remediation.Open || f.ItemID == nil {
		t.Errorf("the earlier answer makes the item of the later one %s", it.State)
	}
}

// TestProgressBeyondTheList counts a roll-out that is longer than its list.
func TestProgressBeyondTheList(t *testing.T) {
	h := newHouse(t)
	l := h.accepted(h.closed("payments"))
	h.exec(`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		select gen_random_uuid(), 'w-' || n, 'W' || n, '', $1, 2, 'live', false, now(), now() from generate_series(1, 597) n`, h.teams["depot"])
	h.publish()
	h.exec(`update follow_ups set state = 'answered', risk = 'none', answered_at = $1 where workload_id in (select id from workloads where key like 'w-5%')`, h.clock)
	p := must[incident.Progress](h)(h.service.RollOutProgress(t.Context(), h.asha, l.ID))
	if p.Asked != 600 || p.Answered != 109 || p.Highs != 0 {
		t.Errorf("counted %+v", p)
	}
	if n := len(must[[]incident.FollowUp](h)(h.service.RollOut(t.Context(), h.asha, l.ID))); n != 500 {
		t.Errorf("%d are listed", n)
	}
	_, err := h.service.RollOutProgress(t.Context(), h.vera, uuid.New())
	h.wants(err, fault.NotFound, "no such lesson")
}
