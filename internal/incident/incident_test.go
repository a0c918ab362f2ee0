package incident_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/remediation"
)

func TestAnIncidentFromDraftToClosed(t *testing.T) {
	h := newHouse(t)
	i := must[incident.Incident](h)(h.service.Create(t.Context(), h.asha, incident.Input{Title: " Payments\tfailed ", Severity: "2", Workloads: []string{"payments", "stock", "payments"}}))
	if i.Title != "Payments failed" || i.State != incident.Draft || len(i.Places) != 2 || i.CreatedBy != "Asha" || i.Version != 1 {
		t.Fatalf("created %+v", i)
	}
	_, err := h.service.Close(t.Context(), h.asha, i.ID, 1)
	var order []string
	for _, one := range fault.FieldsOf(err) {
		order = append(order, one.Name)
	}
	if got := strings.Join(order, " "); got != "summary impact started_at detected_at mitigated_at resolved_at causes" {
		t.Errorf("what is missing is told in the order %s", got)
	}
	for _, field := range []string{"summary: ", "impact: ", "started_at: ", "detected_at: ", "mitigated_at: ", "resolved_at: ", "causes: "} {
		h.wants(err, fault.Invalid, field)
	}
	i = must[incident.Incident](h)(h.service.Update(t.Context(), h.mika, i.ID, 1, full("payments", "stock")))
	_, err = h.service.Update(t.Context(), h.asha, i.ID, 1, full("payments"))
	h.wants(err, fault.Conflict, "Somebody changed this incident")
	i = must[incident.Incident](h)(h.service.SaveAction(t.Context(), h.asha, i.ID, incident.ActionInput{Title: "Look for drift", Workload: "payments"}))
	_, err = h.service.Close(t.Context(), h.asha, i.ID, i.Version)
	h.wants(err, fault.Invalid, "actions: Every action needs an owner. Nobody owns: Look for drift")
	_, err = h.service.Update(t.Context(), h.asha, i.ID, i.Version, full("stock"))
	h.wants(err, fault.Invalid, "workloads: An action belongs to Payments")
	i = must[incident.Incident](h)(h.service.SaveAction(t.Context(), h.asha, i.ID, incident.ActionInput{ID: i.Actions[0].ID.String(), Title: "Look for drift", Workload: "payments", Owner: h.asha.PersonID.String(), DueOn: "2026-12-04"}))
	i = must[incident.Incident](h)(h.service.Close(t.Context(), h.asha, i.ID, i.Version))
	if i.State != incident.Closed || i.ClosedBy != "Asha" || i.ClosedAt == nil || len(i.Causes) != 1 || i.Actions[0].Item == nil {
		t.Errorf("closed %+v", i)
	}
	_, err = h.service.Update(t.Context(), h.asha, i.ID, i.Version, full("payments"))
	h.wants(err, fault.Conflict, "is closed")
	_, err = h.service.Close(t.Context(), h.asha, i.ID, i.Version)
	h.wants(err, fault.Conflict, "closed already")
	i = must[incident.Incident](h)(h.service.Reopen(t.Context(), h.mika, i.ID, i.Version))
	_, err = h.service.Reopen(t.Context(), h.mika, i.ID, i.Version)
	h.wants(err, fault.Conflict, "a draft already")
	var acts int
	if err := h.db.QueryRow(t.Context(), `select count(*) from audit_records where stream = 'workload/' || $1::uuid and verb like 'incident.%'`, h.workloads["payments"]).Scan(&acts); err != nil || acts != 6 {
		t.Errorf("%d acts recorded, %v", acts, err)
	}
}

