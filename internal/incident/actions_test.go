package incident_test

import (
	"strings"
	"testing"

	"orrery/internal/fault"
	"orrery/internal/incident"
	"orrery/internal/remediation"
	"orrery/migrations"
)

// TestAnItemSaysNothingOfItsIncident: who reads the item need not read the incident.
func TestAnItemSaysNothingOfItsIncident(t *testing.T) {
	h := newHouse(t)
	for _, i := range []incident.Incident{h.written("payments"), h.written("payments", "vault")} {
		i = must[incident.Incident](h)(h.service.SaveAction(t.Context(), h.asha, i.ID, incident.ActionInput{
			Title: "Look for drift", Workload: "payments", Owner: h.asha.PersonID.String(), DueOn: "2026-12-04",
		}))
		_, err := h.service.Incident(t.Context(), h.vera, i.ID)
		h.wants(err, fault.NotFound, "no such incident")
		it := must[remediation.Item](h)(h.items.Item(t.Context(), h.vera, i.Actions[0].Item.ID))
		if said := it.Title + it.Detail; strings.Contains(said, i.Title) {
			t.Errorf("Vera reads of the incident: %s", said)
		}
	}
}

// TestItemsAreCleanedOfIncidents by the migration, that exist already.
func TestItemsAreCleanedOfIncidents(t *testing.T) {
	h := newHouse(t)
	i := h.written("payments")
	in := incident.ActionInput{Title: "Look for drift", Workload: "payments", Owner: h.asha.PersonID.String(), DueOn: "2026-12-04"}
	i = must[incident.Incident](h)(h.service.SaveAction(t.Context(), h.asha, i.ID, in))
	want := i.Actions[0].Item.Detail
	h.exec(`update items set detail = 'From the incident: ' || $1`, i.Title)
	for _, name := range []string{"000034_told.down.sql", "000034_told.up.sql"} {
		h.exec(string(must[[]byte](h)(migrations.FS.ReadFile(name))))
	}
	if it := must[remediation.Item](h)(h.items.Item(t.Context(), h.asha, i.Actions[0].Item.ID)); it.Detail != want {
		t.Errorf("it says %q, a new one %q", it.Detail, want)
	}
}
