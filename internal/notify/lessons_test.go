package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/notify"
	"orrery/internal/remediation"
)

// acts records an act and hands its event on.
func (h *house) acts(who identity.Actor, verb, kind string, id uuid.UUID) {
	h.Helper()
	h.must(pgx.BeginFunc(h.Context(), h.db, func(tx pgx.Tx) error {
		return audit.Record(h.Context(), tx, who, audit.Act{Stream: audit.WorkloadStream(h.workload), Verb: verb, TargetKind: kind, TargetID: id.String(), At: h.clock})
	}))
	h.clock = h.clock.Add(time.Second)
	h.handOn()
}

// lesson stores an incident of the workload and a lesson of it that Mika proposed.
func (h *house) lesson(incidentState string) uuid.UUID {
	h.Helper()
	incident, lesson := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	h.exec(`insert into incidents (id, title, severity, link, summary, impact, started_at, detected_at, mitigated_at, resolved_at, scenario, change, causes, why_not_caught, question_set, question_id, answered, state, created_at, updated_at, closed_at)
		values ($1, 'Outage', 2, '', 'x', 'x', $2, $2, $2, $2, '', '', '{x}', '', '', '', '', $3, $2, $2, $2)`, incident, h.clock, incidentState)
	h.exec(`insert into incident_workloads values ($1, $2)`, incident, h.workload)
	h.exec(`insert into lessons (id, incident_id, title, failure, kind, set_key, question_id, proposal, why, max_risk, prompts, tiers, tags, concerns_set, state, reason, proposed_by, proposed_at)
		values ($1, $2, 'Look for drift', 'x', 'question', '', '', 'x', '', 'high', '{}', '{}', '{}', '', 'proposed', '', $3, $4)`, lesson, incident, h.mika.PersonID, h.clock)
	return lesson
}

// unread are the titles of what somebody has to read.
func (h *house) unread(who identity.Actor) (kinds, titles string) {
	h.Helper()
	list, _, err := h.service.Unread(h.Context(), who)
	h.must(err)
	for _, n := range list {
		kinds, titles = kinds+n.Kind+" ", titles+n.Title+"\n"
	}
	return strings.TrimSpace(kinds), strings.TrimSpace(titles)
}

// TestLessonsToJudge tells curators of a proposal and its proposer of the judgement.
func TestLessonsToJudge(t *testing.T) {
	h := newHouse(t)
	h.exec(`insert into org_roles (person_id, role, granted_at) values ($1, 'curator', now())`, h.jonas.PersonID)
	open, draft, into := h.lesson("closed"), h.lesson("draft"), h.lesson("closed")
	h.acts(h.mika, "lesson.proposed", "lesson", open)
	if kinds, titles := h.unread(h.jonas); kinds != notify.Decide || titles != "A lesson waits to be judged: Look for drift" {
		t.Errorf("a curator is told %s: %s", kinds, titles)
	}
	h.acts(h.jonas, "lesson.accepted", "lesson", open)
	if kinds, titles := h.unread(h.jonas); kinds != "" {
		t.Errorf("what is judged waits still: %s", titles)
	}
	if kinds, titles := h.unread(h.mika); kinds != notify.Judged || titles != "Your lesson is accepted: Look for drift" {
		t.Errorf("who proposed is told %s: %s", kinds, titles)
	}
	h.acts(h.mika, "lesson.proposed", "lesson", draft)
	if _, titles := h.unread(h.jonas); titles != "A lesson that was drawn from an incident waits to be judged." {
		t.Errorf("of a draft a curator is told %s", titles)
	}
	h.exec(`update lessons set state = 'merged', merged_into = $2 where id = $1`, draft, into)
	h.acts(h.jonas, "lesson.merged", "lesson", draft)
	h.exec(`update lessons set proposed_by = $2 where id = $1`, into, h.asha.PersonID)
	h.acts(h.jonas, "lesson.declined", "lesson", into)
	if _, titles := h.unread(h.asha); titles != "Your lesson is declined: Look for drift" {
		t.Errorf("Asha is told %s", titles)
	}
	if _, titles := h.unread(h.mika); !strings.HasPrefix(titles, "The lesson that yours was merged into is declined: Look for drift\nYour lesson is merged into another: Look for drift\n") {
		t.Errorf("Mika is told %s", titles)
	}
}

