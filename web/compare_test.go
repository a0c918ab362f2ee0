package web_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
)

// twoRounds is a review whose first round was a no-go, with one answer changed since.
func twoRounds(t *testing.T) *reviewed {
	r := newReviewed(t, false)
	r.answerAll(false)
	first := r.sheet.Entries()[0]
	r.asha.post(r.sheet.QuestionPath(first), append(ticks(first, false)[2:], "version", "1", "notes", "The drill took 38 minutes.")...).is(http.StatusSeeOther)
	r.submitHighs()
	page := r.noor.get(r.path + "/decide")
	r.noor.post(r.path+"/decision", "content", page.value("content"), "seen", page.value("seen"), "outcome", "no_go", "reason", "Too much is missing.").
		leadsTo(r.path + "/record")
	r.read()
	version := r.asha.get(r.sheet.QuestionPath(first)).value("version")
	r.asha.post(r.sheet.QuestionPath(first), append(ticks(first, true)[2:], "version", version, "notes", "The drill took 12 minutes <b>only</b>.")...).is(http.StatusSeeOther)
	r.read()
	return r
}

func TestCompareRoundsFromThePage(t *testing.T) {
	r := twoRounds(t)
	first, second := r.sheet.Entries()[0], r.sheet.Entries()[1]
	r.vera.get(r.path + "/record").says("Compare with round 1")
	page := r.vera.get(r.path+"/compare?from=1&to=2").is(http.StatusOK).
		says("From New service, round 1, no-go, 21 Nov 2026, to New service, round 2, draft", "1 improved.", first.Question.Title, "Ticked "+first.Question.Choices[0].Title,
			"The drill took removed: 38 added: 12 minutes", "<b>only</b>")
	page.hides(second.Question.Title)
	if same := r.vera.get(r.path + "/compare"); same.text() != page.text() {
		t.Error("without rounds the page compares others than the newest with the one before")
	}
	r.vera.get(r.path+"/compare?from=2&to=1").says("1 worse.", "No longer ticked")
	r.vera.get(r.path + "/compare?from=1&to=1").says("Nothing changed.")

	other := r.asha.post("/workloads/payments/reviews", "type", "new-service", "change_key", "CHG-1", "change_title", "New sheet").is(http.StatusSeeOther).Header.Get("Location")
	r.vera.get(other + "/compare").is(http.StatusOK).says("There is no earlier round")
	id := r.sheet.ID.String()
	r.vera.get(other+"/compare?from="+id+":1").is(http.StatusOK).says("From New service, round 1, no-go", "of CHG-1, round 1")
	for _, query := range []string{"from=9", "to=9", "from=x", "to=-1", "from=nonsense:1", "from=" + id + ":x", "from=" + uuid.NewString() + ":1", "to=" + id + ":1"} {
		r.vera.get(other + "/compare?" + query).is(http.StatusNotFound)
	}
}

func TestCompareAcrossWorkloadsIsRefused(t *testing.T) {
	r := newReviewed(t, false)
	r.workload("secret", "Secret", "ledger", true)
	r.workload("orders", "Orders", "ledger", false)
	start := func(key string) string {
		path := r.asha.post("/workloads/"+key+"/reviews", "type", "new-service").is(http.StatusSeeOther).Header.Get("Location")
		return path[len("/reviews/"):]
	}
	r.vera.get(r.path + "/compare?from=" + start("secret") + ":1").is(http.StatusNotFound).hides("Secret")
	r.vera.get(r.path + "/compare?from=" + start("orders") + ":1").is(http.StatusUnprocessableEntity).says("two workloads")
}

func TestTheReadoutSaysWhatChangedSinceTheLastDecision(t *testing.T) {
	r := twoRounds(t)
	r.submitHighs()
	r.noor.get(r.path+"/decide").is(http.StatusOK).says("Since the last decision", "New service, round 1, no-go", "1 improved. Compare the two rounds", "14 high")
}

// TestHandoverPagesLookRight opens the record, the readout and the comparison as Chromium
// shows them.
func TestHandoverPagesLookRight(t *testing.T) {
	r := twoRounds(t)
	e := r.look(r.noor)
	e.open(r.path + "/compare")
	e.unfold()
	e.judge("compare-rounds")
	e.open(r.path + "/compare?from=1&to=1")
	e.judge("compare-same")
	e.open(r.path + "/record")
	e.judge("record-two-rounds")
	r.submitHighs()
	e.open(r.path + "/decide")
	e.judge("readout")
}
