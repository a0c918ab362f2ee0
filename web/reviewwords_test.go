package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"orrery/internal/review"
)

// A question that does not apply has no ticks beside it: the form comes back with both.
func TestNotApplicableBesideTicksComesBack(t *testing.T) {
	r := newReviewed(t, false)
	e := r.sheet.Entries()[0]
	first := e.Question.Choices[0].ID
	refused := r.asha.post(r.sheet.QuestionPath(e), "version", "0", "choice", first, "not_applicable", "1", "reason", "It has no quota.", "notes", "typed words")
	refused.is(http.StatusUnprocessableEntity).says("A question that does not apply has no ticks beside it.", "typed words")
	if !strings.Contains(refused.Body, `value="`+first+`" checked`) || !strings.Contains(refused.Body, `name="not_applicable" value="1" checked`) || refused.value("reason") != "It has no quota." {
		t.Error("a refused answer does not keep what was typed and ticked")
	}
}

func TestPlanOfADayThatIsOverComesBack(t *testing.T) {
	r := newReviewed(t, false)
	refused := r.asha.post("/workloads/payments/reviews", "type", "new-service", "change_key", "CHG-1", "change_title", "kept words", "target_on", "2026-11-20", "meeting_on", "2026-11-19")
	refused.is(http.StatusUnprocessableEntity).says("This day is over.", "not before the day it was started, 21 November 2026")
	if refused.value("change_title") != "kept words" || refused.value("target_on") != "2026-11-20" {
		t.Error("a refused start does not keep what was typed")
	}
	r.asha.post(r.path+"/plan", "version", "0", "target_on", "2026-11-20", "attendees", "Asha and Noor").is(http.StatusUnprocessableEntity).says("This day is over.", "Asha and Noor")
	r.asha.post(r.path+"/plan", "version", "0", "meeting_on", "2026-11-21").leadsTo(r.path)
	r.Clock.pass(48 * time.Hour)
	r.noor.again("noor")
	r.noor.get(r.path).says("The meeting was on 21 Nov 2026.")
}

// The summary of a refused submission names the question of each error.
func TestRefusedSubmissionNamesTheQuestions(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(false)
	page := r.asha.post(r.path + "/submit").is(http.StatusUnprocessableEntity)
	summary, _, _ := strings.Cut(page.Body[strings.Index(page.Body, `id="problem"`):], "</ul>")
	seen := map[string]bool{}
	for _, line := range regexp.MustCompile(`<a [^>]*>([^<]*)</a>`).FindAllStringSubmatch(summary, -1) {
		if seen[line[1]] {
			t.Errorf("%q is said twice", line[1])
		}
		seen[line[1]] = true
	}
	if want := 2 * len(r.sheet.Highs()); len(seen) != want {
		t.Errorf("%d sentences, want %d", len(seen), want)
	}
	page.says(r.sheet.Highs()[0].Question.Title+" Choose who mends this.", r.sheet.Highs()[1].Question.Title+" Choose who mends this.")
}

// A form sent twice is refused the second time, and that page speaks of nothing else. What
// the first did is said on the next page.
func TestRefusedFormSaysNothingOfTheOneBefore(t *testing.T) {
	r := newReviewed(t, false)
	again := []string{"type", "new-service", "change_key", "CHG-1", "change_title", "x"}
	first := r.asha.post("/workloads/payments/reviews", again...).is(http.StatusSeeOther)
	r.asha.post("/workloads/payments/reviews", again...).is(http.StatusConflict).says("open already").hides("The review is started.")
	r.asha.follow(first).says("The review is started.")
	r.asha.get("/workloads/payments").hides("The review is started.")
}

func TestStartFitsTheWorkload(t *testing.T) {
	r := newReviewed(t, false)
	fits := func(key string) {
		t.Helper()
		if page := r.asha.get("/workloads/payments/reviews/new").is(http.StatusOK); !strings.Contains(page.Body, `id="type-`+key+`" name="type" value="`+key+`" checked`) {
			t.Errorf("%s is not chosen", key)
		}
	}
	fits("new-service") // live, and never decided
	r.answerAll(true)
	r.decide("go")
	fits("annual")
	if page := r.asha.get("/workloads/payments/reviews/new?type=peak-event"); !strings.Contains(page.Body, `value="peak-event" checked`) {
		t.Error("the type in the address is not taken")
	}
	if _, err := r.DB.Exec(t.Context(), `update workloads set stage = 'planned' where key = 'payments'`); err != nil {
		t.Fatal(err)
	}
	fits("new-service")
}

func TestRetiredWorkloadOffersNoReviewAndNoRecord(t *testing.T) {
	r := newReviewed(t, false)
	r.workload("old", "Old", "ledger", false)
	offers := []string{"/workloads/old/reviews/new", "Record a decision made before Orrery"}
	r.asha.get("/workloads/old").says("Record a decision made before Orrery", "Start a review")
	if _, err := r.DB.Exec(t.Context(), `update workloads set stage = 'retired' where key = 'old'`); err != nil {
		t.Fatal(err)
	}
	r.asha.get("/workloads/old").is(http.StatusOK).hides(offers...)
	r.asha.get("/workloads/old/reviews/new").is(http.StatusOK).says("This workload is retired. Bring it back to review it.").hides("Start the review")
	r.asha.get("/workloads/old/elsewhere").is(http.StatusOK).says("This workload is retired").hides("Record it")
	body, header := multipartForm(t, "", nil, "outcome", "go", "decided_on", "2026-10-01", "decided_by", "The board", "valid_until", "2027-01-01", "link", "https://example.org/minutes", "note", "kept")
	r.asha.ask(http.MethodPost, "/workloads/old/elsewhere", body, header).is(http.StatusConflict).says("what is retired launches no more")
}

