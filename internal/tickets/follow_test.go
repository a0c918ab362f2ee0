package tickets_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/tickets"
	"orrery/internal/tickets/trackertest"
)

// linked is a house whose item has a ticket in Jira; the returned function sends a webhook.
func linked(t *testing.T) (h *house, d *trackertest.Double, receive func(id string, body []byte)) {
	t.Helper()
	h, d = newHouse(t), trackertest.NewJira(t)
	tracker, secret := h.jira(d)
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	return h, d, func(id string, body []byte) {
		t.Helper()
		h.must(h.service.Receive(t.Context(), tracker.ID, trackertest.JiraHeader(secret, id, body), body))
	}
}

// finish makes the item done by Asha and verified by Mika.
func (h *house) finish() {
	h.Helper()
	h.change(h.asha, remediation.Done, "An alarm pages on-call.")
	h.change(h.mika, remediation.Verified, "An alarm pages on-call.")
}

// close closes the item as retiring its workload does.
func (h *house) close() {
	h.Helper()
	h.must(pgx.BeginFunc(h.Context(), h.db, func(tx pgx.Tx) error {
		_, err := remediation.CloseAll(h.Context(), tx, h.asha, h.workload, "Payments was retired.", h.clock)
		return err
	}))
}

// handOn hands the events on.
func (h *house) handOn() {
	h.Helper()
	_, _, err := audit.HandOn(h.Context(), h.db, h.clock, h.service.Take)
	h.must(err)
}

// jobs counts what is to be told.
func (h *house) jobs() (n int) {
	h.Helper()
	h.must(h.db.QueryRow(h.Context(), `select (select count(*) from audit_events) + (select count(*) from river.river_job where kind = 'tickets.tell')`).Scan(&n))
	return n
}

// TestJiraFollowsTheItem moves the ticket with its item, by a step of the workflow, and hears
// the echo of its own moves without moving anything.
func TestJiraFollowsTheItem(t *testing.T) {
	h, d, receive := linked(t)
	h.change(h.asha, remediation.Done, "An alarm pages on-call.")
	h.tell()
	if d.Issues()[0].Closed {
		t.Error("it is closed before it is verified")
	}
	h.change(h.mika, remediation.Verified, "An alarm pages on-call.")
	h.tell()
	if i, l := d.Issues()[0], h.link(); i.Status != "Done" || !l.Closed || l.Status != "Done" || l.Problem != "" {
		t.Errorf("the ticket is %s there and %+v here", i.Status, l)
	}
	closing := d.Hook(1)
	receive("e1", closing)
	h.change(h.asha, remediation.Open, "")
	receive("e2", closing) // the echo comes late: the item is open again and Jira is not told yet
	if it := h.read(h.item.ID); it.State != remediation.Open {
		t.Errorf("the echo made the item %s", it.State)
	}
	h.tell()
	if i := d.Issues()[0]; i.Status != "To Do" {
		t.Errorf("the item is open and the ticket is %s", i.Status)
	}
	receive("e3", d.Hook(1))
	receive("e4", closing)
	version := h.read(h.item.ID).Version
	for range 3 {
		h.clock = h.clock.Add(time.Hour)
		h.must(h.service.Poll(t.Context()))
		h.tell()
		receive("e"+h.clock.String()[11:13], d.Hook(1))
	}
	if it := h.read(h.item.ID); it.Version != version || it.State != remediation.Open || d.Changes() != 2 || h.jobs() != 0 {
		t.Errorf("the item is %s, version %d after %d; Jira was moved %d times, %d wait", it.State, it.Version, version, d.Changes(), h.jobs())
	}
}

// TestNotMendedOpensTheTicketAgain refuses what a closed ticket claims.
func TestNotMendedOpensTheTicketAgain(t *testing.T) {
	h, d, receive := linked(t)
	receive("m1", d.Set(1, true))
	h.tell()
	h.change(h.mika, remediation.Open, "")
	h.tell()
	if i, it := d.Issues()[0], h.read(h.item.ID); i.Closed || it.State != remediation.Open {
		t.Errorf("the ticket is %s and the item %s", i.Status, it.State)
	}
	receive("m2", d.Hook(1))
	if it := h.read(h.item.ID); it.State != remediation.Open || d.Changes() != 1 {
		t.Errorf("the item is %s after %d moves", it.State, d.Changes())
	}
}

