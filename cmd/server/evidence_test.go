package main

import (
	"strings"
	"testing"
	"time"

	"orrery/internal/awscloud/awstest"
)

// TestEvidenceInBrowser goes from no connection to a contradiction that is shown, the item
// that opens for it, and its end when the account is mended.
func TestEvidenceInBrowser(t *testing.T) {
	const role = "arn:aws:iam::" + motoAccount + ":role/OrreryReadsEvidence"
	trail := func(logging bool) func(*awstest.World) {
		return func(w *awstest.World) {
			w.Regions["us-east-1"].Trails = []awstest.Trail{{Name: "audit", Stopped: !logging, DeliveredAt: time.Now().Add(-time.Minute)}}
		}
	}
	cloud, err := awstest.Start("127.0.0.1:0", awstest.World{Account: motoAccount, Own: "222222222222", Regions: map[string]*awstest.Region{"us-east-1": {}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close() })
	cloud.Change(trail(true))
	p := startProgram(t, "AWS_ENDPOINT_URL="+cloud.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "ORRERY_COLLECT=off", "ORRERY_ORGANISATION=Acme")
	base := "http://" + p.addr
	jonas, asha, noor := newTab(t, base), newTab(t, base), newTab(t, base)
	becomeAdmin(jonas, strings.TrimPrefix(p.adminLink(), base))
	makeTeam(jonas)
	acceptInvitation(asha, invitePerson(jonas, "Asha Rao", "asha@example.com", "ledger", "lead", ""))
	acceptInvitation(noor, invitePerson(jonas, "Noor Haddad", "noor@example.com", "", "", "approver"))
	createWorkload(asha)
	review := startReview(asha)
	collectWithin(asha)
	asha.open("/workloads/payments/evidence?view=coverage")
	asha.wants("Wrong account")

	externalID := connectAccount(jonas)
	here := jonas.where()
	jonas.open(here + "/test?region=us-east-1")
	jonas.wants("1 call is denied in us-east-1")
	cloud.Change(func(w *awstest.World) { w.Roles = map[string]awstest.Role{role: {ExternalID: externalID}} })
	jonas.open(here + "/test?region=us-east-1")
	jonas.wants("Nothing is denied in us-east-1")

	collectWithin(asha)
	sendAnswers(asha, review)
	cloud.Change(trail(false))
	collectWithin(asha)
	asha.open(review + "/q/orr/change_history?view=one")
	asha.wants("It stands against a tick of this answer.", "it is not logging")
	asha.open("/workloads/payments/evidence/changes")
	asha.wants("New failures", "it is not logging")
	asha.open("/workloads/payments/evidence/baseline")
	asha.wants("What fails, by control", "Asha Rao, due")
	asha.send(`a[href^="/items/"]`)
	item := asha.where()
	asha.wants("trail:", "Open")

	cloud.Change(trail(true))
	collectWithin(asha)
	asha.open(item)
	asha.wants("Verified", "found it mended")
	asha.open(review + "/q/orr/change_history?view=one")
	asha.wants("records all management events and delivers them")
	if text := asha.text(); strings.Contains(text, "it is not logging") {
		t.Errorf("the contradiction is still shown:\n%s", text)
	}
	for _, call := range cloud.Calls("DescribeTrails", "GetTrailStatus", "GetFindings") {
		if !strings.HasPrefix(call.KeyID, "ASIA") {
			t.Errorf("%s was called without the role", call.Op)
		}
	}
}

// connectAccount connects the account by its role, and returns the external id.
func connectAccount(b *tab) string {
	b.open("/connections")
	b.wants("No account is connected yet")
	b.open("/connections/new")
	b.fill("account", motoAccount)
	b.fill("name", "Payments production")
	b.fill("team", "ledger")
	b.send(`main form button[type=submit]`)
	b.wants("Payments production", "OrreryReadsEvidence", "sts:ExternalId")
	return eval[string](b, `document.querySelector("#f-external_id").value`)
}

// collectWithin collects evidence and waits for the end, whatever was found.
func collectWithin(b *tab) {
	b.open("/workloads/payments/evidence")
	b.send(`form[action$="/evidence/runs"] button[type=submit]`)
	for range 1200 {
		if strings.Contains(b.text(), "The collection is over") {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatalf("the run does not end:\n%s", b.text())
}
