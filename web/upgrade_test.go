package web_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"orrery/internal/identity"
	"orrery/internal/review"
)

const drills = `key: drills
name: Drills
version: VERSION
minutes: 10
sections:
  - id: drills
    name: Drills
    questions:
      - id: restore
        title: TITLE
        phase: launch
        max_risk: high
        why: A backup is a hope.
        choices:
          - {id: tried, title: We restored one this quarter., weight: core, first_step: {text: Book an afternoon.}}
          - {id: timed, title: We wrote down how long it took., weight: extra, first_step: {text: Read the log.}}
`

func (s *site) drills(version, title string) {
	s.Helper()
	s.Clock.pass(time.Second)
	source := strings.NewReplacer("VERSION", version, "TITLE", title).Replace(drills)
	if _, err := s.Library.LoadShipped(s.Context(), fstest.MapFS{"drills.yaml": {Data: []byte(source)}}); err != nil {
		s.Fatal(err)
	}
}

// versionsOf are the values of the boxes that choose what to upgrade.
func versionsOf(a answer) (list []string) {
	for _, part := range strings.Split(a.Body, `name="versions" value="`)[1:] {
		value, _, _ := strings.Cut(part, `"`)
		list = append(list, value)
	}
	return list
}

func TestUpgradeFromThePage(t *testing.T) {
	r := newReviewed(t, false)
	r.drills("1.0.0", "Can you restore the data?")
	r.asha.get("/workloads/payments/reviews/new").says("Ask more", "Drills", "1 question, about 10 minutes", "In all: 15 questions")
	r.asha.get("/workloads/payments/reviews/new?type=new-service&set=drills").says("In all: 16 questions")
	r.asha.get("/workloads/payments/reviews/total?type=new-service&set=drills&set=orr").is(http.StatusOK).says("In all: 16 questions")
	r.asha.get("/workloads/payments/reviews/total?type=nope").is(http.StatusNotFound)
	r.asha.post("/workloads/payments/reviews", "type", "new-service", "change_key", "CHG-1", "change_title", "x", "set", "nope").
		is(http.StatusUnprocessableEntity).says("There is no published set")
	path := r.asha.post("/workloads/payments/reviews", "type", "new-service", "change_key", "CHG-1", "change_title", "x", "set", "drills", "target_on", "2026-12-24").
		is(http.StatusSeeOther).Header.Get("Location")
	question := path + "/q/drills/restore"
	r.asha.post(question, "version", "0", "choice", "tried", "na_timed", "It takes a second.", "notes", "The *log* is in the wiki.").leadsTo(question)
	r.asha.get(path).says("Target 24 Dec 2026").hides("Newer questions are published")
	r.asha.get(path + "/upgrade").is(http.StatusOK).says("Nothing to upgrade")

	r.drills("1.1.0", "Can you restore the data in time?")
	r.asha.get(path).says("Newer questions are published", "Drills: this review asks 1.0.0, 1.1.0 is published.")
	page := r.asha.get(path + "/upgrade").is(http.StatusOK)
	page.says("Drills: 1.0.0 to 1.1.0, minor", "To be confirmed: 1", "before: Can you restore the data?", "Notes then: The log is in the wiki.", "Because: It takes a second.")
	versions := versionsOf(page)
	if len(versions) != 1 {
		t.Fatalf("%d sets can be chosen", len(versions))
	}
	form := []string{"seen", page.value("seen"), "versions", versions[0]}
	r.vera.get(path + "/upgrade").says("Only a member of Ledger may upgrade this review.").hides("Accept the upgrade")
	r.vera.post(path+"/upgrade", form...).is(http.StatusForbidden)
	r.asha.post(path+"/upgrade", "seen", page.value("seen")).is(http.StatusUnprocessableEntity).says("Choose at least one set to upgrade.")
	r.asha.post(path+"/upgrade", "seen", page.value("seen"), "versions", "x").is(http.StatusUnprocessableEntity)
	r.mika.post(question, "version", "1", "choice", "tried", "na_timed", "It takes a second.", "notes", "The *log* is in the wiki, page 2.").leadsTo(question)
	stale := r.asha.post(path+"/upgrade", form...).is(http.StatusConflict).says("Somebody saved an answer", "page 2")
	done := r.asha.post(path+"/upgrade", "seen", stale.value("seen"), "versions", versions[0]).leadsTo(path)
	r.asha.follow(done).says("The review is upgraded.", "Round 2", "To confirm", "0 of 16 questions answered, 1 to confirm", "15 unanswered, 1 to be confirmed.")
	r.asha.get(path+"/record").says("Superseded by an upgrade, frozen", "To Drills 1.1.0 by Asha Rao on 21 Nov 2026")
	r.asha.get(path + "/record.json?round=1").is(http.StatusOK)
	r.asha.get(path + "/report.pdf?round=1").is(http.StatusOK)
	r.confirms(path, question)
}