func TestAnActionIsAnItemThatAnotherPersonVerifies(t *testing.T) {
	h := newHouse(t)
	i := h.written("payments")
	in := incident.ActionInput{Title: "Look for drift", Workload: "payments", Owner: h.asha.PersonID.String(), DueOn: "2026-12-04"}
	i = must[incident.Incident](h)(h.service.SaveAction(t.Context(), h.asha, i.ID, in))
	it := *i.Actions[0].Item
	if it.CauseKind != remediation.CauseIncident || it.Href != "/incidents/"+i.ID.String() || it.Risk != "none" || it.Title != "Look for drift" {
		t.Errorf("opened %+v", it)
	}
	change := func(who identity.Actor, state string) error {
		_, err := h.items.Change(t.Context(), who, it.ID, remediation.Change{Version: it.Version, OwnerID: h.asha.PersonID.String(), DueOn: "2026-12-04", State: state, Resolution: "It runs daily."})
		it.Version++
		return err
	}
	if err := change(h.asha, remediation.Done); err != nil {
		t.Fatal(err)
	}
	done := must[incident.Incident](h)(h.service.Incident(t.Context(), h.asha, i.ID))
	if done.Actions[0].Item.Finished() {
		t.Error("an action is finished before another person verified it")
	}
	h.wants(change(h.asha, remediation.Verified), fault.Forbidden, "Another person")
	it.Version--
	if err := change(h.mika, remediation.Verified); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		in   incident.ActionInput
		kind fault.Kind
		says string
	}{
		"no title":         {incident.ActionInput{Title: "\x00 ", Workload: "payments"}, fault.Invalid, "todo: Say what"},
		"long title":       {incident.ActionInput{Title: strings.Repeat("x", 301), Workload: "payments"}, fault.Invalid, "todo: This has 301"},
		"another workload": {incident.ActionInput{Title: "x", Workload: "stock"}, fault.Invalid, "workload: Choose"},
		"no day":           {incident.ActionInput{Title: "x", Workload: "payments", Owner: h.asha.PersonID.String()}, fault.Invalid, "due_on: Say until when"},
		"bad day":          {incident.ActionInput{Title: "x", Workload: "payments", DueOn: "tomorrow"}, fault.Invalid, "due_on: Write"},
		"a past day":       {incident.ActionInput{Title: "x", Workload: "payments", Owner: h.asha.PersonID.String(), DueOn: "2020-01-01"}, fault.Invalid, "due_on: This due date is past"},
		"past, no owner":   {incident.ActionInput{Title: "x", Workload: "payments", DueOn: "2020-01-01"}, fault.Invalid, "due_on: This due date is past"},
		"bad owner":        {incident.ActionInput{Title: "x", Workload: "payments", Owner: "me", DueOn: "2026-12-04"}, fault.Invalid, "owner: Choose"},
		"nobody":           {incident.ActionInput{Title: "x", Workload: "payments", Owner: uuid.NewString(), DueOn: "2026-12-04"}, fault.Invalid, "owner: Choose"},
		"no such action":   {incident.ActionInput{ID: uuid.NewString(), Title: "x", Workload: "payments"}, fault.NotFound, "no such action"},
		"an item already":  {incident.ActionInput{ID: i.Actions[0].ID.String(), Title: "x", Workload: "payments"}, fault.Conflict, "has an owner already"},
	} {
		_, err := h.service.SaveAction(t.Context(), h.asha, i.ID, c.in)
		if !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
		h.wants(err, c.kind, c.says)
	}
	_, err := h.service.DropAction(t.Context(), h.asha, i.ID, i.Actions[0].ID.String())
	h.wants(err, fault.Conflict, "has an owner already")
	i = must[incident.Incident](h)(h.service.SaveAction(t.Context(), h.asha, i.ID, incident.ActionInput{Title: "Perhaps", Workload: "payments"}))
	i = must[incident.Incident](h)(h.service.DropAction(t.Context(), h.asha, i.ID, i.Actions[1].ID.String()))
	if len(i.Actions) != 1 {
		t.Errorf("%d actions are left", len(i.Actions))
	}
}

func TestRefusedIncidents(t *testing.T) {
	h := newHouse(t)
	edit := func(change func(*incident.Input)) incident.Input {
		in := full("payments")
		change(&in)
		return in
	}
	for field, in := range map[string]incident.Input{
		"title: Give":         edit(func(in *incident.Input) { in.Title = "\x00\x01 " }),
		"title: This has 201": edit(func(in *incident.Input) { in.Title = strings.Repeat("x", 201) }),
		"severity":            edit(func(in *incident.Input) { in.Severity = "5" }),
		"workloads: Choose":   edit(func(in *incident.Input) { in.Workloads = nil }),
		"workloads: One of":   edit(func(in *incident.Input) { in.Workloads = []string{"payments", "nothing"} }),
		"link":                edit(func(in *incident.Input) { in.Link = "javascript:alert(1)" }),
		"summary":             edit(func(in *incident.Input) { in.Summary = strings.Repeat("x", 10_001) }),
		"started_at: Write":   edit(func(in *incident.Input) { in.Started = "yesterday" }),
		"detected_at: The":    edit(func(in *incident.Input) { in.Detected = "2026-11-20T09:59" }),
		"resolved_at: This":   edit(func(in *incident.Input) { in.Resolved = "2026-11-22T09:59" }),
		"causes: At most":     edit(func(in *incident.Input) { in.Causes = strings.Split("abcdefghijklmnopqrstu", "") }),
		"question":            edit(func(in *incident.Input) { in.Question = "orr/nothing" }),
		"answered":            edit(func(in *incident.Input) { in.Answered = "perhaps" }),
		"related_0":           edit(func(in *incident.Input) { in.Related = []incident.RelatedInput{{ID: uuid.NewString()}} }),
	} {
		_, err := h.service.Create(t.Context(), h.asha, in)
		h.wants(err, fault.Invalid, field)
	}
	i := h.written("payments", "stock")
	_, err := h.service.Update(t.Context(), h.asha, i.ID, i.Version, full("stock"))
	h.wants(err, fault.Invalid, "workloads: Keep at least one workload of a team of yours")
}

