package web_test

import (
	"net/http"
	"testing"
)

// TestAnItemNamesItsIncidentToWhoMayReadIt and leads nobody else there.
func TestAnItemNamesItsIncidentToWhoMayReadIt(t *testing.T) {
	w := newWreck(t, false)
	path := w.tells()
	w.asha.post(path+"/actions", "todo", "Look for drift", "workload", "payments", "owner", w.ashaID.String(), "due_on", "2026-12-04").leadsTo(path + "#actions")
	item := w.asha.get(path).addressOf("/items/")
	w.asha.get(item).is(http.StatusOK).says("Action after the incident: Payments failed for 40 minutes").holds(`href="` + path + `"`)
	w.vera.get(item).is(http.StatusOK).says("Look for drift", "Action after an incident").hides("Payments failed", path)
	w.asha.post(path+"/close", "version", "1").leadsTo(path)
	w.vera.get(item).is(http.StatusOK).says("Action after the incident: Payments failed for 40 minutes")
}
