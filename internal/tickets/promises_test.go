package tickets_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
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

// acts lists the verbs in the record of the item, the oldest first.
func (h *house) acts() (verbs []string) {
	h.Helper()
	list, _, err := audit.WorkloadRecords(h.Context(), h.db, h.workload, audit.Filter{TargetKind: "item", TargetID: h.item.ID.String(), Limit: 100})
	h.must(err)
	for _, e := range list {
		verbs = append([]string{e.Verb}, verbs...)
	}
	return verbs
}

// later passes the time in which a search does not know what was made.
func (h *house) later(d *trackertest.Double) {
	h.clock = h.clock.Add(3 * time.Minute)
	d.Index()
}

// TestOnlyEvidenceEndsItsItems closes the ticket of an item of evidence: the link says so, and
// the item goes on until a collection finds it mended.
func TestOnlyEvidenceEndsItsItems(t *testing.T) {
	for _, risk := range []string{"none", "medium", "high"} {
		h, d, receive := linked(t)
		h.exec(`update items set cause_kind = 'evidence', cause_key = 'config.rule/x', risk = $1`, risk)
		receive("m1", d.Set(1, true))
		if it, l := h.read(h.item.ID), h.link(); it.State != remediation.Open || it.Resolution != "" || !l.Closed || l.Status != "Done" {
			t.Errorf("%s: the item is %s, the ticket %+v", risk, it.State, l)
		}
		if !slices.Contains(h.acts(), "item.ticket_closed") {
			t.Errorf("%s: the record has %v", risk, h.acts())
		}
		h.change(h.asha, remediation.InProgress, "")
		h.tell()
		receive("m2", d.Hook(1))
		if !d.Issues()[0].Closed || h.read(h.item.ID).State != remediation.InProgress {
			t.Errorf("%s: who closed the ticket is quarrelled with", risk)
		}
		h.evidence(func(tx pgx.Tx, who identity.Actor, it remediation.Item) error {
			return remediation.VerifyByEvidence(t.Context(), tx, who, it, "It is mended.", h.clock)
		})
		h.tell()
		if l := h.link(); !l.Told || !l.Closed || h.read(h.item.ID).State != remediation.Verified {
			t.Errorf("%s: after a collection the ticket is %+v", risk, l)
		}
		h.evidence(func(tx pgx.Tx, who identity.Actor, it remediation.Item) error {
			return remediation.ReopenByEvidence(t.Context(), tx, who, it, "It fails.", h.clock, h.clock)
		})
		h.tell()
		if d.Issues()[0].Closed {
			t.Errorf("%s: it fails anew and its ticket is closed", risk)
		}
		receive("m3", d.Set(1, true))
		h.clock = h.clock.Add(time.Hour)
		h.must(h.service.Poll(t.Context()))
		if it := h.read(h.item.ID); it.State != remediation.Open {
			t.Errorf("%s: closed once more, the item is %s", risk, it.State)
		}
	}
}

// evidence does to the item what the end of a run does.
func (h *house) evidence(do func(pgx.Tx, identity.Actor, remediation.Item) error) {
	h.Helper()
	h.must(pgx.BeginFunc(h.Context(), h.db, func(tx pgx.Tx) error {
		return do(tx, identity.SystemActor("evidence"), h.read(h.item.ID))
	}))
}

// TestATrackerStaysWhereItsTicketsAre refuses another project and another address while tickets
// stand on it: their keys would name tickets of others.
func TestATrackerStaysWhereItsTicketsAre(t *testing.T) {
	h, d := newHouse(t), trackertest.NewGitHub(t)
	tracker, _ := h.gitHub(d)
	as := func(project, url string) tickets.TrackerInput {
		return tickets.TrackerInput{Name: "GitHub", URL: url, Project: project, Token: "secret", Active: true}
	}
	change := func(in tickets.TrackerInput) error {
		t.Helper()
		now, err := h.service.Tracker(t.Context(), h.boss, tracker.ID)
		h.must(err)
		return h.service.ChangeTracker(t.Context(), h.boss, tracker.ID, now.Version, in)
	}
	h.must(change(as("acme/other", d.URL)))
	h.must(change(as("acme/payments", d.URL)))
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	refused := func(when string) {
		t.Helper()
		for name, in := range map[string]tickets.TrackerInput{"project": as("acme/other", d.URL), "url": as("acme/payments", d.URL+"/api/v3")} {
			if f := fault.FieldsOf(change(in)); len(f) != 1 || f[0].Name != name || !strings.Contains(f[0].Message, "Add another tracker") {
				t.Errorf("%s, another %s: %v", when, name, f)
			}
		}
	}
	refused("while it is made")
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	refused("linked")
	h.must(change(tickets.TrackerInput{Name: "Issues", URL: d.URL + "/", Project: "Acme/payments"})) // the name, off, and the same place
	h.must(change(as("acme/payments", d.URL)))
	h.exec(`update trackers set project = 'acme/other'`) // as it could be changed once
	d.Set(1, true)
	h.clock = h.clock.Add(time.Hour)
	h.must(h.service.Poll(t.Context()))
	if l := h.link(); l.Key != "acme/payments#1" || !l.Closed {
		t.Errorf("the ticket is %+v", l)
	}
	h.must(h.service.Unlink(t.Context(), h.asha, h.item.ID, h.link().ID))
	h.must(change(as("acme/elsewhere", d.URL)))
}

