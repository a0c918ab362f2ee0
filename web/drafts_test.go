package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"orrery/internal/identity"
)

// beginDraft makes a draft by form and returns its address.
func beginDraft(b *browser, fields ...string) string {
	b.Helper()
	return b.post("/questionnaires/drafts", fields...).is(http.StatusSeeOther).Header.Get("Location")
}

// backups is the form of a question with two choices.
func backups(revision string, more ...string) []string {
	return append([]string{
		"revision", revision, "section", "recovery", "title", "Can you restore the data?", "phase", "launch", "max_risk", "high", "why", "A backup is a hope.", "core_path", "1",
		"bring", "The list of stores\n\n The last report ",
		"id_0", "", "choice_0", "We back up every store.", "weight_0", "core", "step_0", "List the stores.",
		"id_1", "", "choice_1", "We restored one this quarter.", "weight_1", "extra", "step_1", "Book an afternoon.",
		"id_2", "", "choice_2", "", "weight_2", "core", "step_2", "",
	}, more...)
}

func TestQuestionnaireIsWrittenInTheBrowser(t *testing.T) {
	s := newSite(t)
	cara := newCurator(s)
	cara.get("/questionnaires").is(http.StatusOK).says("Write a set")
	refused := cara.post("/questionnaires/drafts", "key", "Own Set", "name", "Our set").is(http.StatusUnprocessableEntity)
	refused.says("There is a problem", "The key is 2 to 40 small letters")
	if refused.value("name") != "Our set" {
		t.Error("a refused form forgets what was typed")
	}
	path := beginDraft(cara, "key", "own", "name", "Our set")
	cara.get(path).is(http.StatusOK).says("Draft of Our set", "The draft is not complete yet.")
	cara.post(path, "revision", "1", "act", "publish", "version", "1.0.0").is(http.StatusUnprocessableEntity).says("The file is refused; nothing was written.")
	cara.post(path, "revision", "1", "act", "add-section", "section", "").is(http.StatusUnprocessableEntity).says("Give the section a name.")
	cara.post(path, "revision", "1", "act", "add-section", "section", "Recovery").leadsTo(path)

	form := cara.get(path+"/q/new?section=recovery").is(http.StatusOK).says("New question", "Statement 3")
	bad := cara.post(path+"/q/new", backups(form.value("revision"), "title", "")...)
	if bad.Status != http.StatusSeeOther {
		t.Errorf("the first title counts: %d", bad.Status)
	}
	saved := cara.follow(bad).says("The question is saved.", "Its id can_you_restore_the_data stays", "No warning",
		"No risk found All choices are ticked.", "1 of 3 selections", "back_up_every_store", "ticked Medium")
	cara.post(path+"/q/can_you_restore_the_data", "revision", saved.value("revision"), "section", "recovery", "title", "", "phase", "launch", "max_risk", "high").
		is(http.StatusUnprocessableEntity).says("Ask the question.")

	draft := cara.get(path).says("2 choices · core path · launch", "This becomes a new set of your organisation.")
	if draft.value("version") != "1.0.0" {
		t.Errorf("version %s", draft.value("version"))
	}
	cara.get("/questionnaires").says("Drafts", "own · 1 question · saved by Cara Quist")
	done := cara.post(path, "revision", draft.value("revision"), "act", "publish", "version", "1.0.0").leadsTo("/questionnaires/own")
	cara.follow(done).says("Version 1.0.0 of Our set is published.", "Can you restore the data?", "The list of stores", "The last report", "Origin your organisation", "Write the next version")
	cara.get(path).is(http.StatusNotFound)
	cara.get("/questionnaires").hides("Only curators see these.")
}

