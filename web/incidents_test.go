package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"orrery/internal/identity"
)

// wreck is a site with a team, Asha and Mika in it, and the workload payments, restricted or not.
type wreck struct {
	*site
	asha, mika, vera *browser
	ashaID           uuid.UUID
}

func newWreck(t *testing.T, restricted bool) *wreck {
	t.Helper()
	w := &wreck{site: newSite(t)}
	w.publish()
	ledger, depot := w.team("ledger", "Ledger"), w.team("depot", "Depot")
	asha, b := w.person("Asha Rao", identity.InviteInput{Teams: []identity.Membership{{TeamID: ledger.ID, Role: identity.Lead}}})
	w.asha, w.ashaID = b, asha.ID
	_, w.mika = w.person("Mika Laine", identity.InviteInput{Teams: []identity.Membership{{TeamID: ledger.ID, Role: identity.Member}}})
	_, w.vera = w.person("Vera Holm", identity.InviteInput{Teams: []identity.Membership{{TeamID: depot.ID, Role: identity.Lead}}})
	w.workload("payments", "Payments", "ledger", restricted)
	w.workload("stock", "Stock", "depot", false)
	return w
}

// told is the form of an incident that lacks nothing.
func told(more ...string) []string {
	return append([]string{"title", "Payments failed for 40 minutes", "severity", "2", "workload", "payments", "workloads", "", "link", "https://records.example.org/7",
		"summary", "A role was **gone**.", "impact", "No card could be charged.", "started_at", "2026-11-20T10:00", "detected_at", "2026-11-20T10:05",
		"mitigated_at", "2026-11-20T10:40", "resolved_at", "2026-11-20T12:00", "causes", "Drift is not looked for.\nBeta allows everything.", "why_not_caught", "Beta allowed everything."}, more...)
}

// holds fails unless the page has the markup.
func (a answer) holds(markup string) {
	a.Helper()
	if !strings.Contains(a.Body, markup) {
		a.Errorf("%s: has no %s", a.Asked, markup)
	}
}

// tells posts an incident and gives its address.
func (w *wreck) tells(more ...string) string {
	w.Helper()
	return w.asha.post("/incidents", told(more...)...).is(http.StatusSeeOther).Header.Get("Location")
}

func TestIncidentOverTheWire(t *testing.T) {
	w := newWreck(t, false)
	w.asha.get("/incidents/new?workload=payments").is(http.StatusOK).says("Write of systems", "Workloads of your teams")
	w.asha.post("/incidents", "title", "", "severity", "9", "summary", "kept words").is(http.StatusUnprocessableEntity).says("Give the incident a title.", "kept words", "Choose at least one workload.")
	path := w.tells("answered", "not_asked")
	w.asha.get(path).is(http.StatusOK).says("Payments failed for 40 minutes", "No card could be charged.", "Beta allows everything.", "after 40 min", "Written by Asha Rao", "Close it", "No question that is asked today.")
	w.vera.get(path).is(http.StatusNotFound)
	w.vera.get("/incidents").is(http.StatusOK).hides("Payments failed")
	w.asha.get(path).says("To close it", "Nothing is missing.", "2 (customers noticed, and much did not work)", "after 2 h")
	bare := w.asha.post("/incidents", "title", "Bare", "severity", "1", "workload", "payments").is(http.StatusSeeOther).Header.Get("Location")
	w.asha.get(bare).says("To close it", "Say who noticed what", "Say when it was mitigated.").holds(`href="` + bare + `/edit#f-mitigated_at"`)
	w.asha.post(bare+"/close", "version", "1").is(http.StatusUnprocessableEntity).says("Edit the incident", "Say when it was resolved.", "Name at least one cause.")
	w.mika.post(path+"/edit", told("version", "1", "change", "A stack update.")...).leadsTo(path)
	w.asha.post(path+"/edit", told("version", "1", "change", "Mine")...).is(http.StatusConflict).says("Not saved.", "Somebody changed this incident", "Mine")

	w.asha.post(path+"/actions", "todo", "Look for drift", "workload", "payments").leadsTo(path + "#actions")
	w.asha.post(path+"/actions", "todo", "kept action", "workload", "payments", "owner", w.ashaID.String()).is(http.StatusUnprocessableEntity).says("Say until when", "Nobody owns it yet")
	w.asha.post(path+"/close", "version", "2").is(http.StatusUnprocessableEntity).says("Every action needs an owner.", "Give it an owner").holds(`id="f-actions"`)
	page := w.asha.get(path)
	action := page.value("id")
	w.asha.post(path+"/actions", "id", action, "todo", "Look for drift", "workload", "payments", "owner", w.ashaID.String(), "due_on", "2026-12-04").leadsTo(path + "#actions")
	w.asha.post(path+"/close", "version", "2").leadsTo(path)
	w.vera.get(path).is(http.StatusOK).says("Closed", "Look for drift", "Payments. Open, Asha Rao.").hides("Open it again")
	w.vera.get("/incidents?workload=payments").says("Payments failed", "0 of 1 finished")
	w.vera.get("/incidents?workload=stock&state=closed").says("No incident of this workload is here", "Either stock has none").holds(`href="/incidents?state=closed"`)
	w.vera.post(path+"/reopen", "version", "3").is(http.StatusForbidden)
	w.asha.get(path + "/edit").leadsTo(path)
	w.asha.post(path+"/edit", told("version", "3")...).is(http.StatusConflict)
	w.asha.get("/items").says("Look for drift", "Action after an incident")
	w.asha.post(path+"/reopen", "version", "3").leadsTo(path)
	w.asha.post(path + "/actions/" + action + "/drop").is(http.StatusConflict)
}

func TestIncidentOfARestrictedWorkloadIsHidden(t *testing.T) {
	w := newWreck(t, true)
	path := w.tells("workloads", "stock")
	w.asha.post(path+"/close", "version", "1").leadsTo(path)
	w.vera.get(path).is(http.StatusNotFound).hides("Payments")
	w.vera.get("/incidents").is(http.StatusOK).hides("Payments failed")
	w.mika.get(path).is(http.StatusOK)
}

func TestBadInputOfIncidentsIsNoFailure(t *testing.T) {
	w := newWreck(t, false)
	path := w.tells()
	for _, bad := range []string{"\x00", "\xff\xfe", strings.Repeat("x", 20_000)} {
		for name := range map[string]bool{"title": true, "severity": true, "workload": true, "workloads": true, "link": true, "summary": true, "started_at": true, "causes": true, "question": true, "answered": true, "related_0": true, "why_0": true} {
			if a := w.asha.post(path+"/edit", append([]string{name, bad}, told("version", "1")...)...); a.Status >= 500 {
				t.Errorf("%s as %.10q: %d", name, bad, a.Status)
			}
		}
		for _, name := range []string{"id", "todo", "workload", "owner", "due_on"} {
			if a := w.asha.post(path+"/actions", name, bad); a.Status >= 500 {
				t.Errorf("action %s as %.10q: %d", name, bad, a.Status)
			}
		}
	}
	for _, address := range []string{"/incidents?state=x", "/incidents?after=x", "/incidents?workload=%00"} {
		if a := w.asha.get(address); a.Status >= 500 {
			t.Errorf("%s: %d", address, a.Status)
		}
	}
	w.asha.get("/incidents/nothing").is(http.StatusNotFound)
	w.asha.post(path + "/actions/%00/drop").is(http.StatusNotFound)
}
