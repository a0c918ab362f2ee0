package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"orrery/internal/identity"
)

// taught is the form of a lesson that lacks nothing.
func taught(more ...string) []string {
	return append([]string{"title", "Look for drift", "failure", "A change by hand is taken away.", "kind", "question", "proposal", "How do you avoid harm when stacks are updated?", "max_risk", "high",
		"practice_0", "We look for drift daily.", "url_0", "https://guidance.example.org/drift", "effect_0", "prevented", "practice_1", "We can roll back.", "effect_1", "shortened"}, more...)
}

// addressOf finds the address on the page that begins with stem.
func (a answer) addressOf(stem string) string {
	a.Helper()
	found := regexp.MustCompile(`href="(` + regexp.QuoteMeta(stem) + `[0-9a-f-]{36}[^"]*)"`).FindStringSubmatch(a.Body)
	if found == nil {
		a.Fatalf("%s: leads to no %s: %.800s", a.Asked, stem, a.text())
	}
	return found[1]
}

// TestFromAnIncidentToAVerifiedItem is the whole way: incident, lesson, question, follow-up
// on two workloads, item, verified.
func TestFromAnIncidentToAVerifiedItem(t *testing.T) {
	w := newWreck(t, false)
	_, cleo := w.person("Cleo Marsh", identity.InviteInput{Roles: []identity.OrgRole{identity.Curator}})
	path := w.tells()
	w.asha.post(path+"/close", "version", "1").leadsTo(path)
	w.vera.get(path+"/lessons/new").is(http.StatusOK).says("Propose a lesson", "Would have prevented it")
	w.vera.post(path+"/lessons", "title", "kept title", "kind", "question").is(http.StatusUnprocessableEntity).says("Say which failure it prevents.", "Name at least one practice")
	w.vera.post(path+"/lessons", "practice_0", "We look.", "kind", "question").is(http.StatusUnprocessableEntity).says("Choose what this practice would have done.")
	lesson := w.vera.post(path+"/lessons", taught()...).is(http.StatusSeeOther).Header.Get("Location")
	w.mika.get(lesson).is(http.StatusOK).says("To judge", "A curator judges this lesson.", "How do you avoid harm", "Would have shortened it.").hides(`action="` + lesson + `/accept"`)
	w.mika.post(lesson+"/accept", "version", "1").is(http.StatusForbidden)
	w.mika.get(lesson + "/edit").is(http.StatusForbidden)
	w.vera.post(lesson+"/edit", taught("version", "1", "why", "Updates come daily.")...).leadsTo(lesson)
	w.vera.post(lesson+"/edit", taught("version", "1")...).is(http.StatusConflict).says("Not saved.")
	w.asha.get(path).says("Look for drift")

	cleo.get("/").says("Lessons to judge", "Look for drift", "Proposed by Vera").hides("Nothing waits for you")
	w.mika.get("/").hides("Lessons to judge")
	cleo.get("/lessons?state=proposed").is(http.StatusOK).says("Look for drift")
	cleo.get(lesson + "/today").is(http.StatusConflict)
	cleo.post(lesson+"/decline", "version", "2", "reason", "").is(http.StatusUnprocessableEntity).says("Say why")
	cleo.post(lesson+"/merge", "version", "2", "into", "x").is(http.StatusUnprocessableEntity)
	cleo.post(lesson+"/accept", "version", "2", "due_days", "many").is(http.StatusUnprocessableEntity).says("Write a number of days")
	cleo.post(lesson+"/accept", "version", "1").is(http.StatusConflict)
	cleo.post(lesson+"/accept", "version", "2", "due_days", "14").leadsTo(lesson)
	cleo.get(lesson+"/today").is(http.StatusOK).says("Who would fail this today", "Payments", "Cannot tell", "it was never answered")
	w.mika.get(lesson + "/today").is(http.StatusForbidden)
	cleo.get(lesson + "/today").says("Open the draft")
	page := cleo.get(lesson).is(http.StatusOK).says("Accepted, not published yet", "Open the draft")
	question := page.addressOf("/questionnaires/drafts/")
	draft, _, _ := strings.Cut(question, "/q/")
	page.says("Before it is asked", "with 14 days to answer")
	cleo.get("/").hides("Lessons to judge")
	cleo.get(draft).says("Publishing also asks 1 lesson of every workload concerned", "Look for drift")
	cleo.post(draft, "revision", "1", "act", "publish", "version", "1.0.0").is(http.StatusSeeOther)
	cleo.get(lesson).says("Published", "0 of 2", "Payments", "Asked in Lessons from incidents", "No high was found so far.").hides("Before it is asked")
	cleo.get("/questionnaires/lessons").is(http.StatusOK).says("How do you avoid harm", "Cautionary tale: Payments failed")

	w.vera.get("/").says("To answer: lessons", "Stock.")
	other := w.vera.get("/workloads/stock").says("Follow-ups", "Asked after incidents").addressOf("/follow-ups/")
	w.vera.post(other, "version", "1", "not_applicable", "1", "note", "It has no stack.").leadsTo(other)
	follow := w.asha.get("/").addressOf("/follow-ups/")
	w.vera.get(follow).is(http.StatusOK).says("Ledger has not answered yet.")
	w.vera.post(follow, "version", "1", "unknown", "1").is(http.StatusForbidden)
	w.asha.get(follow).is(http.StatusOK).says("We look for drift daily.", "one honest answer", "We do not know")
	w.asha.post(follow, "version", "1", "note", "kept note").is(http.StatusUnprocessableEntity).says("Tick what is true", "kept note")
	w.asha.post(follow, "version", "9", "unknown", "1").is(http.StatusConflict).says("Not saved.")
	w.asha.post(follow, "version", "1", "unknown", "1").leadsTo(follow)
	item := w.asha.get(follow).says("Answered: high", "See what is done about it").addressOf("/items/")
	w.asha.post(item, "version", "1", "state", "done", "owner", w.ashaID.String(), "due_on", "2026-12-20", "resolution", "It runs daily.").leadsTo(item)
	w.asha.post(item, "version", "2", "state", "verified", "owner", w.ashaID.String(), "due_on", "2026-12-20", "resolution", "It runs daily.").is(http.StatusForbidden)
	w.mika.post(item, "version", "2", "state", "verified", "owner", w.ashaID.String(), "due_on", "2026-12-20", "resolution", "It runs daily.").leadsTo(item)
	w.asha.get(lesson).says("2 of 2", "1 high was found, 1 of them mended and verified.", "A high was found, mended and verified.")
	w.asha.get("/lessons/year").is(http.StatusOK).says("Lessons of the last year", "Look for drift")
	w.asha.get("/").hides("To answer: lessons")
}