// confirms takes what was left behind over, and confirms.
func (r *reviewed) confirms(path, question string) {
	r.Helper()
	before := r.mika.get(question).is(http.StatusOK)
	before.says("Before", "Answered by Mika Laine on 21 November 2026 for Drills 1.0.0.", "Confirm and", "To be confirmed", "page 2")
	if strings.Contains(before.Body, `value="It takes a second."`) {
		r.Error("a not-applicable mark was carried into the form unseen")
	}
	late := r.asha.post(question, "version", "1", "round", "1", "choice", "timed", "notes", "Late words.")
	late.is(http.StatusConflict).says("gone on to round 2", "Late words.", "Can you restore the data in time?")
	taken := r.mika.post(question+"/before", "version", "0", "round", "2", "choice", "tried", "notes", "My words.").is(http.StatusOK)
	taken.says("My words. The *log* is in the wiki, page 2.", "To be confirmed")
	if !strings.Contains(taken.Body, `value="It takes a second."`) || taken.value("version") != "0" {
		r.Error("taking over does not fill the form")
	}
	if n := r.count(`select count(*) from answers where to_confirm`); n != 1 {
		r.Errorf("%d answers wait after the form was filled, want 1", n)
	}
	r.vera.post(path+"/confirm", "round", "2", "set", "drills", "section", "drills").is(http.StatusForbidden)
	r.asha.post(path+"/confirm", "round", "2", "set", "drills", "section", "drills").is(http.StatusConflict).says("can be confirmed at once")
	r.asha.get(path + "/check").says("is to be confirmed.")
	r.asha.get("/").says("1 answer of before to confirm, 15 of 16 questions unanswered.")
	r.mika.post(question, "version", "0", "round", "2", "choice", "tried").leadsTo(question)
	r.mika.get(question).says("Saved at 12:00 by Mika Laine", "Before").hides("Confirm and")
	r.asha.post(path+"/plan", "version", "0", "target_on", "soon").is(http.StatusUnprocessableEntity).says("Write the date as year-month-day")
	r.asha.post(path+"/plan", "version", "0", "meeting_on", "2026-12-20", "attendees", "Asha and Noor").leadsTo(path)
	r.mika.post(path+"/plan", "version", "0", "attendees", "Mika").is(http.StatusConflict).says("Somebody changed the plan", "Mika")
	r.vera.post(path+"/plan", "version", "1", "attendees", "Vera").is(http.StatusForbidden)
	r.vera.get(path).says("The meeting is on 20 Dec 2026.", "Asha and Noor").hides("Save the plan")
}

func TestStartCarriesOver(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(true)
	r.asha.post(r.path + "/submit").leadsTo(r.path)
	page := r.noor.get(r.path + "/decide")
	r.noor.post(r.path+"/decision", "content", page.value("content"), "seen", page.value("seen"), "outcome", "no_go", "reason", "x").leadsTo(r.path + "/record")
	start := r.asha.get("/workloads/payments/reviews/new").says("Carry over what was answered before, to be confirmed: 15 answers, the newest of 21 November 2026", "begin with earlier answers")
	if !strings.Contains(start.Body, `name="carry_over" value="1" checked`) {
		t.Error("carrying over is not ticked")
	}
	fields := []string{"type", "new-service", "change_key", "CHG-1", "change_title", "x", "earlier", "1"}
	bare := r.asha.post("/workloads/payments/reviews", fields...).is(http.StatusSeeOther)
	r.asha.follow(bare).says("0 of 15 questions answered. Any order")
	fields[3] = "CHG-2"
	carried := r.asha.post("/workloads/payments/reviews", append(fields, "carry_over", "1")...).is(http.StatusSeeOther)
	home := r.asha.follow(carried).says("0 of 15 questions answered, 15 to confirm", "Confirm all", "Each is to be confirmed.")
	path := carried.Header.Get("Location")
	section := home.value("section")
	r.asha.follow(r.asha.post(path+"/confirm", "round", "1", "set", "orr", "section", section).leadsTo(path)).says("confirmed. You are", "of 15 questions answered")
	r.asha.post("/workloads/payments/reviews", "type", "major-change").is(http.StatusUnprocessableEntity).says("reviews a change")
}

