package web_test

import (
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"orrery/internal/identity"
)

func TestWhoReadsTheAuditRecord(t *testing.T) {
	s := newSite(t)
	_, member := s.person("Mika Laine", identity.InviteInput{Grants: []identity.GrantInput{{Kind: identity.Approver}}})
	_, auditor := s.person("Jonas Weber", identity.InviteInput{Roles: []identity.OrgRole{identity.Auditor}})
	const words = "Only an auditor or an admin may read the audit record."
	s.visitor().get("/audit").is(303)
	s.visitor().post("/audit/verify").is(401)
	member.get("/audit").is(403).says(words)
	member.get("/audit?workload=payments&actor=x").is(403)
	member.post("/audit/verify").is(403).says(words)
	auditor.get("/audit").is(200)
	auditor.post("/audit/verify").is(200)
	s.Ada.get("/audit").is(200)
	s.Ada.get("/audit/verify").is(405)
}

func TestAuditSaysWhoDidWhat(t *testing.T) {
	s := newSite(t)
	s.publish()
	s.team("ledger", "Ledger")
	s.workload("payments", "Payments", "ledger", false)
	mika, _ := s.person("Mika Laine", identity.InviteInput{})
	path := "/people/" + mika.ID.String()
	s.Ada.post(path+"/grants", "kind", "approver", "on", "all").is(303)
	page := s.Ada.get("/audit").is(200).says("21 Nov 2026, 12:00", "Ada Example Gave a grant Mika Laine", "Mika Laine Set a password by a link",
		"Made a team Ledger", "Added a workload Payments", "grant approver", "of org")
	if strings.Index(page.text(), "Gave a grant") > strings.Index(page.text(), "Made a team Ledger") {
		t.Error("the newest is not first")
	}
	for _, href := range []string{path, "/teams/ledger", "/workloads/payments"} {
		if !strings.Contains(page.Body, `href="`+href+`"`) {
			t.Errorf("nothing leads to %s", href)
		}
	}
	s.Ada.get("/audit?verb=grant.").is(200).says("Gave a grant").hides("Made a team</")
	s.Ada.get("/audit?verb=team.created").is(200).says("Ledger").hides("Gave a grant</")
	s.Ada.get("/audit?stream=org").is(200).says("Made a team").hides("Added a workload</")
	s.Ada.get("/audit?workload=payments").is(200).says("Added a workload").hides("Gave a grant</")
	s.Ada.get("/audit?actor="+mika.ID.String()).is(200).says("Only what Mika Laine did.", "Set a password by a link").hides("Gave a grant</")
	s.Ada.get("/audit?verb=nothing.ever").is(200).says("No record fits the filters")
	s.Ada.get("/audit?verb=questionnaire.").is(200).says("system: installation Published a questionnaire orr")
	s.Ada.get("/audit?workload=nothing").is(422).says("No workload that you may see has this key.")
	for _, odd := range []string{"\x00", "a\x00b", "\xff\xfe", "payments\x00"} {
		s.Ada.get("/audit?workload=" + url.QueryEscape(odd)).is(422)
		s.Ada.get("/audit?verb=" + url.QueryEscape(odd)).is(422)
		s.Ada.get("/audit?after=" + url.QueryEscape(odd)).is(422)
		s.Ada.get("/audit?actor=" + url.QueryEscape(odd)).is(404)
		s.Ada.get("/audit?stream=" + url.QueryEscape(odd)).is(200)
	}
}

// TestAuditHidesRestrictedWorkloads wants an admin to see no more of a restricted workload
// here than elsewhere, and an auditor all of it.
func TestAuditHidesRestrictedWorkloads(t *testing.T) {
	s := newSite(t)
	s.team("ledger", "Ledger")
	s.workload("card-vault", "Card vault", "ledger", true)
	_, auditor := s.person("Jonas Weber", identity.InviteInput{Roles: []identity.OrgRole{identity.Auditor}})
	s.Ada.get("/audit").is(200).hides("Card vault", "card-vault")
	s.Ada.get("/audit?workload=card-vault").is(422).says("No workload that you may see has this key.").hides("Card vault")
	auditor.get("/audit?workload=card-vault").is(200).says("Added a workload Card vault")
}

func TestAuditPages(t *testing.T) {
	s := newSite(t)
	for i := range 60 {
		s.team(fmt.Sprintf("team-%02d", i), fmt.Sprintf("Team %02d", i))
	}
	first := s.Ada.get("/audit?verb=team.").is(200).says("Team 59", "Team 10").hides("Team 09")
	before, _, found := strings.Cut(first.Body, ` rel="next"`)
	if !found {
		t.Fatal("there is no next page")
	}
	next := html.UnescapeString(strings.TrimSuffix(before[strings.LastIndex(before, `href="`)+6:], `"`))
	if !strings.Contains(next, "verb=team.") {
		t.Errorf("the next page forgets the filter: %s", next)
	}
	s.team("between", "Made between")
	s.Ada.get(next).is(200).says("Team 09", "Team 00").hides("Team 10", "Made between", "rel=\"next\"")
}

func TestVerifyTheChain(t *testing.T) {
	s := newSite(t)
	s.team("ledger", "Ledger")
	s.Ada.post("/audit/verify").is(200).says("Whole: 3 records in 1 stream checked, and none was changed, lost or added.")
	for _, sql := range []string{
		`alter table audit_records disable trigger audit_records_immutable`,
		`update audit_records set body = replace(convert_from(body, 'UTF8'), 'Ada Example', 'Eve Example')::bytea where stream = 'org' and seq = 2`,
	} {
		if _, err := s.DB.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	s.Ada.post("/audit/verify").is(200).says("Broken at record 2 of the stream org. The record was changed: its hash does not fit its content.").hides("Whole:")
}