// TestNoLessonIsTooOldToBeSeen names a lesson before its set is published, and offers it to be merged
// into, behind more newer ones than a page holds.
func TestNoLessonIsTooOldToBeSeen(t *testing.T) {
	w := newWreck(t, false)
	_, cleo := w.person("Cleo Marsh", identity.InviteInput{Roles: []identity.OrgRole{identity.Curator}})
	path := w.tells()
	w.asha.post(path+"/close", "version", "1").leadsTo(path)
	old := w.vera.post(path+"/lessons", taught()...).is(http.StatusSeeOther).Header.Get("Location")
	other := w.vera.post(path+"/lessons", taught()...).is(http.StatusSeeOther).Header.Get("Location")
	cleo.post(old+"/accept", "version", "1", "due_days", "14").leadsTo(old)
	const copies = `
		insert into lessons select (jsonb_populate_record(l, jsonb_build_object('id', 'ffffffff-0000-4000-8000-' || lpad(n::text, 12, '0'), 'title', 'Copy ' || n))).*
		from lessons l, generate_series(1, 120) n where l.id = $1`
	if _, err := w.DB.Exec(t.Context(), copies, strings.TrimPrefix(old, "/lessons/")); err != nil {
		t.Fatal(err)
	}
	draft, _, _ := strings.Cut(cleo.get(old).addressOf("/questionnaires/drafts/"), "/q/")
	cleo.get(draft).says("Publishing also asks 1 lesson of every workload concerned", "Look for drift").hides("Copy 1")
	cleo.get(other).holds(`<option value="` + strings.TrimPrefix(old, "/lessons/") + `"`)
	cleo.post(draft, "revision", "1", "act", "publish", "version", "1.0.0").is(http.StatusSeeOther)
	cleo.get(old).says("Published")
}