// TestSearchLags asks again at once after a lost answer, while Jira's search does not know the
// ticket yet: the next try waits, and so does that of a person.
func TestSearchLags(t *testing.T) {
	h, d := newHouse(t), trackertest.NewJira(t)
	tracker, _ := h.jira(d)
	ask := func() error { return h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID) }
	try := func(last bool) error { return h.service.Make(t.Context(), h.link().ID, last) }
	waits := func(when string) {
		t.Helper()
		for range 3 {
			if err := try(false); err == nil || len(d.Issues()) != 1 {
				t.Errorf("%s it does not wait: %v, %d issues", when, err, len(d.Issues()))
			}
			h.clock = h.clock.Add(50 * time.Second)
		}
	}
	h.must(ask())
	d.LoseAnswer()
	if err := try(true); err == nil || h.link().State != tickets.Refused {
		t.Errorf("a lost answer: %v", err)
	}
	h.must(ask())
	waits("asked again,")
	if l := h.link(); l.State != tickets.Creating || !strings.Contains(l.Problem, "few minutes") {
		t.Errorf("meanwhile it is %+v", l)
	}
	h.must(h.service.Unlink(t.Context(), h.asha, h.item.ID, h.link().ID))
	h.must(ask())
	h.clock = h.clock.Add(-2 * time.Minute)
	waits("unlinked and asked for anew,")
	h.later(d)
	h.must(try(false))
	if l := h.link(); l.Key != "PAY-1" || l.State != tickets.Linked || l.Problem != "" {
		t.Errorf("the ticket is %+v", l)
	}
}

// TestAKnownKeyNeedsNoSearch goes on with a ticket whose link back was lost.
func TestAKnownKeyNeedsNoSearch(t *testing.T) {
	h, d := newHouse(t), trackertest.NewJira(t)
	tracker, _ := h.jira(d)
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	d.Fail("POST /rest/api/3/issue/PAY-1/remotelink", 503)
	if err := h.service.Make(t.Context(), h.link().ID, false); err == nil {
		t.Error("a lost link is no error")
	}
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	if issues := d.Issues(); len(issues) != 1 || len(issues[0].Links) != 1 || h.link().Key != "PAY-1" {
		t.Errorf("%d issues, the ticket is %+v", len(issues), h.link())
	}
}

// TestATicketEndsTheAcceptance finishes a medium by its ticket: nothing is left to accept.
func TestATicketEndsTheAcceptance(t *testing.T) {
	h, d, receive := linked(t)
	h.exec(`update items set cause_kind = 'question', cause_key = 'orr/quotas', risk = 'medium'`)
	h.exec(`insert into acceptances (id, workload_id, question, title, risk, href, reason, control, wanted_until, asked_by, asked_at, state, until, judged_by, judged_at, note)
		values (gen_random_uuid(), $1, 'orr/quotas', 'Quotas', 'medium', '/', 'Rare.', 'Watched.', '2027-01-04', $2, $3, 'asked', null, null, null, '')`,
		h.workload, h.asha.PersonID, h.clock)
	receive("m1", d.Set(1, true))
	var settled bool
	h.must(h.db.QueryRow(t.Context(), `select settled_at is not null from acceptances`).Scan(&settled))
	if it := h.read(h.item.ID); !it.Finished() || !settled {
		t.Errorf("the item is %s, and its acceptance stands: %v", it.State, !settled)
	}
}