func TestDraftQuestionsAreEdited(t *testing.T) {
	s := newSite(t)
	s.publishFiles(map[string]string{"greek.yaml": greek("1.0.0", "Is alpha done?", beta)})
	cara := newCurator(s)
	cara.get("/questionnaires/greek").says("Copy into a set of your own")
	path := beginDraft(cara, "key", "own", "from", "greek")
	cara.get(path).is(http.StatusOK).says("Draft of Greek letters", "Is alpha done?", "Is omega the last?", "Is beta known?")

	// Order, removal, another section.
	cara.post(path, "revision", "1", "act", "up beta").leadsTo(path)
	page := cara.get(path)
	if strings.Index(page.Body, "Is beta known?") > strings.Index(page.Body, "Is omega the last?") {
		t.Error("beta did not move up")
	}
	cara.post(path, "revision", "2", "act", "remove omega").leadsTo(path)
	cara.get(path).hides("Is omega the last?")
	cara.post(path, "revision", "3", "act", "remove-section last").is(http.StatusUnprocessableEntity).says("A section with questions is not removed.")
	cara.post(path, "revision", "3", "act", "remove none").is(http.StatusNotFound)
	cara.post(path, "revision", "3", "act", "dance").is(http.StatusUnprocessableEntity)
	cara.post(path, "revision", "3", "act", "set", "name", "Letters", "minutes", "soon").is(http.StatusUnprocessableEntity).says("Say how many minutes answering takes")
	cara.post(path, "revision", "3", "act", "set", "name", "Letters", "minutes", "20").leadsTo(path)

	// A stale form is refused and keeps what was typed.
	form := cara.get(path + "/q/alpha").is(http.StatusOK)
	fields := []string{
		"section", "last", "title", "Is alpha whole?", "phase", "build", "max_risk", "high", "why", "Because.",
		"id_0", "done", "choice_0", "We finished alpha.", "weight_0", "core", "step_0", "Begin.", "id_1", "read", "choice_1", "We read it aloud.", "weight_1", "extra", "step_1", "Read.",
	}
	stale := cara.post(path+"/q/alpha", append([]string{"revision", "2"}, fields...)...).is(http.StatusConflict)
	stale.says("Not saved. Cara Quist saved this draft at")
	if stale.value("title") != "Is alpha whole?" || stale.value("revision") != form.value("revision") {
		t.Error("the conflict forgets what was typed, or which revision there is")
	}
	cara.post(path, "revision", "2", "act", "discard").is(http.StatusConflict)
	cara.post(path+"/q/alpha", append([]string{"revision", form.value("revision"), "act", "down 0"}, fields...)...).leadsTo(path + "/q/alpha")
	moved := cara.get(path + "/q/alpha")
	if moved.value("choice_0") != "We read it aloud." || moved.value("id_0") != "read" {
		t.Errorf("the first choice is %q", moved.value("choice_0"))
	}
	cara.post(path+"/q/alpha", append([]string{"revision", "5", "act", "done"}, fields...)...).leadsTo(path)
	cara.get(path + "/q/none").is(http.StatusNotFound)
	cara.post(path+"/q/none", append([]string{"revision", "6"}, fields...)...).is(http.StatusNotFound)

	// The check while writing saves nothing.
	live := cara.post(path+"/q/alpha/check", append([]string{"revision", "1", "rules", "none: done && nowhere\nhigh: default"}, fields...)...).is(http.StatusOK)
	live.says("Refuses publishing", "nowhere").hides("<html", "Truth table")
	cara.post(path+"/q/alpha/check", fields...).is(http.StatusOK).says("Truth table", "1 of 3 selections")
	if n := s.count(`select revision from questionnaire_drafts`); n != 6 {
		t.Errorf("revision %d", n)
	}
	cara.post(path, "revision", "6", "act", "discard").leadsTo("/questionnaires")
	if n := s.count(`select count(*) from questionnaire_drafts`); n != 0 {
		t.Errorf("%d drafts", n)
	}
}

func TestDraftsAreForCurators(t *testing.T) {
	s := newSite(t)
	cara := newCurator(s)
	path := beginDraft(cara, "key", "own", "name", "Our set")
	_, vera := s.person("Vera Lind", identity.InviteInput{Roles: []identity.OrgRole{identity.Auditor}})
	for name, who := range map[string]*browser{"an admin": s.Ada, "an auditor": vera} {
		t.Run(name, func(t *testing.T) {
			who.get("/questionnaires").is(http.StatusOK).hides("Our set", "Write a set")
			who.get("/questionnaires/drafts/new").is(http.StatusForbidden)
			who.post("/questionnaires/drafts", "key", "mine", "name", "Mine").is(http.StatusForbidden)
			who.get(path).is(http.StatusForbidden).hides("Our set")
			who.get(path + "/q/new").is(http.StatusForbidden)
			who.post(path+"/q/new", backups("1")...).is(http.StatusForbidden)
			who.post(path+"/q/new/check", backups("1")...).is(http.StatusForbidden)
			for _, act := range []string{"set", "add-section", "discard", "publish"} {
				who.post(path, "revision", "1", "act", act, "name", "x", "section", "x", "version", "1.0.0").is(http.StatusForbidden)
			}
		})
	}
	s.visitor().get(path).is(http.StatusSeeOther)
	cara.get("/questionnaires/drafts/nonsense").is(http.StatusNotFound)
	cara.post("/questionnaires/drafts", "key", "own", "name", "Twice").is(http.StatusConflict).says("The set own has a draft already.")
	if n := s.count(`select revision from questionnaire_drafts`); n != 1 {
		t.Errorf("revision %d", n)
	}
}

// TestAuthoringLooksRight opens the pages of authoring as Chromium shows them, and writes a
// question with the script at work.
func TestAuthoringLooksRight(t *testing.T) {
	s := newSite(t)
	s.publish()
	cara := newCurator(s)
	e := s.look(cara)
	e.open("/questionnaires/drafts/new")
	e.judge("draft-new")
	path := beginDraft(cara, "key", "own", "name", "Our set")
	e.open(path)
	e.judge("draft-empty")
	cara.post(path, "revision", "1", "act", "add-section", "section", "Recovery").leadsTo(path)
	e.open(path + "/q/new?section=recovery")
	e.judge("draft-question-new")
	eval[chromedp.Void](e, `(() => {
		const set = (name, value) => { const f = document.querySelector('[name="' + name + '"]'); f.value = value; f.dispatchEvent(new Event("change", {bubbles: true})) }
		set("title", "Can you restore the data?"); set("why", "A backup is a hope."); set("choice_0", "We back up every store."); set("step_0", "List them.");
		set("choice_1", "We restored one this quarter."); set("step_1", "Book an afternoon.");
	})()`)
	live := ""
	for range 50 {
		if live = eval[string](e, `document.querySelector("#preview").innerText`); strings.Contains(live, "3 selections") {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if !strings.Contains(live, "No warning") || !strings.Contains(live, "of 3 selections") {
		t.Errorf("the preview does not follow: %s", live)
	}
	cara.post(path+"/q/new", backups("2")...).is(http.StatusSeeOther)
	e.open(path + "/q/can_you_restore_the_data")
	_ = e.said() // the guard of the form that was left unsaved
	e.judge("draft-question")
	e.open(path)
	e.judge("draft")
	e.open("/questionnaires")
	e.judge("library-curator")
	copied := beginDraft(cara, "key", "copy", "from", "orr", "name", "Our launch review")
	e.open(copied)
	e.judge("draft-copy")
}