func TestReviewTypesPage(t *testing.T) {
	r := newReviewed(t, false)
	r.drills("1.0.0", "Can you restore the data?")
	cara := newCurator(r.site)
	r.vera.get("/review-types").is(http.StatusOK).says("New service", "After an incident", "36 / 36 / 15", "2 / 1 / 1", "enforces", "opens no gate")
	r.vera.get("/review-types/annual").is(http.StatusOK).says("Only a curator may change a review type.").hides("Save the type")
	r.vera.get("/review-types/nope").is(http.StatusNotFound)
	r.vera.post("/review-types/annual", "name", "x").is(http.StatusForbidden)
	r.vera.post("/review-types/annual/lint", "name", "x").is(http.StatusForbidden)
	page := cara.get("/review-types/annual").is(http.StatusOK).says("Save the type", "Nothing to mend.", "36 required questions")
	form := func(more ...string) []string {
		return append([]string{
			"version", page.value("version"), "name", "Yearly review", "description", "Once a year.", "gate_mode", "advise", "valid_days", "400",
			"signoffs_1", "2", "signoffs_2", "1", "signoffs_3", "1", "gates_launch", "1", "core_tiers", "3", "place_orr", "2",
		}, more...)
	}
	cara.post("/review-types/annual/lint", form("place_drills", "1", "place_serverless", "3")...).is(http.StatusOK).says("46 required questions: more than 40")
	cara.post("/review-types/annual/check", form("place_nope", "1")...).is(http.StatusOK).says(`There is no published set "nope".`, "Save the type")
	refused := cara.post("/review-types/annual", form("place_nope", "1", "signoffs_1", "9")...)
	refused.is(http.StatusUnprocessableEntity).says("There is no published set")
	wrong := form()
	wrong[11] = "many"
	cara.post("/review-types/annual", wrong...).is(http.StatusUnprocessableEntity).says("Write a number from 0 to 5.", "Once a year.")
	cara.follow(cara.post("/review-types/annual", form("place_drills", "1")...).leadsTo("/review-types/annual")).says("Yearly review", "37 required questions")
	cara.post("/review-types/annual", form()...).is(http.StatusConflict).says("Somebody changed this type", "Once a year.")
	r.vera.get("/review-types").says("Drills, Operational Readiness Review")
	kept, err := r.Reviews.Type(t.Context(), "annual")
	if err != nil || kept.Questionnaires[0] != "drills" || kept.ValidDays != 400 || kept.GateMode != review.Advise {
		t.Errorf("kept %+v, %v", kept, err)
	}
	cara.post("/review-types/peak-event", "version", "1", "name", "Peak", "description", "x", "gate_mode", "advise", "valid_days", "60", "signoffs_1", "1", "signoffs_2", "1", "signoffs_3", "1", "place_peak-event", "1", "retired", "1").
		leadsTo("/review-types/peak-event")
	r.asha.get("/workloads/payments/reviews/new").says("Yearly review").hides(`value="peak-event" name="type"`, "Eight weeks and one week")
}

func TestInheritFromThePage(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(true)
	r.asha.post(r.path + "/submit").leadsTo(r.path)
	page := r.noor.get(r.path + "/decide")
	r.noor.post(r.path+"/sign-off", "content", page.value("content"), "voice", "agree").is(http.StatusSeeOther)
	page = r.noor.get(r.path + "/decide")
	r.noor.post(r.path+"/decision", "content", page.value("content"), "seen", page.value("seen"), "outcome", "go").leadsTo(r.path + "/record")
	r.asha.get(r.path).says("next review due by 22 Oct 2027")
	shop := r.team("shop", "Shop")
	_, lin := r.person("Lin Ode", identity.InviteInput{Teams: []identity.Membership{{TeamID: shop.ID, Role: identity.Member}}})
	r.workload("web-shop", "Web shop", "shop", false)
	lin.get("/workloads/web-shop/reviews/new").says("Ledger: Payments, New service, 21 November 2026").hides("carry_over")
	lin.post("/workloads/web-shop/reviews", "type", "new-service", "inherit_from", "x").is(http.StatusUnprocessableEntity).says("Choose a decided review from the list.")
	id := strings.TrimPrefix(r.path, "/reviews/")
	made := lin.post("/workloads/web-shop/reviews", "type", "new-service", "inherit_from", id).is(http.StatusSeeOther)
	lin.follow(made).says("15 to confirm")
	lin.get(made.Header.Get("Location") + "/q/" + r.sheet.Entries()[0].Key()).says("from Ledger: Payments.")
}