// TestAWorkflowWithoutSteps says on the link why a ticket stands still; the item moves all the
// same, and nothing is tried again until it moves once more.
func TestAWorkflowWithoutSteps(t *testing.T) {
	h, d, receive := linked(t)
	d.Workflow(true, false)
	h.finish()
	h.tell()
	if l := h.link(); l.Closed || !strings.Contains(l.Problem, "no step from here to a status that is done") {
		t.Errorf("the ticket is %+v", l)
	}
	h.clock = h.clock.Add(time.Hour)
	h.must(h.service.Poll(t.Context()))
	if l := h.link(); l.Problem == "" || h.read(h.item.ID).State != remediation.Verified {
		t.Error("reading the ticket forgets that it stands still")
	}
	receive("m1", d.Set(1, true))
	if l := h.link(); l.Problem != "" || !l.Closed {
		t.Errorf("closed by hand, the ticket is %+v", l)
	}
	d.Workflow(false, true)
	h.change(h.asha, remediation.Open, "")
	h.tell()
	if l := h.link(); !l.Closed || !strings.Contains(l.Problem, "asks for more") {
		t.Errorf("the ticket is %+v", l)
	}
	receive("m2", d.Hook(1))
	if it := h.read(h.item.ID); it.State != remediation.Open {
		t.Errorf("a ticket that cannot be opened makes the item %s", it.State)
	}
}

// TestPollTellsWhatWasLost closes the ticket by the poll when the job was lost, and does not
// quarrel with a person who opens it again.
func TestPollTellsWhatWasLost(t *testing.T) {
	h, d, receive := linked(t)
	h.finish()
	d.Fail("POST /rest/api/3/issue/PAY-1/transitions", 503)
	_, err := h.db.Exec(t.Context(), `delete from river.river_job`)
	h.must(err)
	h.handOn()
	if err := h.service.Tell(t.Context(), h.link().ID); err == nil {
		t.Error("an outage is no error")
	}
	if l := h.link(); !strings.Contains(l.Problem, "later") || l.Closed {
		t.Errorf("the ticket is %+v", l)
	}
	_, err = h.db.Exec(t.Context(), `delete from river.river_job`) // its tries are over
	h.must(err)
	h.clock = h.clock.Add(time.Hour)
	h.must(h.service.Poll(t.Context()))
	if i, l := d.Issues()[0], h.link(); !i.Closed || !l.Closed || l.Problem != "" {
		t.Errorf("the ticket is %s there and %+v here", i.Status, l)
	}
	read := h.link().SyncedAt
	opened := d.Set(1, false)
	for range 3 {
		h.clock = h.clock.Add(time.Hour)
		h.must(h.service.Poll(t.Context()))
		h.tell()
	}
	if l := h.link(); !l.SyncedAt.Equal(*read) {
		t.Error("the ticket of what ended is read again although its tracker was told")
	}
	receive("m0", opened)
	h.tell()
	if i, l := d.Issues()[0], h.link(); i.Closed || l.Closed || h.read(h.item.ID).State != remediation.Verified {
		t.Errorf("a person opened it: the ticket is %s there and %+v here", i.Status, l)
	}
	h.change(h.asha, remediation.Open, "")
	receive("m1", d.Set(1, true)) // it crosses: who opened the item here comes first
	h.tell()
	if i, it := d.Issues()[0], h.read(h.item.ID); i.Closed || it.State != remediation.Open {
		t.Errorf("the ticket is %s and the item %s", i.Status, it.State)
	}
}

// TestTicketOfWhatEndedBefore makes the ticket of an item that is finished by then, and that of
// a retired workload's item is closed as not planned.
func TestTicketOfWhatEndedBefore(t *testing.T) {
	h, d := newHouse(t), trackertest.NewJira(t)
	tracker, _ := h.jira(d)
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	h.finish()
	h.tell()
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	if l := h.link(); !l.Closed || l.State != tickets.Linked {
		t.Errorf("the ticket is %+v", l)
	}
	h, d = newHouse(t), trackertest.NewGitHub(t)
	tracker, _ = h.gitHub(d)
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	h.close()
	h.tell()
	if i := d.Issues()[0]; !i.Closed || i.Reason != "not_planned" {
		t.Errorf("the issue is closed: %v, %s", i.Closed, i.Reason)
	}
}

