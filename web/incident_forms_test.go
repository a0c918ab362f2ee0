package web_test

import (
	"net/http"
	"strings"
	"testing"

	"orrery/internal/identity"
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

// TestAnIncidentKeepsWhatItsFormCannotOffer: a question that is asked no longer, and incidents that are
// older than those listed.
func TestAnIncidentKeepsWhatItsFormCannotOffer(t *testing.T) {
	w := newWreck(t, false)
	old := w.tells()
	w.exec(`update incidents set title = 'The first outage'`)
	path := w.tells("related_0", strings.TrimPrefix(old, "/incidents/"), "why_0", "They were not finished.")
	w.exec(`update incidents set question_set = 'orr', question_id = 'gone' where id = $1`, strings.TrimPrefix(path, "/incidents/"))
	w.exec(`insert into incidents select (jsonb_populate_record(i, jsonb_build_object('id', 'ffffffff-0000-4000-8000-' || lpad(n::text, 12, '0'), 'title', 'Copy ' || n))).*
		from incidents i, generate_series(1, 120) n where i.id = $1`, strings.TrimPrefix(old, "/incidents/"))
	w.exec(`insert into incident_workloads select i.id, x.workload_id from incidents i, incident_workloads x where i.title like 'Copy%' and x.incident_id = $1`, strings.TrimPrefix(old, "/incidents/"))
	kept := func(a answer) {
		t.Helper()
		a.holds(`<option value="orr/gone" selected`)
		a.holds(`<option value="` + strings.TrimPrefix(old, "/incidents/") + `" selected>The first outage`)
	}
	page := w.asha.get(path + "/edit").is(http.StatusOK)
	kept(page)
	back := told("version", page.value("version"), "question", "orr/gone", "related_0", strings.TrimPrefix(old, "/incidents/"), "why_0", "They were not finished.")
	kept(w.asha.post(path+"/edit", append(back, "related_1", "x")...).is(http.StatusUnprocessableEntity))
	w.asha.post(path+"/edit", back...).leadsTo(path)
	w.asha.get(path).says("The first outage", "They were not finished.").hides("No question that is asked today.")
}

// TestAJudgementThatCameTooLateIsKept, on a lesson that was changed and on one that was judged.
func TestAJudgementThatCameTooLateIsKept(t *testing.T) {
	w := newWreck(t, false)
	_, cleo := w.person("Cleo Marsh", identity.InviteInput{Roles: []identity.OrgRole{identity.Curator}})
	path := w.tells()
	w.asha.post(path+"/actions", "todo", "Look for drift", "workload", "payments").leadsTo(path + "#actions")
	lesson := w.asha.post(path+"/lessons", taught()...).is(http.StatusSeeOther).Header.Get("Location")
	other := w.asha.post(path+"/lessons", taught("title", "Another")...).is(http.StatusSeeOther).Header.Get("Location")
	third := w.asha.post(path+"/lessons", taught("title", "A third")...).is(http.StatusSeeOther).Header.Get("Location")
	w.asha.post(lesson+"/edit", taught("version", "1")...).leadsTo(lesson)
	cleo.post(lesson+"/decline", "version", "1", "reason", "It is asked already.").is(http.StatusConflict).says("Not saved.", "Somebody changed this lesson", "It is asked already.").holds(`name="version" value="2"`)
	cleo.post(lesson+"/accept", "version", "1", "due_days", "77").is(http.StatusConflict).holds(`value="77"`)
	cleo.post(lesson+"/merge", "version", "2", "into", strings.TrimPrefix(other, "/lessons/")).leadsTo(lesson)
	cleo.post(lesson+"/decline", "version", "2", "reason", "It is asked already.").is(http.StatusConflict).says("merged already", "You wrote: It is asked already.")

	cleo.get(other).says("1 lesson was merged into this one: Look for drift.", "whoever proposed it is told")
	cleo.post(other+"/merge", "version", "1", "into", strings.TrimPrefix(third, "/lessons/")).leadsTo(other)
	cleo.get(lesson).holds(`href="` + third + `"`)
	cleo.post(third+"/decline", "version", "1", "reason", "We ask it in another way.").leadsTo(third)
	w.asha.get(third).says("Why it was declined", "We ask it in another way.")

	w.exec(`update incident_actions set item_id = null`)
	w.exec(`update incidents set state = 'closed', closed_at = now()`)
	w.asha.post(path+"/actions", "todo", "Watch the role", "workload", "payments").is(http.StatusConflict).says("The action is not saved.", "This incident is closed.", "You wrote: Watch the role")
}

// TestARollOutThatIsStillToCome leads nowhere yet and says from when it asks.
func TestARollOutThatIsStillToCome(t *testing.T) {
	w := newWreck(t, false)
	_, cleo := w.person("Cleo Marsh", identity.InviteInput{Roles: []identity.OrgRole{identity.Curator}})
	path := w.tells()
	lesson := w.asha.post(path+"/lessons", taught()...).is(http.StatusSeeOther).Header.Get("Location")
	cleo.post(lesson+"/accept", "version", "1", "monthly", "1").leadsTo(lesson)
	draft, _, _ := strings.Cut(cleo.get(lesson).addressOf("/questionnaires/drafts/"), "/q/")
	cleo.post(draft, "revision", "1", "act", "publish", "version", "1.0.0").is(http.StatusSeeOther)
	cleo.get(lesson).says("0 of 2", "It is asked from", "Asked from 1 ").hides("/follow-ups/", "No high was found so far.")
	w.exec(`update follow_ups set asked_on = '2026-11-20'`)
	cleo.get(lesson).says("0 of 2", "No high was found so far.").holds(`href="/follow-ups/`)
}
