package web_test

import (
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"orrery/internal/identity"
)

// become goes on in the same window as another person.
func (e *eye) become(b *browser) {
	e.Helper()
	if _, err := chromedp.Call(e.ctx, network.SetCookie, network.SetCookieParams{Name: sessionCookie, Value: b.session(), URL: e.URL}); err != nil {
		e.Fatal(err)
	}
}

// tick clicks the box or the round of a form with the name and the value.
func (e *eye) tick(name, value string) {
	e.Helper()
	eval[chromedp.Void](e, `document.querySelector('main input[name="`+name+`"][value="`+value+`"]').click()`)
}

// TestLessonsInABrowser goes the whole way as people do: an incident with an action, a lesson,
// a published question, a follow-up on two workloads, an item, verified. axe looks on.
func TestLessonsInABrowser(t *testing.T) {
	w := newWreck(t, false)
	_, cleo := w.person("Cleo Marsh", identity.InviteInput{Roles: []identity.OrgRole{identity.Curator}})
	e := w.look(w.asha)
	e.open("/incidents/new")
	e.judge("incident-new")
	e.tick("severity", "2")
	e.tick("workload", "payments")
	e.submit("/incidents", "title", "Payments failed for 40 minutes", "summary", "A role was gone.", "impact", "No card could be charged.", "started_at", "2026-11-20T10:00",
		"detected_at", "2026-11-20T10:05", "mitigated_at", "2026-11-20T10:40", "resolved_at", "2026-11-20T12:00", "causes", "Drift is not looked for.")
	e.wants("The draft is begun.", "after 40 min")
	incident := e.here()
	e.submit(incident+"/actions", "todo", "Look for drift", "owner", w.ashaID.String(), "due_on", "2026-12-04")
	e.wants("The action is saved.")
	e.judge("incident-draft")
	e.submit(incident + "/close")
	e.wants("The incident is closed.")

	e.become(w.vera)
	e.open(incident + "/lessons/new")
	e.judge("lesson-new")
	e.tick("effect_0", "prevented")
	e.submit(incident+"/lessons", "title", "Look for drift", "failure", "A change by hand is taken away.", "proposal", "How do you avoid harm when stacks are updated?", "practice_0", "We look for drift daily.")
	e.wants("The lesson is proposed.")
	lesson := e.here()

	e.become(cleo)
	e.open(lesson)
	e.judge("lesson-judging")
	e.submit(lesson + "/accept")
	e.wants("The lesson stands in the draft.")
	e.press(`a[href="` + lesson + `/today"]`)
	e.wants("Would fail", "Payments", "Stock")
	e.judge("lesson-today")
	e.open(lesson)
	question := eval[string](e, `document.querySelector('a[href^="/questionnaires/drafts/"]').getAttribute("href").split("/q/")[0]`)
	e.open(question)
	e.press(`button[value="publish"]`)
	e.wants("is published.")

	e.become(w.vera)
	e.open("/")
	e.press(`#follow-ups a`)
	e.tick("not_applicable", "1")
	e.submit(e.here(), "note", "It has no stack.")
	e.wants("Does not apply")
	e.become(w.asha)
	e.open("/")
	e.judge("home-follow-up")
	e.press(`#follow-ups a`)
	e.tick("unknown", "1")
	e.submit(e.here())
	e.wants("an item is opened for the lead", "Answered: high")
	e.judge("follow-up")
	e.press(`main a[href^="/items/"]`)
	item := e.here()
	e.tick("state", "done")
	e.submit(item, "resolution", "It runs daily.")
	e.wants("Another person verifies it")
	e.become(w.mika)
	e.open(item)
	e.tick("state", "verified")
	e.submit(item)
	e.wants("Verified")
	e.open(lesson)
	e.wants("2 of 2", "1 of them mended and verified")
	e.judge("lesson-rolled-out")
	for name, path := range map[string]string{"incidents": "/incidents", "lessons": "/lessons", "lesson-year": "/lessons/year", "incident-closed": incident, "workload-follow-up": "/workloads/payments"} {
		e.open(path)
		e.judge(name)
	}
}