// TestFollowUpsAreTold to the leads when they are asked, due and overdue, and to nobody once answered.
func TestFollowUpsAreTold(t *testing.T) {
	h := newHouse(t)
	lesson, follow, version := h.lesson("closed"), uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	h.exec(`insert into questionnaires (key, name, origin, created_at) values ('lessons', 'Lessons', 'organisation', now())`)
	h.exec(`insert into questionnaire_versions (id, questionnaire_key, version, source, sha256, questions, published_at) values ($1, 'lessons', '1.0.0', '', '', 1, $2)`, version, h.clock)
	h.exec(`insert into follow_ups (id, lesson_id, workload_id, version_id, set_key, question_id, asked_on, due_on, state) values ($1, $2, $3, $4, 'lessons', 'q1', '2026-11-23', '2026-12-05', 'open')`, follow, lesson, h.workload, version)
	on := func(day int, month time.Month, kinds, words string) {
		t.Helper()
		h.clock = time.Date(2026, month, day, 12, 0, 0, 0, time.UTC)
		h.must(h.service.Calendar(t.Context()))
		h.must(h.service.Calendar(t.Context()))
		if got, titles := h.unread(h.asha); got != kinds || !strings.HasPrefix(titles, words) {
			t.Errorf("on %d %s the lead is told %s: %s", day, month, got, titles)
		}
	}
	on(22, 11, "", "")
	on(23, 11, "assigned", "A lesson asks Payments a question, to answer by 5 December 2026: Look for drift")
	on(3, 12, "due assigned", "The question of a lesson to Payments is due on 5 December 2026: Look for drift")
	on(6, 12, "due due assigned", "The question of a lesson to Payments is overdue since 5 December 2026: Look for drift")
	if _, titles := h.unread(h.mika); titles != "" {
		t.Errorf("who is no lead is told %s", titles)
	}
	h.clock = h.clock.Add(time.Second)
	h.acts(h.mika, "follow_up.answered", "follow_up", follow)
	if _, titles := h.unread(h.asha); titles != "" {
		t.Errorf("once answered the lead has to read %s", titles)
	}
	h.exec(`update follow_ups set state = 'answered', answered_at = $1`, h.clock)
	h.exec(`delete from notices`)
	on(7, 12, "", "")
}

// TestDueThatNobodyOwns is told to the leads, until somebody does.
func TestDueThatNobodyOwns(t *testing.T) {
	h := newHouse(t)
	id := h.open(h.asha, h.asha, "2026-11-23")
	h.exec(`update items set owner_id = null`)
	h.must(h.service.Calendar(t.Context()))
	h.must(h.service.Calendar(t.Context()))
	if kinds, titles := h.unread(h.asha); kinds != notify.Due || titles != "An item in Payments that nobody owns is due on 23 November 2026: Drill the failover" {
		t.Errorf("the lead is told %s: %s", kinds, titles)
	}
	if _, titles := h.unread(h.mika); titles != "" {
		t.Errorf("who is no lead is told %s", titles)
	}
	h.clock = h.clock.Add(time.Second)
	it, err := h.items.Change(t.Context(), h.asha, id, remediation.Change{Version: 1, OwnerID: h.asha.PersonID.String(), DueOn: "2026-11-23", State: remediation.Open})
	h.must(err)
	h.clock = h.clock.Add(time.Second)
	h.handOn()
	if _, titles := h.unread(h.asha); titles != "" || it.OwnerID != h.asha.PersonID {
		t.Errorf("who took it has to read %s", titles)
	}
}
