package web_test

import (
	"net/http"
	"strings"
	"testing"

	"orrery/internal/review"
)

// Who has a question open in two windows is not told that somebody else wrote.
func TestOwnConflictIsToldAsOwn(t *testing.T) {
	r := newReviewed(t, false)
	e := r.sheet.Entries()[0]
	path, first, second := r.sheet.QuestionPath(e), e.Question.Choices[0].ID, e.Question.Choices[1].ID
	r.asha.post(path, "version", "0", "choice", first, "notes", "window one").is(http.StatusSeeOther)
	page := r.asha.post(path, "version", "0", "choice", second, "notes", "window two").is(http.StatusConflict)
	page.says("You saved this answer in another window", "Keep what is saved", "Replace it with mine", "Saved by you", "window one", "window two",
		"ticked by you", "not ticked by you", "Not saved: changed by you").hides("Keep theirs")
	if s := r.asha.autosave(path, "version", "0", "choice", second); s.status != http.StatusConflict || s.Words != "Changed by you in another window" {
		t.Errorf("saved by itself: %+v", s)
	}
	r.mika.post(path, "version", "0", "choice", second).is(http.StatusConflict).says("Asha Rao saved this answer while you were writing", "Keep theirs").hides("another window")
}

// The form of a start says before its fields, not after them, that the reader may not send it.
func TestStartSaysFirstWhoMay(t *testing.T) {
	r := newReviewed(t, false)
	page := r.vera.get("/workloads/payments/reviews/new").is(http.StatusOK).text()
	said, field := strings.Index(page, "Only a member of Ledger may start a review. You can read here what each occasion asks."), strings.Index(page, "The occasion")
	if said < 0 || field < said {
		t.Errorf("it is said at %d, the fields begin at %d", said, field)
	}
	r.asha.get("/workloads/payments/reviews/new").is(http.StatusOK).hides("You can read here")
}

// What is not answered is answered, not changed; none of a risk is no alarm.
func TestCheckAndReadoutSayWhatThereIs(t *testing.T) {
	r := newReviewed(t, false)
	r.asha.get(r.path + "/check").is(http.StatusOK).says("Answer" + "the question: " + r.sheet.Entries()[0].Question.Title).hides("Change" + "the answer to")
	r.answerAll(true)
	e := r.sheet.Entries()[0]
	noted := append(ticks(e, true), "notes", "The drill\nof **May** "+strings.Repeat("x", 200))
	noted[1] = "1" // the version
	r.asha.post(r.sheet.QuestionPath(e), noted...).is(http.StatusSeeOther)
	r.asha.get(r.path+"/check").is(http.StatusOK).says("Change"+"the answer to: "+e.Question.Title, "The drill of **May** xx", "xx…").hides("Answer" + "the question")
	r.asha.post(r.path + "/submit").leadsTo(r.path)
	page := r.noor.get(r.path+"/decide").is(http.StatusOK).says("No high", "No answer counts as high.", "No medium", "it is then due on the launch date, or in two weeks")
	if strings.Contains(page.Body, ">0 high<") || strings.Contains(page.Body, ">0 medium<") {
		t.Error("none of a risk has its sign")
	}
}

// Beside the word of a risk the reason does not say the word again.
func TestReasonsDoNotRepeatTheRisk(t *testing.T) {
	r, e, _ := newHigh(t, false)
	for _, path := range []string{r.sheet.QuestionPath(e), r.path + "/decide"} {
		if strings.HasSuffix(path, "/decide") {
			r.asha.post(r.path+"/submit", review.FieldName("owner", e.Key()), r.asha.actor().PersonID.String(), review.FieldName("due_on", e.Key()), "2026-12-24").leadsTo(r.path)
		}
		page := r.noor.get(path).is(http.StatusOK)
		if strings.Contains(page.text(), "High: ") {
			t.Errorf("%s says the risk twice", path)
		}
	}
	r.noor.get(r.path+"/decide").says("“None of these” is ticked.", "leads to medium")
}

// Names without a blank, from the right or of signs, make no page wider than its window.
func TestLongNamesStayInThePage(t *testing.T) {
	s := newSite(t)
	s.publish()
	team := s.team("ledger", "Ledger")
	s.workload("rocket", "🚀 مدفوعات عبر الحدود "+strings.Repeat("Überlange", 9), "ledger", false)
	lead := s.leader("Lena Ek", team)
	path := lead.post("/workloads/rocket/reviews", "type", "new-service").is(http.StatusSeeOther).Header.Get("Location")
	e := s.look(lead)
	e.as(390, "light")
	for _, page := range []string{"/", "/workloads", "/workloads/rocket", "/workloads/rocket/evidence", "/workloads/rocket/elsewhere", "/teams/ledger", path, path + "/check", path + "/record", path + "/cancel", path + "/talk"} {
		e.open(page)
		if wide := eval[int64](e, `document.documentElement.scrollWidth`); wide > 390 {
			t.Errorf("%s is %d wide", page, wide)
		}
	}
}

// A form that came too late is kept, with a way to the page as it is now.
func TestLateFormLeadsToThePage(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(true)
	r.asha.post(r.path + "/submit").leadsTo(r.path)
	e := r.sheet.Entries()[0]
	path := r.sheet.QuestionPath(e)
	for referer, link := range map[string]string{
		r.URL + path + "?view=one":       `href="` + path + `?view=one"`,
		r.URL + r.path + "/submit":       "", // nothing opens there
		r.URL + "//evil.example/reviews": "",
		"https://evil.example" + path:    "",
		"":                               "",
	} {
		form := strings.NewReader(values("version", "1", "choice", e.Question.Choices[0].ID, "notes", "late words").Encode())
		page := r.asha.ask(http.MethodPost, path, form, http.Header{"Referer": {referer}}).is(http.StatusConflict).says("This round is submitted", "late words", "Send it again")
		if has := strings.Contains(page.Body, "See the page as it is now"); has != (link != "") || !strings.Contains(page.Body, link) || strings.Contains(page.Body, "evil") {
			t.Errorf("from %q: a link %v", referer, has)
		}
	}
}