// TestSwitchedOffMeanwhile says why a ticket is not made, and makes it when it is asked for again.
func TestSwitchedOffMeanwhile(t *testing.T) {
	h, d := newHouse(t), trackertest.NewJira(t)
	tracker, _ := h.jira(d)
	ask := func() error { return h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID) }
	h.must(ask())
	h.exec(`update trackers set active = false`)
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	if l := h.link(); l.State != tickets.Refused || l.Problem != "The tracker is switched off." {
		t.Errorf("the ticket is %+v", l)
	}
	h.exec(`update trackers set active = true`)
	h.must(ask())
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	if l := h.link(); l.State != tickets.Linked || l.Problem != "" {
		t.Errorf("the ticket is %+v", l)
	}
}

// TestAskedForAnew finds the ticket that was closed since it was unlinked: it is opened again,
// and ends nothing, whatever the item's cause.
func TestAskedForAnew(t *testing.T) {
	for _, cause := range []string{"manual", "evidence"} {
		for name, start := range map[string]func(testing.TB) *trackertest.Double{"Jira": trackertest.NewJira, "GitHub": trackertest.NewGitHub} {
			h, d := newHouse(t), start(t)
			h.exec(`update items set cause_kind = $1`, cause)
			tracker, _ := map[string]func(*trackertest.Double) (tickets.Tracker, string){"Jira": h.jira, "GitHub": h.gitHub}[name](d)
			h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
			h.must(h.service.Make(t.Context(), h.link().ID, false))
			h.must(h.service.Unlink(t.Context(), h.asha, h.item.ID, h.link().ID))
			d.Set(1, true)
			h.later(d)
			h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
			h.must(h.service.Make(t.Context(), h.link().ID, false))
			if it, l := h.read(h.item.ID), h.link(); it.State != remediation.Open || l.Closed || d.Issues()[0].Closed || len(d.Issues()) != 1 {
				t.Errorf("%s, %s: the item is %s, the ticket %+v", name, cause, it.State, l)
			}
		}
	}
}

// TestWhatWasTypedStays closes and opens the ticket of an item with words under what was done.
func TestWhatWasTypedStays(t *testing.T) {
	h, d, receive := linked(t)
	h.change(h.asha, remediation.InProgress, "Half of it.")
	receive("m1", d.Set(1, true))
	if it := h.read(h.item.ID); it.Resolution != "Half of it.\n\nThe ticket PAY-1 was closed." {
		t.Errorf("closed, it says %q", it.Resolution)
	}
	receive("m2", d.Set(1, false))
	if it := h.read(h.item.ID); it.State != remediation.Open || it.Resolution != "Half of it." {
		t.Errorf("opened, it is %s and says %q", it.State, it.Resolution)
	}
	long := strings.Repeat("x", 4000)
	h.change(h.asha, remediation.InProgress, long)
	receive("m3", d.Set(1, true))
	h.change(h.mika, remediation.Verified, long+"\n\nThe ticket PAY-1 was closed.") // as it is stored, it is not too long
}

// TestLinkedTwiceByHand makes one link of a form that is sent twice.
func TestLinkedTwiceByHand(t *testing.T) {
	h := newHouse(t)
	for _, key := range []string{"SNOW-1", " snow-1 "} {
		h.must(h.service.LinkByHand(t.Context(), h.asha, h.item.ID, key, "https://example.com/SNOW-1"))
	}
	first := h.link().ID
	h.must(h.service.LinkByHand(t.Context(), h.asha, h.item.ID, "SNOW-1", "https://example.org/SNOW-1")) // of another system
	if list, err := tickets.LinksOf(t.Context(), h.db, h.item.ID); err != nil || len(list) != 2 || list[0].ID != first {
		t.Errorf("%d links, %v", len(list), err)
	}
}

// TestOneVersionOneHookSecret lets one of two who ask at once replace the secret, so that the one
// that is shown last fits.
func TestOneVersionOneHookSecret(t *testing.T) {
	h, d := newHouse(t), trackertest.NewJira(t)
	tracker, _ := h.jira(d)
	secrets, errs := make([]string, 2), make([]error, 2)
	var all sync.WaitGroup
	for i := range secrets {
		all.Go(func() {
			secrets[i], errs[i] = h.service.NewHookSecret(t.Context(), h.boss, tracker.ID, tracker.Version)
		})
	}
	all.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !fault.Is(errors.Join(errs...), fault.Conflict) {
		t.Fatalf("the second: %v", errs)
	}
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	body := d.Set(1, true)
	h.must(h.service.Receive(t.Context(), tracker.ID, trackertest.JiraHeader(secrets[0]+secrets[1], "m1", body), body))
	_, err := h.service.NewHookSecret(t.Context(), h.boss, uuid.New(), 1)
	h.wants("an unknown tracker", fault.NotFound, err)
}
