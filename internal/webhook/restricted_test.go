package webhook_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/webhook"
)

// TestWhoSendsWhatIsRestricted lets only an admin who reads every restricted workload send their
// events, and shows no other admin what was sent.
func TestWhoSendsWhatIsRestricted(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	h.exec(`update workloads set restricted = true`)
	in := webhook.Input{Name: "Board", URL: h.receiver.URL, Restricted: true, On: true}
	one := h.boss
	one.Grants = []identity.Grant{{Kind: identity.Approver, WorkloadID: h.workload}}
	for name, who := range map[string]identity.Actor{"an admin": h.boss, "an admin who approves one workload": one} {
		if _, _, err := h.service.Create(t.Context(), who, in); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s makes it: %v", name, err)
		}
	}
	all, approver := h.boss, h.boss
	all.Roles = []identity.OrgRole{identity.Admin, identity.Auditor}
	approver.Grants = []identity.Grant{{Kind: identity.Approver}}
	_, _, err := h.service.Create(t.Context(), approver, in)
	h.must(err)
	e, _, err := h.service.Create(t.Context(), all, in)
	h.must(err)
	if err := h.service.Change(t.Context(), h.boss, e.ID, e.Version, in); !fault.Is(err, fault.Forbidden) {
		t.Errorf("an admin keeps it: %v", err)
	}
	h.happen("item.done")
	h.work()
	if n := len(h.received()); n != 2 {
		t.Errorf("%d messages came", n)
	}
	for name, c := range map[string]struct {
		who   identity.Actor
		shown bool
	}{"an admin": {h.boss, false}, "who reads all": {all, true}} {
		list, _, err := h.service.Log(t.Context(), c.who, e.ID, "", "")
		h.must(err)
		d, err := h.service.Delivery(t.Context(), c.who, list[0].ID)
		h.must(err)
		if (list[0].Body != nil) != c.shown || (d.Body != nil) != c.shown {
			t.Errorf("%s sees %q and %q", name, list[0].Body, d.Body)
		}
	}
	in.Restricted = false
	h.must(h.service.Change(t.Context(), h.boss, e.ID, e.Version, in)) // anybody who may takes it away
}

