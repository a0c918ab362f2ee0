package tickets_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/tickets"
	"orrery/internal/tickets/trackertest"
)

func (h *house) wants(what string, kind fault.Kind, err error) {
	h.Helper()
	if !fault.Is(err, kind) {
		h.Errorf("%s: %v", what, err)
	}
}

// TestPut has a row for each fault that is promised.
func TestPut(t *testing.T) {
	h := newHouse(t)
	put := func(who identity.Actor, version int, o tickets.Outside) (tickets.Link, error) {
		return h.service.Put(t.Context(), who, h.item.ID, version, o)
	}
	one := tickets.Outside{System: "servicenow", Key: "CHG-1", URL: "https://now.example.com/CHG-1"}
	made, err := put(h.asha, 0, one)
	h.must(err)
	if made.Version != 1 || made.SyncedAt != nil || made.SystemName() != "servicenow" || !made.Is(one) {
		t.Errorf("%+v", made)
	}
	one.Status = "Approved"
	if made.Is(one) {
		t.Error("another status is the same")
	}
	_, err = put(h.asha, 0, one)
	h.wants("made meanwhile", fault.Conflict, err)
	told, err := put(h.asha, 1, one)
	h.must(err)
	if told.ID != made.ID || told.Version != 2 || told.Status != "Approved" || told.SyncedAt == nil || told.Closed {
		t.Errorf("%+v", told)
	}
	if found, err := tickets.LinkOf(t.Context(), h.db, h.item.ID, "servicenow", "chg-1"); err != nil || found.ID != made.ID {
		t.Errorf("by its key: %+v, %v", found, err)
	}
	again, err := put(h.asha, 1, one) // as a writer does who came second
	h.must(err)
	if again.Version != 2 {
		t.Errorf("to say the same again is a change: %+v", again)
	}
	other := one
	other.Closed, other.Status = true, strings.Repeat("é", 200)
	_, err = put(h.asha, 1, other)
	h.wants("stale", fault.Conflict, err)
	ended, err := put(h.asha, 2, other)
	h.must(err)
	if !ended.Closed || ended.Status != other.Status || !ended.Is(other) || ended.Is(one) {
		t.Errorf("%+v", ended)
	}
	if it := h.read(h.item.ID); it.State != h.item.State {
		t.Errorf("the item moved to %s", it.State)
	}
	_, err = put(identity.Actor{PersonID: uuid.New(), Name: "Vera"}, 3, one)
	h.wants("no member", fault.Forbidden, err)
	token := h.asha
	token.TokenID, token.Scopes = uuid.New(), []string{identity.WriteAnswers}
	_, err = put(token, 3, one)
	h.wants("another scope", fault.Forbidden, err)
	_, err = put(h.asha, 0, tickets.Outside{System: "Service Now", Key: "x", URL: one.URL})
	h.wants("system", fault.Invalid, err)
	_, err = put(h.asha, 0, tickets.Outside{System: "servicenow", Key: "\x00", URL: one.URL})
	h.wants("key", fault.Invalid, err)
	_, err = put(h.asha, 0, tickets.Outside{System: "servicenow", Key: "x", URL: "x"})
	h.wants("url", fault.Invalid, err)
	h.must(h.service.Unlink(t.Context(), h.asha, h.item.ID, made.ID))
	_, err = put(h.asha, 3, one)
	h.wants("removed meanwhile", fault.Conflict, err)
	for i := range 20 {
		one.Key = fmt.Sprintf("CHG-%d", i)
		_, err = put(h.asha, 0, one)
		h.must(err)
	}
	one.Key = "CHG-21"
	_, err = put(h.asha, 0, one)
	h.wants("too many", fault.Invalid, err)
	if it := h.read(h.item.ID); it.State != h.item.State {
		t.Errorf("the item moved to %s", it.State)
	}
}

// TestPutLeavesTrackers does not speak for a ticket that a tracker follows.
func TestPutLeavesTrackers(t *testing.T) {
	h := newHouse(t)
	d := trackertest.NewJira(t)
	tracker, _ := h.jira(d)
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	h.must(h.service.Make(t.Context(), h.link().ID, false))
	_, err := h.service.Put(t.Context(), h.asha, h.item.ID, 1, tickets.Outside{System: "jira", Key: h.link().Key, URL: "https://example.com"})
	h.wants("followed", fault.Conflict, err)
}

// TestAKeylessTicketHasAName is found by the id of its link until it has a key.
func TestAKeylessTicketHasAName(t *testing.T) {
	h, d := newHouse(t), trackertest.NewJira(t)
	tracker, _ := h.jira(d)
	h.must(h.service.Create(t.Context(), h.asha, h.item.ID, tracker.ID))
	id := h.link().ID
	find := func() (tickets.Link, error) {
		return tickets.LinkOf(t.Context(), h.db, h.item.ID, tickets.Jira, strings.ToUpper(id.String()))
	}
	if l, err := find(); err != nil || l.ID != id {
		t.Errorf("%+v, %v", l, err)
	}
	_, err := h.service.Put(t.Context(), h.asha, h.item.ID, 1, tickets.Outside{System: tickets.Jira, Key: id.String(), URL: "https://example.com"})
	h.wants("followed", fault.Conflict, err)
	h.must(h.service.Make(t.Context(), id, false))
	_, err = find()
	h.wants("with a key", fault.NotFound, err)
}
