package web_test

import (
	"net/http"
	"testing"

	"orrery/internal/awscloud/awstest"
)

// toolReviewed is a review that asks the Framework, of a workload whose scope names one of the
// Well-Architected Tool, after a collection.
func toolReviewed(t *testing.T) *reviewed {
	t.Helper()
	r := newReviewed(t, false)
	r.aws(awstest.World{Account: awsAccount, Regions: map[string]*awstest.Region{"us-east-1": {Answers: awstest.Sound(awsAccount, "us-east-1", nil)}}})
	r.work()
	r.asha.post("/workloads/payments/edit", toolScope("payments\r\nAnother, with a comma")...).is(http.StatusSeeOther)
	r.path = r.asha.post("/workloads/payments/reviews", "type", "new-service", "change_key", "CHG-1", "change_title", "x", "set", "well-architected").
		is(http.StatusSeeOther).Header.Get("Location")
	r.read()
	return r
}

func toolScope(named string) []string {
	return []string{"version", "1", "key", "payments", "name", "Payments", "team", "ledger", "tier", "2", "stage", "live",
		"accounts", awsAccount, "regions", "us-east-1", "wa_workloads", named}
}

// From the name of a workload in the Well-Architected Tool to a draft that somebody confirms.
func TestToolAnswersFromThePage(t *testing.T) {
	r := toolReviewed(t)
	r.asha.post("/workloads/payments/edit", append(toolScope("arn:aws:s3:::x"), "version", "2")...).is(http.StatusUnprocessableEntity).says("Write the whole ARN of the workload", "arn:aws:s3:::x")
	r.asha.get("/workloads/payments").is(http.StatusOK).says("Well-Architected Tool", "payments, Another, with a comma")
	r.asha.get("/workloads/payments/edit").is(http.StatusOK).says("Another, with a comma")
	r.asha.get(r.path).is(http.StatusOK).hides("Take answers from the Well-Architected Tool")
	r.asha.get(r.path + "/tool").is(http.StatusOK).says("Nothing was answered there")
	r.asha.post(r.path + "/tool").is(http.StatusConflict).says("There is nothing to take")

	r.asha.collect("payments").says("Well-Architected Tool")
	r.asha.get("/workloads/payments/evidence?view=facts&source=wellarchitected").is(http.StatusOK).says("Said by people", "People ticked 3 of 6 choices")
	r.asha.get(r.path).is(http.StatusOK).says("1 question without an answer has one there.", "Take answers from the Well-Architected Tool")
	r.vera.get(r.path).is(http.StatusOK).hides("Take answers from the Well-Architected Tool")
	page := r.asha.get(r.path+"/tool").is(http.StatusOK).says("1 question gets a draft, 0 already have an answer and are left alone, 71 have no counterpart with an answer there.", "Take 1 answer as a draft", "payments, changed there on")
	r.vera.get(r.path + "/tool").is(http.StatusForbidden)
	r.vera.post(r.path+"/tool", "seen", page.value("seen")).is(http.StatusForbidden)
	r.noor.get(r.path + "/tool").is(http.StatusOK).says("Only a member of Ledger may take them").hides("Take 1 answer")
	r.asha.post(r.path+"/tool", "seen", "x\x00").is(http.StatusConflict).says("Read what would be taken now")
	r.asha.get("/reviews/x/tool").is(http.StatusNotFound)

	done := r.asha.post(r.path+"/tool", "seen", page.value("seen")).leadsTo(r.path)
	r.asha.follow(done).is(http.StatusOK).says("1 answer is taken as a draft. It waits to be confirmed.", "Taken from the Well-Architected Tool.", "1 to confirm").hides("without an answer has one there", "Confirm all")
	question := r.path + "/q/well-architected/OPS01"
	r.asha.get(question).is(http.StatusOK).says("The ticks are taken from payments in the Well-Architected Tool", "prove nothing by themselves", "Medium", "Ticked there, and not asked here",
		"Title of ops_priorities_new_this_year", "Not applicable there", "Notes there", "The list of needs is in the wiki.")
	r.vera.get(question).is(http.StatusOK).hides("Notes there", "The list of needs is in the wiki.")
	r.asha.get(r.path+"/tool").is(http.StatusOK).says("Stay as they are: 1", "0 questions get a draft, 1 already has an answer and is left alone")
	r.mika.post(question, "version", "0", "round", "1", "choice", "OPS01_BP01", "choice", "OPS01_BP02").is(http.StatusSeeOther)
	r.mika.get(question).hides("The ticks are taken from")
	r.Ada.get("/audit").is(http.StatusOK).says("Took answers from the Well-Architected Tool")
}
