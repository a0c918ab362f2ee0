package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"orrery/internal/awscloud/awstest"
)

// Connections, what fails and what changed, as people see them.
func TestConnectionsLook(t *testing.T) {
	r := newReviewed(t, false)
	bad := awstest.Finding{Control: "CloudTrail.1", Status: "FAILED", Title: "A trail covers every Region", UpdatedAt: r.Clock.now()}
	cloud := r.aws(awstest.World{Account: awsAccount, Regions: map[string]*awstest.Region{"us-east-1": {Findings: []awstest.Finding{bad}, Trails: []awstest.Trail{{Name: "audit", DeliveredAt: r.Clock.now().Add(-time.Minute)}}}}})
	r.work()
	page := r.Ada.follow(r.Ada.post("/connections/new", "account", awsAccount, "name", "Payments production", "team", "ledger", "mode", "default", "sources", "securityhub.control", "sources", "cloudtrail.trail", "sources", "config.recorder"))
	path := strings.TrimPrefix(page.is(http.StatusOK).Asked, "GET ")
	r.asha.post("/workloads/payments/edit", "version", "1", "key", "payments", "name", "Payments", "team", "ledger", "tier", "2", "stage", "live",
		"accounts", awsAccount, "regions", "us-east-1").is(http.StatusSeeOther)
	r.asha.collect("payments")
	cloud.Change(func(w *awstest.World) { w.Regions["us-east-1"].Trails[0].Stopped = true })
	r.asha.collect("payments")
	cloud.Fail("GetFindings", awstest.Fault{Status: 403, Code: "AccessDeniedException", Forever: true})

	ada, asha := r.look(r.Ada), r.look(r.asha)
	for name, to := range map[string]string{"connections": "/connections", "connection-new": "/connections/new", "connection-edit": path + "/edit", "connection-test": path + "/test?region=us-east-1"} {
		ada.open(to)
		ada.unfold()
		ada.judge(name)
	}
	for name, to := range map[string]string{"failures": "/workloads/payments/evidence/baseline", "changes": "/workloads/payments/evidence/changes", "coverage": "/workloads/payments/evidence?view=coverage"} {
		asha.open(to)
		asha.unfold()
		asha.judge(name)
	}
}
