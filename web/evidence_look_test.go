package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"orrery/internal/awscloud/awstest"
)

// The form of a hub, facts with the documents behind them, and a question beside which people
// attest, as they are seen.
func TestEvidenceLooksRight(t *testing.T) {
	r := newReviewed(t, false)
	answers := awstest.Sound(awsAccount, "us-east-1", nil)
	findings := []awstest.Finding{{Control: "CloudTrail.1", Status: "FAILED", Title: "A trail covers every Region", UpdatedAt: r.Clock.now()}}
	r.aws(awstest.World{Account: awsAccount, Regions: map[string]*awstest.Region{"us-east-1": {
		Findings: findings, Recorders: []awstest.Recorder{{Name: "default"}}, Delivery: awstest.Delivery{History: "FAILURE", ErrorCode: "NoSuchBucket"}, Answers: answers,
		Trails: []awstest.Trail{{Name: "audit", DeliveredAt: r.Clock.now().Add(-time.Minute), Unvalidated: true}},
	}}})
	r.work()
	page := r.Ada.follow(r.Ada.post("/connections/new", "account", awsAccount, "name", "Security", "team", "ledger", "mode", "default", "sources", "config.recorder", "sources", "cloudtrail.trail", "sources", "securityhub.control", "hub", "on", "hub_region", "us-east-1"))
	connection := strings.TrimPrefix(page.is(http.StatusOK).Asked, "GET ")
	r.asha.post("/workloads/payments/edit", "version", "1", "key", "payments", "name", "Payments", "team", "ledger", "tier", "2", "stage", "live",
		"accounts", awsAccount, "regions", "us-east-1", "tags", "app=payments").is(http.StatusSeeOther)
	r.asha.collect("payments")
	r.asha.get("/workloads/payments/evidence?view=facts").says("NoSuchBucket", "Show the document")
	question := r.sheet.QuestionPath(r.trailEntry())
	r.asha.upload(question+"/talk/files", "", nil, "dated", "2020-11-01", "statement", "We read the trail of a whole day by hand, and nothing was missing.", "description", "With the auditors.").is(http.StatusSeeOther)
	r.asha.upload(question+"/talk/files", "", nil, "dated", "2026-11-01", "url", "https://wiki.example.org/trail", "text", "The runbook of the trail").is(http.StatusSeeOther)

	ada, asha := r.look(r.Ada), r.look(r.asha)
	ada.open(connection + "/edit")
	ada.unfold()
	ada.judge("hub-form")
	for name, to := range map[string]string{"facts": "/workloads/payments/evidence?view=facts&state=fail", "evidence-question": question} {
		asha.open(to)
		asha.unfold()
		asha.judge(name)
	}
}
