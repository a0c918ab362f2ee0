package webhook_test

import (
	"encoding/json"
	"testing"

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