func TestDecidePageShowsWhatIsMissing(t *testing.T) {
	r, e, _ := newHigh(t, false)
	if _, err := r.DB.Exec(t.Context(), `update workloads set launch_on = '2026-12-08' where key = 'payments'`); err != nil {
		t.Fatal(err)
	}
	r.asha.post(r.path+"/submit", review.FieldName("owner", e.Key()), r.asha.actor().PersonID.String(), review.FieldName("due_on", e.Key()), "2026-12-24").leadsTo(r.path)
	page := r.noor.get(r.path+"/decide").is(http.StatusOK).says("Not ticked: "+e.Question.Choices[0].Title, "Needed for a no-go, to ask for changes, and when you overrule an objection.", "Launch 8 Dec 2026")
	if strings.Contains(page.text(), "2026-12-08") {
		t.Error("a day stands in the form of files")
	}
	if other := r.sheet.Entries()[1]; strings.Contains(page.Body, other.Question.Title+"</a></div><div class=\"a\"><p>Not ticked") {
		t.Error("a whole answer misses something")
	}
}

// A reason stands with its label, a long one is folded, and no sentence ends after a blank.
func TestReasonsOfARecord(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(true)
	r.decide("go")
	long := "The drill was staged. " + strings.Repeat("It was not what it seemed. ", 60) + "The end."
	r.noor.get(r.path + "/record").says("Reason: because")
	r.Clock.pass(time.Minute)
	r.noor.post(r.path+"/revocation", "content", r.noor.get(r.path+"/record").value("content"), "reason", long).is(http.StatusSeeOther)
	for _, path := range []string{r.path, r.path + "/record"} {
		page := r.asha.get(path).is(http.StatusOK).says("Reason: because", "The drill was staged.", "The end.")
		if !regexp.MustCompile(`(?s)<details class="more"><summary>[^<]*: The drill was staged\.[^<]*…</summary>`).MatchString(page.Body) {
			t.Errorf("%s: the long reason is not folded", path)
		}
		if at := regexp.MustCompile(`[0-9] +[.,]( |$)`).FindString(page.text()); at != "" {
			t.Errorf("%s: a blank stands before a stop: %q", path, at)
		}
	}
	r.asha.get(r.path+"/record.json?round=2").is(http.StatusConflict).says("it has no JSON record", "PDF and CSV show a draft")
	r.asha.get(r.path + "/record.json?round=1").is(http.StatusOK).says(`"afterwards"`)
}

// Two numbers of highs stand on the page of a workload; each says what it counts.
func TestWorkloadSaysWhichHighsItCounts(t *testing.T) {
	r, e, _ := newHigh(t, false)
	id := strings.TrimPrefix(r.asks(e), "/acceptances/")
	r.noor.post("/acceptances/"+id+"/grant", "until", "2027-03-03").is(http.StatusSeeOther)
	second := r.sheet.Entries()[1]
	r.asha.post(r.sheet.QuestionPath(second), append(ticks(second, false)[2:], "version", "1")...).is(http.StatusSeeOther)
	r.read()
	r.asha.post(r.path+"/submit", review.FieldName("owner", second.Key()), r.asha.actor().PersonID.String(), review.FieldName("due_on", second.Key()), "2026-12-24").leadsTo(r.path)
	r.asha.get("/workloads/payments").is(http.StatusOK).says("2 High open 1 to mend, 1 accepted")
}

// An approver from outside the team changes the tier and nothing else: their form has no more,
// and what it does not have stays as it is.
func TestApproverFromOutsideChangesTheTierAlone(t *testing.T) {
	r := newReviewed(t, true)
	page := r.noor.get("/workloads/payments/edit").is(http.StatusOK).says("You approve this workload and are not in its team")
	page.hides(`name="restricted"`, `name="accounts"`, `name="name"`)
	r.asha.get("/workloads/payments/edit").is(http.StatusOK).hides("are not in its team")
	r.noor.post("/workloads/payments/edit", "version", page.value("version"), "tier", "3").leadsTo("/workloads/payments")
	w, err := r.Workloads.ByKey(t.Context(), r.asha.actor(), "payments")
	if err != nil || w.Tier != 3 || !w.Restricted || w.Name != "Payments" {
		t.Errorf("%+v, %v", w, err)
	}
	r.noor.post("/workloads/payments/edit", "version", page.value("version"), "tier", "2").is(http.StatusConflict).says(`Tier: stored is "3", yours is "2"`).hides("Restricted: stored")
	r.vera.get("/workloads/payments").is(http.StatusNotFound) // as it was
}