// TestWhatWasRestrictedStaysSo changes a webhook that heard of restricted workloads as an admin who
// may not read them: nothing of these leaves for another address, whether it waits or is replayed.
func TestWhatWasRestrictedStaysSo(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	h.exec(`update workloads set restricted = true`)
	all := h.boss
	all.Roles = []identity.OrgRole{identity.Admin, identity.Auditor}
	in := webhook.Input{Name: "Board", URL: h.receiver.URL, Restricted: true, On: true}
	e, _, err := h.service.Create(t.Context(), all, in)
	h.must(err)
	h.happen("item.done")
	h.work()
	h.answers(500)
	h.happen("item.done") // it waits
	h.work()
	h.must(h.service.SendTest(t.Context(), h.boss, e.ID))
	h.received()
	h.answers(200)

	change := func(do func(*webhook.Input)) error {
		typed := in
		do(&typed)
		return h.service.Change(t.Context(), h.boss, e.ID, e.Version, typed)
	}
	for name, do := range map[string]func(*webhook.Input){
		"another address":                          func(in *webhook.Input) { in.URL += "/mine" },
		"another address, off":                     func(in *webhook.Input) { in.URL, in.On = in.URL+"/mine", false },
		"another address, of what is open":         func(in *webhook.Input) { in.URL, in.Restricted = in.URL+"/mine", false },
		"another address, of what is open and off": func(in *webhook.Input) { in.URL, in.Restricted, in.On = in.URL+"/mine", false, false },
	} {
		if err := change(do); !fault.Is(err, fault.Forbidden) || fault.FieldsOf(err)[0].Name != "url" {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.must(change(func(in *webhook.Input) { in.On = false })) // it stays as it is, and silent
	e.Version++
	if err := change(func(in *webhook.Input) { in.Name = "Mine" }); !fault.Is(err, fault.Forbidden) {
		t.Errorf("it is on again: %v", err)
	}
	h.must(change(func(in *webhook.Input) { in.Restricted = false }))
	e.Version++
	log, _, err := h.service.Log(t.Context(), all, e.ID, "", "")
	h.must(err)
	if len(log) != 3 || log[0].State != webhook.Pending || log[1].State != webhook.Failed || !strings.Contains(log[1].LastProblem, "does not hear of these") || log[1].Attempts != 2 {
		t.Fatalf("what waits of restricted workloads is not given up: %+v", log)
	}
	h.must(change(func(in *webhook.Input) { in.URL, in.Restricted = in.URL+"/mine", false }))
	h.work() // the test alone
	n, err := h.service.ReplaySince(t.Context(), h.boss, e.ID, h.clock().Add(-time.Hour), true)
	h.must(err)
	h.work()
	if got := h.received(); n != 1 || len(got) != 2 || strings.Contains(string(got[0].Body)+string(got[1].Body), "item.done") {
		t.Errorf("replayed %d: %+v", n, got)
	}
	_, err = h.service.Replay(t.Context(), h.boss, log[2].ID)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.MessageOf(err), "does not hear of these") {
		t.Errorf("one is replayed: %v", err)
	}
	e.Version++
	h.must(h.service.Change(t.Context(), all, e.ID, e.Version, in)) // it hears of them once more
	if _, err = h.service.Replay(t.Context(), h.boss, log[2].ID); err != nil {
		t.Errorf("what it hears of again: %v", err)
	}
}

// TestWhatCameWhileAWebhookChanged gives up an event of a restricted workload that was queued as its
// endpoint stopped hearing of these.
func TestWhatCameWhileAWebhookChanged(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	e, _ := h.endpoint()
	h.happen("item.done")
	h.exec(`update webhook_deliveries set restricted = true`)
	h.work()
	log, _, err := h.service.Log(t.Context(), h.boss, e.ID, webhook.Failed, "")
	h.must(err)
	if n := len(h.received()); n != 0 || len(log) != 1 || !strings.Contains(log[0].LastProblem, "does not hear of these") {
		t.Errorf("%d messages came: %+v", n, log)
	}
}

// TestWhereEventsLead gives the page of what each kind of event is about.
func TestWhereEventsLead(t *testing.T) {
	h := newHouse(t, "127.0.0.1")
	h.endpoint()
	id, item := uuid.NewString(), uuid.NewString()
	for _, c := range []struct {
		verb, kind, path string
		detail           audit.Detail
		more             []audit.Detail
	}{
		{"incident.closed", "incident", "/incidents/" + id, audit.Detail{Name: "state", Value: "closed"}, nil},
		{"lesson.accepted", "lesson", "/lessons/" + id, audit.Detail{Name: "incident", Value: item}, nil},
		{"follow_up.answered", "follow_up", "/follow-ups/" + id, audit.Detail{Name: "risk", Value: "high"}, nil},
		{"ticket.linked", "ticket", "/items/" + item, audit.Detail{Name: "item", Value: item}, nil},
		{"comment.written", "comment", "/items/" + item, audit.Detail{Name: "on", Value: "item " + item}, nil},
		{"comment.written", "comment", "/workloads/payments", audit.Detail{Name: "on", Value: "answer orr/quotas"}, nil},
		{"questionnaire.published", "questionnaire_version", "/questionnaires/orr?version=1.2.0", audit.Detail{Name: "key", Value: "orr"}, []audit.Detail{{Name: "version", Value: "1.2.0"}}},
	} {
		h.must(pgx.BeginFunc(t.Context(), h.db, func(tx pgx.Tx) error {
			return audit.Record(t.Context(), tx, h.boss, audit.Act{
				Stream: audit.WorkloadStream(h.workload), Verb: c.verb, TargetKind: c.kind, TargetID: id, At: h.clock(), Details: append(c.more, c.detail),
			})
		}))
		_, _, err := audit.HandOn(t.Context(), h.db, h.clock(), h.service.Take)
		h.must(err)
		h.work()
		got := h.received()
		if len(got) != 1 {
			t.Fatalf("%s: %d messages", c.verb, len(got))
		}
		var body struct {
			Data struct {
				Target  struct{ Kind, ID string }
				Version string
				HTMLURL string `json:"html_url"`
			}
		}
		h.must(json.Unmarshal(got[0].Body, &body))
		if body.Data.HTMLURL != "https://orrery.example.com"+c.path {
			t.Errorf("%s leads to %s", c.verb, body.Data.HTMLURL)
		}
		if d := body.Data; c.kind == "questionnaire_version" && (d.Target.Kind != "questionnaire" || d.Target.ID != "orr" || d.Version != "1.2.0") {
			t.Errorf("%s is of %s", c.verb, got[0].Body)
		}
	}
}