func TestWhoReadsAndWritesIncidents(t *testing.T) {
	h := newHouse(t)
	_, err := h.service.Create(t.Context(), h.cleo, full())
	h.wants(err, fault.Forbidden, "Only members of the teams")
	_, err = h.service.Create(t.Context(), h.vera, full("payments"))
	h.wants(err, fault.Forbidden, "Only members of the teams")
	_, err = h.service.Create(t.Context(), h.vera, full("vault"))
	h.wants(err, fault.NotFound, "no such workload")
	token := h.asha
	token.TokenID, token.Scopes = uuid.New(), []string{"read"}
	_, err = h.service.Create(t.Context(), token, full("payments"))
	h.wants(err, fault.Forbidden, "")

	draft, open, secret := h.written("payments"), h.closed("payments"), h.closed("payments", "vault")
	reads := func(who identity.Actor, i incident.Incident) bool {
		_, err := h.service.Incident(t.Context(), who, i.ID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", who.Name, err)
		}
		listed := false
		lines, _, err := h.service.List(t.Context(), who, incident.Filter{})
		for _, l := range lines {
			listed = listed || l.ID == i.ID
		}
		if err != nil || listed != !fault.Is(err, fault.NotFound) && listed {
			t.Errorf("list for %s: %v", who.Name, err)
		}
		_, one := h.service.Incident(t.Context(), who, i.ID)
		if listed != (one == nil) {
			t.Errorf("%s: listed %t, but read %t", who.Name, listed, one == nil)
		}
		return one == nil
	}
	for _, c := range []struct {
		who                 identity.Actor
		draft, open, secret bool
	}{{h.asha, true, true, true}, {h.mika, true, true, true}, {h.vera, false, true, false}, {h.cleo, false, true, false}, {h.otto, true, true, true}} {
		if reads(c.who, draft) != c.draft || reads(c.who, open) != c.open || reads(c.who, secret) != c.secret {
			t.Errorf("%s reads draft %t, closed %t, restricted %t", c.who.Name, reads(c.who, draft), reads(c.who, open), reads(c.who, secret))
		}
	}
	_, err = h.service.Reopen(t.Context(), h.vera, open.ID, open.Version)
	h.wants(err, fault.Forbidden, "Only members of the teams")
	_, err = h.service.Reopen(t.Context(), h.vera, secret.ID, secret.Version)
	h.wants(err, fault.NotFound, "no such incident")
	_, err = h.service.SaveAction(t.Context(), h.otto, draft.ID, incident.ActionInput{})
	h.wants(err, fault.Forbidden, "")
	_, _, err = h.service.List(t.Context(), identity.Actor{}, incident.Filter{})
	h.wants(err, fault.Unauthenticated, "")
	_, _, err = h.service.List(t.Context(), h.asha, incident.Filter{After: "x"})
	h.wants(err, fault.Invalid, "after")
	_, _, err = h.service.List(t.Context(), h.asha, incident.Filter{State: "x"})
	h.wants(err, fault.Invalid, "state")
	lines, next, err := h.service.List(t.Context(), h.asha, incident.Filter{Limit: 2, WorkloadKey: "payments"})
	if err != nil || len(lines) != 2 || next == "" || lines[0].ID != secret.ID || lines[0].Workloads != "Payments, Vault" {
		t.Errorf("first page %v %q %v", lines, next, err)
	}
	if lines, next, err = h.service.List(t.Context(), h.asha, incident.Filter{Limit: 2, After: next}); err != nil || len(lines) != 1 || next != "" {
		t.Errorf("second page %v %q %v", lines, next, err)
	}
}

func TestRelatedIncidentsAreShownToWhoMayReadThem(t *testing.T) {
	h := newHouse(t)
	earlier, secret := h.closed("payments"), h.closed("vault")
	h.clock = h.clock.Add(time.Hour)
	in := full("payments")
	in.Related = []incident.RelatedInput{{ID: earlier.ID.String(), Why: "They were not finished."}, {ID: secret.ID.String(), Why: "Another cause."}, {}}
	i := must[incident.Incident](h)(h.service.Create(t.Context(), h.asha, in))
	if len(i.Related) != 2 || i.Related[0].Why != "They were not finished." {
		t.Errorf("related %+v", i.Related)
	}
	i = must[incident.Incident](h)(h.service.Close(t.Context(), h.asha, i.ID, i.Version))
	seen := must[incident.Incident](h)(h.service.Incident(t.Context(), h.vera, i.ID))
	if len(seen.Related) != 1 || seen.Related[0].ID != earlier.ID {
		t.Errorf("Vera sees %+v", seen.Related)
	}
}
