package web_test

import (
	"net/url"
	"testing"
	"time"
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
	team.wants("Asked to accept it")
	team.submit(r.path + "/submit")
	team.wants("Waiting for a decision")

	at := "/acceptances/" + r.acceptanceID()
	noor.open("/")
	noor.wants("Risks to accept or not")
	noor.judge("home-accept")
	noor.open(r.path + "/decide")
	noor.open(at)
	noor.submit(at + "/decline")
	noor.judge("acceptance-refused")
	noor.submit(at+"/grant", "until", "2027-03-03", "note", "Show me the graph.")
	noor.open(r.path + "/decide")
	noor.wants("Every high is accepted, so a plain go is possible")
	noor.judge("decide-accepted")
	eval[bool](noor, `document.querySelector('input[name="voice"][value="agree"]').checked = true`)
	noor.submit(r.path + "/sign-off")
	eval[bool](noor, `document.querySelector('input[name="outcome"][value="go"]').checked = true`)
	noor.press(`form[action="` + r.path + `/decision"] .btn-primary`)
	noor.wants("Go by Noor Haddad")

	team.open("/workloads/payments")
	team.wants("Standing now", "High, accepted until 3 March 2027")
	team.judge("workload-accepted")
	team.open(r.sheet.QuestionPath(e))
	team.judge("question-accepted")
	team.open("/acceptances")
	team.wants("Accepted")

	r.to(time.Date(2027, 3, 4, 9, 0, 0, 0, time.UTC))
	team.open("/sign-in")
	team.submit("/sign-in", "email", "asha@example.org", "password", password)
	team.open("/workloads/payments")
	team.wants("No, hold", "High again, for its acceptance ended on 3 March 2027")
	team.judge("workload-ended")
	team.open(at)
	team.wants("Ended, the risk stands again", "Ask again")
	team.judge("acceptance-ended")
	team.open("/")
	team.wants("Acceptances ending")
	team.open("/workloads/payments/acceptances")
	team.judge("acceptances-past")
}