// TestFourEyesOverATicket lets nobody verify what a ticket closed who had the ticket: not the
// owner, then or since, and not who made it.
func TestFourEyesOverATicket(t *testing.T) {
	h, d, receive := linked(t)
	receive("m1", d.Set(1, true))
	refused := func(who identity.Actor, owner uuid.UUID, state string) error {
		t.Helper()
		it := h.read(h.item.ID)
		_, err := h.items.Change(t.Context(), who, it.ID, remediation.Change{
			Version: it.Version, OwnerID: owner.String(), DueOn: it.DueOn.Format(time.DateOnly), State: state, Resolution: "Closed.",
		})
		return err
	}
	if err := refused(h.asha, h.asha.PersonID, remediation.Verified); !fault.Is(err, fault.Forbidden) || !strings.Contains(fault.MessageOf(err), "neither who owned it nor who made the ticket") {
		t.Errorf("the owner: %v", err)
	}
	h.must(refused(h.asha, h.mika.PersonID, remediation.Done)) // handed over, it is as before
	for name, who := range map[string]identity.Actor{"who made the ticket": h.asha, "the owner since": h.mika} {
		if err := refused(who, h.mika.PersonID, remediation.Verified); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.db.Exec(t.Context(), `update items set state = 'verified', verified_by = $1`, h.asha.PersonID); err == nil {
		t.Error("the table let who made the ticket verify")
	}
	h.must(refused(h.boss, h.mika.PersonID, remediation.Verified))
	if it := h.read(h.item.ID); it.State != remediation.Verified || it.VerifiedBy != "Jonas" {
		t.Errorf("the item is %s, verified by %q", it.State, it.VerifiedBy)
	}
}

// TestFourEyesAfterGivingBack lets nobody verify who owned the item, gave it back to the queue, and
// had its ticket closed then.
func TestFourEyesAfterGivingBack(t *testing.T) {
	h, d, receive := linked(t)
	change := func(who identity.Actor, owner, state string) error {
		t.Helper()
		it := h.read(h.item.ID)
		_, err := h.items.Change(t.Context(), who, it.ID, remediation.Change{
			Version: it.Version, OwnerID: owner, DueOn: it.DueOn.Format(time.DateOnly), State: state, Resolution: "Closed.",
		})
		return err
	}
	h.must(change(h.asha, h.mika.PersonID.String(), remediation.InProgress))
	h.must(change(h.mika, "", remediation.InProgress))
	receive("m1", d.Set(1, true))
	if err := change(h.mika, "", remediation.Verified); !fault.Is(err, fault.Forbidden) {
		t.Errorf("who owned it before: %v", err)
	}
	h.must(change(h.boss, "", remediation.Verified))
}

// TestOneTrackerHoldsUpNoOther polls one tracker while the token of another does not open and a
// third does not answer.
func TestOneTrackerHoldsUpNoOther(t *testing.T) {
	h := newHouse(t)
	sealed, dead, good := trackertest.NewGitHub(t), trackertest.NewGitHub(t), trackertest.NewGitHub(t)
	var trackers []uuid.UUID
	for _, d := range []*trackertest.Double{sealed, dead, good} {
		tracker, _ := h.gitHub(d)
		trackers = append(trackers, tracker.ID)
		for range 5 {
			id, err := h.items.Open(t.Context(), h.asha, h.workload, remediation.NewItem{Title: "Page on-call", Risk: "high", OwnerID: h.asha.PersonID.String()})
			h.must(err)
			h.must(h.service.Create(t.Context(), h.asha, id, tracker.ID))
			list, err := tickets.LinksOf(t.Context(), h.db, id)
			h.must(err)
			h.must(h.service.Make(t.Context(), list[0].ID, false))
		}
	}
	for number := range 5 {
		good.Set(number+1, true)
	}
	dead.Fail("GET /repos", 500)
	h.exec(`update trackers set token = '\x00' where id = $1`, trackers[0])
	h.clock = h.clock.Add(time.Hour)
	h.must(h.service.Poll(t.Context()))
	count := func(sql string, args ...any) (n int) {
		t.Helper()
		h.must(h.db.QueryRow(t.Context(), sql, args...).Scan(&n))
		return n
	}
	if n := count(`select count(*) from ticket_links where tracker_id = $1 and closed`, trackers[2]); n != 5 {
		t.Errorf("%d of 5 tickets of the tracker that answers are read", n)
	}
	if n := count(`select count(*) from ticket_links where tracker_id = $1 and problem like '%token of the tracker cannot be read%' and synced_at = $2`, trackers[0], h.clock); n != 5 {
		t.Errorf("%d of 5 tickets say that the token cannot be read", n)
	}
	if n := count(`select count(*) from ticket_links where tracker_id = $1 and problem like '%did not answer%'`, trackers[1]); n < 1 || n > 5 {
		t.Errorf("%d tickets say that their tracker does not answer", n)
	}
}
