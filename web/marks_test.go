package web_test

import (
	"net/http"
	"strings"
	"testing"

	"orrery/internal/identity"
)

func TestReadersMarkQuestions(t *testing.T) {
	s := newSite(t)
	s.publishFiles(map[string]string{"greek.yaml": greek("1.0.0", "Is alpha done?", beta)})
	cara := newCurator(s)
	_, vera := s.person("Vera Lind", identity.InviteInput{})
	const form = "/questionnaires/greek/q/alpha/mark"

	vera.get("/questionnaires/greek").says("Unclear or not useful?").hides("Marks of readers", "open mark")
	vera.get(form+"?version=1.0.0").is(http.StatusOK).says("Mark a question", "Is alpha done?").hides("Take your mark away")
	vera.post(form, "marked_version", "1.0.0", "kind", "", "note", "Which alpha?").is(http.StatusUnprocessableEntity).says("Choose what it is.")
	long := vera.post(form, "marked_version", "1.0.0", "kind", "unclear", "note", strings.Repeat("x", 501)).is(http.StatusUnprocessableEntity).says("This has 501 characters; at most 500 are allowed.")
	if long.value("note") != strings.Repeat("x", 501) {
		t.Error("what was typed is forgotten")
	}
	done := vera.post(form, "marked_version", "1.0.0", "kind", "unclear", "note", "Which <alpha>?").leadsTo("/questionnaires/greek?version=1.0.0#q-alpha")
	vera.follow(done).says("The question is marked as unclear. Curators see it.", "You marked it as unclear.")
	again := vera.get(form).is(http.StatusOK).says("Take your mark away")
	if again.value("note") != "Which <alpha>?" {
		t.Errorf("note %q", again.value("note"))
	}
	vera.post(form, "kind", "not_useful", "note", "Nobody has one.", "back", "https://example.org/").leadsTo("/")
	vera.get("/questionnaires/greek/q/none/mark").is(http.StatusNotFound)
	vera.post("/questionnaires/greek/q/none/mark", "kind", "unclear").is(http.StatusNotFound)
	vera.post("/questionnaires/none/q/alpha/mark", "kind", "unclear").is(http.StatusNotFound)
	s.visitor().post(form, "kind", "unclear").is(http.StatusUnauthorized)

	cara.get("/questionnaires/greek").says("1 not useful", "1 open mark", "Marked: 1 not useful")
	list := cara.get("/questionnaires/greek/marks").is(http.StatusOK).says("Nobody has one.", "not useful · Vera Lind", "on version 1.0.0", "By question").hides("Which <alpha>?")
	cara.get("/questionnaires/greek/marks?question=beta").says("No open mark")
	cara.get("/questionnaires/greek/marks?before=x").is(http.StatusUnprocessableEntity)
	id := list.value("mark")
	cara.post("/questionnaires/greek/marks", "mark", id, "note", "").is(http.StatusUnprocessableEntity).says("Say what came of it.")
	kept := cara.post("/questionnaires/greek/marks", "note", "Reworded.").is(http.StatusUnprocessableEntity).says("Tick what is settled.")
	if kept.value("note") != "Reworded." {
		t.Error("the note is forgotten")
	}
	cara.post("/questionnaires/greek/marks", "mark", "x", "note", "Reworded.").is(http.StatusUnprocessableEntity)
	cara.follow(cara.post("/questionnaires/greek/marks", "mark", id, "note", "Reworded in 1.1.0.").leadsTo("/questionnaires/greek/marks")).says("1 mark is settled.", "No open mark")
	cara.post("/questionnaires/greek/marks", "mark", id, "note", "Twice.").is(http.StatusConflict).says("Not settled.", "settled in the meantime")
	cara.get("/questionnaires/greek/marks?settled=1").says("Settled by Cara Quist", "Reworded in 1.1.0.")
	vera.post(form, "kind", "unclear", "act", "unmark").is(http.StatusConflict).says("You have no open mark on this question.")
	s.onlyCurators("/questionnaires/greek/marks", "mark", id, "note", "Mine.")
}

// TestMarksOfAReviewSayNothingOfIt marks a question from a restricted review, and looks for
// the workload in everything a curator gets and in what is stored.
func TestMarksOfAReviewSayNothingOfIt(t *testing.T) {
	s := newReviewed(t, true)
	cara, asha, review := newCurator(s.site), s.asha, s.path
	home := asha.get(review).is(http.StatusOK)
	_, rest, _ := strings.Cut(home.Body, `href="`+review+`/q/`)
	path, _, _ := strings.Cut(rest, `"`)
	set, question, _ := strings.Cut(path, "/")
	page := asha.get(review + "/q/" + path).is(http.StatusOK).says("Unclear or not useful?")
	if page.value("back") != review+"/q/"+path {
		t.Errorf("leads back to %s", page.value("back"))
	}
	form := "/questionnaires/" + set + "/q/" + question + "/mark"
	asha.follow(asha.post(form, "marked_version", page.value("marked_version"), "back", page.value("back"), "kind", "unclear", "note", "Which?").leadsTo(review + "/q/" + path)).
		says("The question is marked as unclear. Curators see it.")
	asha.post(form, "marked_version", page.value("marked_version"), "back", page.value("back"), "kind", "").is(http.StatusUnprocessableEntity).says("Choose what it is.")
	cara.get("/questionnaires/"+set+"/marks").is(http.StatusOK).says("Which?", "Asha Rao").hides("/workloads/payments", review)
	cara.get("/questionnaires/"+set).hides("/workloads/payments", review)
	if n := s.count(`select count(*) from question_marks m where m::text like '%' || $1 || '%'`, strings.TrimPrefix(review, "/reviews/")); n != 0 {
		t.Error("the mark knows its review")
	}
}
