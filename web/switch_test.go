package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
)

// TestQuestionSwitchedOff follows a shipped question out of new reviews and back.
func TestQuestionSwitchedOff(t *testing.T) {
	r := newReviewed(t, false) // its clock stands at 21 November 2026
	cara := newCurator(r.site)
	e := r.sheet.Entries()[0]
	id, title := e.Question.ID, e.Question.Title
	form := "/questionnaires/orr/q/" + id + "/off"
	cara.get("/questionnaires/orr").is(http.StatusOK).says("Switch this question off: " + title)
	cara.get(form).is(http.StatusOK).says(title, "Running reviews ask it still.")
	bad := cara.post(form, "reason", "", "review_on", "2026-11-21").is(http.StatusUnprocessableEntity)
	bad.says("Say why nobody should be asked this.", "Choose a day after today and within a year")
	cara.post(form, "reason", "x", "review_on", "2027-11-23").is(http.StatusUnprocessableEntity)
	cara.post(form, "reason", "x", "review_on", "soon").is(http.StatusUnprocessableEntity)
	cara.post(form, "reason", strings.Repeat("x", 2001), "review_on", "2026-12-01").is(http.StatusUnprocessableEntity)
	cara.post("/questionnaires/orr/q/none/off", "reason", "x", "review_on", "2026-12-01").is(http.StatusNotFound)
	cara.post("/questionnaires/none/q/"+id+"/off", "reason", "x", "review_on", "2026-12-01").is(http.StatusNotFound)

	done := cara.post(form, "reason", "Our platform team answers this once for all.", "review_on", "2026-12-01").leadsTo("/questionnaires/orr")
	cara.follow(done).says("The question is switched off.", "Switched off 1")
	cara.post(form, "reason", "again", "review_on", "2026-12-02").is(http.StatusConflict).says("This question is switched off already.")
	cara.get(form).says("Since 21 Nov 2026 by Cara Quist. It is asked again from 1 Dec 2026.", "Switch it on now")
	r.vera.get("/questionnaires/orr").is(http.StatusOK).says("Switched off by Cara Quist until 1 Dec 2026.", "Our platform team answers this once for all.").hides("Switch this question off", "Switch it on")

	// The running review asks it, a new one does not.
	r.read()
	if len(r.sheet.Entries()) != 15 {
		t.Errorf("the running review asks %d questions", len(r.sheet.Entries()))
	}
	asha, curator := r.asha.actor(), cara.actor() // sessions end before the day of review
	questions := func(key string) int {
		t.Helper()
		one, err := r.Reviews.Start(t.Context(), asha, r.workload(key, key, "ledger", false).ID, review.StartInput{Type: "new-service"})
		if err != nil {
			t.Fatal(err)
		}
		return r.count(`select count(*) from answers a join rounds d on d.id = a.round_id where d.review_id = $1`, one.ID)
	}
	plan, err := r.Reviews.PlanFor(t.Context(), r.workload("planned", "planned", "ledger", false), review.Type{Questionnaires: []string{"orr"}, CoreTiers: []int{2}, Signoffs: []int{1, 1, 1}}, nil, nil)
	if err != nil || plan.Questions != 14 {
		t.Errorf("the plan says %d questions, %v", plan.Questions, err)
	}
	if n := questions("during"); n != 14 {
		t.Errorf("a review asks %d questions while one is off", n)
	}
	r.Clock.pass(10 * 24 * time.Hour) // the day of review
	if n := questions("later"); n != 15 {
		t.Errorf("a review asks %d questions from the day of review", n)
	}
	if err := r.Library.SwitchOff(t.Context(), curator, "orr", id, "Still so.", "2027-01-15"); err != nil {
		t.Fatal(err)
	}
	if n := questions("anew"); n != 14 {
		t.Errorf("a review asks %d questions when it is off anew", n)
	}
	if err := r.Library.SwitchOn(t.Context(), curator, "orr", id); err != nil {
		t.Fatal(err)
	}
	if err := r.Library.SwitchOn(t.Context(), curator, "orr", id); !fault.Is(err, fault.Conflict) {
		t.Errorf("switched on twice: %v", err)
	}
	if n := questions("after"); n != 15 {
		t.Errorf("a review asks %d questions after it was switched on", n)
	}
	if n := r.count(`select count(*) from audit_records where convert_from(body, 'UTF8') like '%question.switched_%'`); n != 3 {
		t.Errorf("%d records", n)
	}
}

func TestQuestionSwitchIsForCuratorsAndShippedSets(t *testing.T) {
	s := newSite(t)
	s.publish()
	cara := newCurator(s)
	_, vera := s.person("Vera Lind", identity.InviteInput{Roles: []identity.OrgRole{identity.Auditor}})
	form := "/questionnaires/orr/q/failure_modes/"
	for name, who := range map[string]*browser{"an admin": s.Ada, "an auditor": vera} {
		who.get(form + "off").is(http.StatusForbidden)
		who.post(form+"off", "reason", "x", "review_on", "2026-12-01").is(http.StatusForbidden).says("Only a curator")
		if a := who.post(form + "on"); a.Status != http.StatusForbidden {
			t.Errorf("%s switches on: %d", name, a.Status)
		}
	}
	s.visitor().post(form+"off", "reason", "x", "review_on", "2026-12-01").is(http.StatusUnauthorized)
	look := cara.send("/questionnaires/import", "greek.yaml", greek("1.0.0", "Is alpha done?", ""))
	cara.send("/questionnaires/import", "", "", publishForm(look)...).is(http.StatusSeeOther)
	cara.get("/questionnaires/greek").hides("Switch this question off")
	cara.post("/questionnaires/greek/q/alpha/off", "reason", "x", "review_on", "2026-12-01").is(http.StatusUnprocessableEntity).says("This set is your organisation's own.")
	if n := s.count(`select count(*) from switched_off_questions`); n != 0 {
		t.Errorf("%d are off", n)
	}
}

// TestSwitchPagesLookRight opens the form and the page of a set with a question that is off.
func TestQuestionSwitchLooksRight(t *testing.T) {
	s := newSite(t)
	s.publishFiles(map[string]string{"greek.yaml": greek("1.0.0", "Is alpha done?", "")})
	cara := newCurator(s)
	e := s.look(cara)
	e.open("/questionnaires/greek/q/alpha/off")
	e.judge("switch")
	cara.post("/questionnaires/greek/q/alpha/off", "reason", "Our platform team answers this once for all.", "review_on", "2026-12-01").is(http.StatusSeeOther)
	e.open("/questionnaires/greek/q/alpha/off")
	e.judge("switch-off")
	e.open("/questionnaires/greek?unfold=1")
	e.judge("set-off")
	cara.post("/questionnaires/greek/q/alpha/on").leadsTo("/questionnaires/greek")
	cara.get("/questionnaires/greek").hides("Switched off by")
}