// TestALessonIsReadByEveryone says so before it is proposed and before it is accepted, where not
// everyone may read its incident, and leads only those there who may.
func TestALessonIsReadByEveryone(t *testing.T) {
	w := newWreck(t, true)
	_, cleo := w.person("Cleo Marsh", identity.InviteInput{Roles: []identity.OrgRole{identity.Curator}})
	path := w.tells()
	const warned = "Everyone will read this lesson."
	w.asha.get(path+"/lessons/new").is(http.StatusOK).says(warned, "touched a restricted workload")
	w.asha.post(path+"/lessons", "title", "x").is(http.StatusUnprocessableEntity).says(warned)
	w.asha.post(path+"/close", "version", "1").leadsTo(path)
	w.asha.get(path + "/lessons/new").says(warned) // closed, and restricted still
	lesson := w.asha.post(path+"/lessons", taught()...).is(http.StatusSeeOther).Header.Get("Location")
	w.asha.get(lesson + "/edit").says(warned)
	w.vera.get(lesson).is(http.StatusNotFound)
	cleo.get(lesson).is(http.StatusOK).says(warned, "stays hidden").hides(path)
	cleo.post(lesson+"/accept", "version", "1").leadsTo(lesson)
	w.vera.get(lesson).is(http.StatusOK).says("Look for drift").hides(path, "Payments failed", warned)
	w.asha.get(lesson).is(http.StatusOK).says("Payments failed for 40 minutes")

	open := newWreck(t, false)
	path = open.tells()
	open.asha.get(path + "/lessons/new").says(warned) // a draft
	open.asha.post(path+"/close", "version", "1").leadsTo(path)
	open.asha.get(path + "/lessons/new").hides(warned)
}

func TestBadInputOfLessonsIsNoFailure(t *testing.T) {
	w := newWreck(t, false)
	path := w.tells()
	lesson := w.asha.post(path+"/lessons", taught()...).is(http.StatusSeeOther).Header.Get("Location")
	_, cleo := w.person("Cleo Marsh", identity.InviteInput{Roles: []identity.OrgRole{identity.Curator}})
	for _, bad := range []string{"\x00", "\xff", strings.Repeat("x", 5000)} {
		for _, name := range []string{"title", "failure", "kind", "question", "proposal", "why", "max_risk", "prompts", "tier", "tags", "concerns_set", "practice_0", "url_0", "effect_0"} {
			if a := w.asha.post(lesson+"/edit", append([]string{name, bad}, taught("version", "1")...)...); a.Status >= 500 {
				t.Errorf("%s as %.10q: %d", name, bad, a.Status)
			}
		}
		for act, name := range map[string]string{"accept": "set", "merge": "into", "decline": "version"} {
			if a := cleo.post(lesson+"/"+act, name, bad, "version", "99"); a.Status >= 500 {
				t.Errorf("%s %s as %.10q: %d", act, name, bad, a.Status)
			}
		}
	}
	for _, address := range []string{"/lessons?state=%00", "/lessons?after=x", "/lessons/x", "/follow-ups/x", "/incidents/x/lessons/new"} {
		if a := cleo.get(address); a.Status >= 500 {
			t.Errorf("%s: %d", address, a.Status)
		}
	}
}
