package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestAcceptanceInABrowser asks on the check page, grants, decides go, and moves the clock past
// the last day: the risk stands again. Every page on the way is looked at.
func TestAcceptanceInABrowser(t *testing.T) {
	r, e, _ := newHigh(t, false)
	team, noor := r.look(r.asha), r.look(r.noor)

	team.open(r.path + "/check")
	team.open("/workloads/payments/acceptances/new?question=" + url.QueryEscape(e.Key()) + "&next=" + url.QueryEscape(r.path+"/check"))
	form := "/workloads/payments/acceptances"
	team.submit(form, "reason", "The pool comes in spring.", "until", "2027-03-06")
	team.judge("acceptance-ask-refused")
	team.submit(form, "control", "We watch the quota daily, and may stop the import by hand.", "until", "2027-03-03")
	team.shows("Asked to accept it")
	team.submit(r.path + "/submit")
	team.shows("Waiting for a decision")

	at := "/acceptances/" + r.acceptanceID()
	noor.open("/")
	noor.shows("Risks to accept or not")
	noor.judge("home-accept")
	noor.open(r.path + "/decide")
	noor.open(at)
	noor.submit(at + "/decline")
	noor.judge("acceptance-refused")
	noor.submit(at+"/grant", "until", "2027-03-03", "note", "Show me the graph.")
	noor.open(r.path + "/decide")
	noor.shows("Every high is accepted, so a plain go is possible")
	noor.judge("decide-accepted")
	eval[bool](noor, `document.querySelector('input[name="voice"][value="agree"]').checked = true`)
	noor.submit(r.path + "/sign-off")
	eval[bool](noor, `document.querySelector('input[name="outcome"][value="go"]').checked = true`)
	noor.press(`form[action="` + r.path + `/decision"] .btn-primary`)
	noor.shows("Go by Noor Haddad")

	team.open("/workloads/payments")
	team.shows("Standing now", "High, accepted until 3 March 2027")
	team.judge("workload-accepted")
	team.open(r.sheet.QuestionPath(e))
	team.judge("question-accepted")
	team.open("/acceptances")
	team.shows("Accepted")

	r.to(time.Date(2027, 3, 4, 9, 0, 0, 0, time.UTC))
	team.open("/sign-in")
	team.submit("/sign-in", "email", "asha@example.org", "password", password)
	team.open("/workloads/payments")
	team.shows("No, hold", "High again, for its acceptance ended on 3 March 2027")
	team.judge("workload-ended")
	team.open(at)
	team.shows("Ended, the risk stands again", "Ask again")
	team.judge("acceptance-ended")
	team.open("/")
	team.shows("Acceptances ending")
	team.open("/workloads/payments/acceptances")
	team.judge("acceptances-past")
}

// shows wants the words in the page that is open.
func (e *eye) shows(words ...string) {
	e.Helper()
	text := eval[string](e, `document.body.innerText.replace(/\s+/g, " ")`)
	for _, w := range words {
		if !strings.Contains(text, w) {
			e.Fatalf("the page does not say %q: %s", w, text)
		}
	}
}

// press clicks what leads to another page.
func (e *eye) press(selector string) {
	e.Helper()
	if _, err := chromedp.RunResponse(e.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		e.Fatalf("press %s: %v", selector, err)
	}
}
