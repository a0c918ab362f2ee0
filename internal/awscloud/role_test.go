package awscloud_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/identity"
)

const roleARN = "arn:aws:iam::" + account + ":role/OrreryReadsEvidence"

// behind is an account that only a role opens.
func behind(externalID string) awstest.World {
	w := awstest.Believable(account, []string{eu, us}, []string{"S3.1"}, nil)
	w.Own, w.Roles = "222222222222", map[string]awstest.Role{roleARN: {ExternalID: externalID}}
	return w
}

var admin = identity.Actor{Name: "Ada Example", System: "test", Roles: []identity.OrgRole{identity.Admin}}

// connect adds a connection to the account by its role, and returns it.
func connect(t *testing.T, h *evidencetest.House, change func(*evidence.ConnectionInput)) evidence.Connection {
	t.Helper()
	in := evidence.ConnectionInput{Account: account, Name: "Payments", TeamKey: "ledger", Mode: evidence.TakeRole, Sources: evidence.Sources()}
	if change != nil {
		change(&in)
	}
	c, err := h.Service.AddConnection(context.Background(), admin, in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A run takes the role with the external id of the connection, once; the default chain is
// another account's and reads nothing.
func TestRunTakesTheRole(t *testing.T) {
	h, aws, c := setup(t, behind("unknown yet"), awscloud.Options{Unlimited: true})
	h.Publish(buckets)
	h.Work(t, c)
	if run := h.Collect(t); run.Cells[0].Result != evidence.WrongAccount {
		t.Fatalf("without a connection: %s", said(run))
	}
	connection := connect(t, h, nil)
	run := h.Collect(t)
	if cell := run.Cells[0]; cell.Result != evidence.Denied || cell.Permission != "sts:AssumeRole" || !strings.Contains(cell.Detail, "external id") {
		t.Errorf("with another external id: %s", said(run))
	}
	aws.Change(func(w *awstest.World) { w.Roles[roleARN] = awstest.Role{ExternalID: connection.ExternalID} })
	before := len(aws.Calls("AssumeRole"))
	if run = h.Collect(t); run.State != evidence.Complete {
		t.Fatalf("with the role: %s", said(run))
	}
	if n := len(aws.Calls("AssumeRole")) - before; n != 1 {
		t.Errorf("the role was taken %d times for two Regions", n)
	}
	for _, call := range aws.Calls("GetFindings") {
		if !strings.HasPrefix(call.KeyID, "ASIA") {
			t.Errorf("findings were read with %s", call.KeyID)
		}
	}
	if len(connection.ExternalID) < 20 {
		t.Errorf("the external id is %q", connection.ExternalID)
	}
}

// A connection that leaves out a source or a Region reads nothing there, and says so.
func TestConnectionLeavesOut(t *testing.T) {
	w := awstest.Believable(account, []string{eu, us}, []string{"S3.1"}, nil)
	h, aws, c := setup(t, w, awscloud.Options{Unlimited: true})
	h.Publish(buckets, trail)
	h.Work(t, c)
	connect(t, h, func(in *evidence.ConnectionInput) {
		in.Mode, in.Regions, in.Sources = evidence.DefaultChain, []string{eu}, []string{evidence.ControlSource}
	})
	run := h.Collect(t)
	for _, cell := range run.Cells {
		want := evidence.Off
		if cell.Region == eu && cell.Source == evidence.ControlSource {
			want = evidence.OK
		}
		if cell.Result != want || want == evidence.Off && !strings.Contains(cell.Detail, "leaves") {
			t.Errorf("%s %s: %s %q", cell.Cell, cell.Source, cell.Result, cell.Detail)
		}
	}
	for _, call := range aws.Calls() {
		if call.Region != eu || call.Service == "cloudtrail" {
			t.Errorf("%s was asked in %s", call.Op, call.Region)
		}
	}
}

// The account of another team is not read, and its facts are not shown.
func TestForeignAccount(t *testing.T) {
	w := awstest.Believable(account, []string{eu}, []string{"S3.1"}, nil)
	h, aws, c := setup(t, w, awscloud.Options{Unlimited: true})
	h.Publish(buckets)
	h.Work(t, c)
	if h.Collect(t); len(h.Facts(t, evidence.FactFilter{})) == 0 {
		t.Fatal("nothing was read before")
	}
	h.Exec(t, `insert into teams (id, key, name, created_at) values (gen_random_uuid(), 'platform', 'Platform', now())`)
	connect(t, h, func(in *evidence.ConnectionInput) { in.Mode, in.TeamKey = evidence.DefaultChain, "platform" })
	before := len(aws.Calls())
	run := h.Collect(t)
	if run.Cells[0].Result != evidence.Denied || !strings.Contains(run.Cells[0].Detail, "another team") || len(aws.Calls()) != before {
		t.Errorf("the account of Platform: %s", said(run))
	}
	if n := len(h.Facts(t, evidence.FactFilter{})); n != 0 {
		t.Errorf("%d facts of Platform are shown", n)
	}
	expect(t, h.Verdict(t, buckets), evidence.CannotTell, "denied")
	h.Exec(t, `insert into account_allowances (account, workload_id, allowed_at) values ($1, $2, now())`, account, h.Workload)
	if run := h.Collect(t); run.State != evidence.Complete || len(h.Facts(t, evidence.FactFilter{})) == 0 {
		t.Errorf("allowed by Platform: %s", said(run))
	}
}

// A test of a connection tells what is granted from what is not and what cannot be told.
func TestProbe(t *testing.T) {
	_, aws, c := setup(t, behind("right"), awscloud.Options{})
	aws.Fail("GetTrailStatus", awstest.Fault{Status: 403, Code: "AccessDeniedException", Message: "User: x is not authorized to perform: cloudtrail:GetTrailStatus", Forever: true})
	aws.Fail("DescribeConfigRules", awstest.Fault{Status: 500, Code: "InternalError", Forever: true})
	cell := evidence.Cell{Account: account, Region: eu}
	states := func(list []evidence.Permission) map[string]evidence.PermissionState {
		m := map[string]evidence.PermissionState{}
		for _, p := range list {
			m[p.Action] = p.State
			if !strings.HasSuffix(p.Sentence, ".") {
				t.Errorf("%s: %q is no sentence", p.Action, p.Sentence)
			}
		}
		return m
	}
	got := states(c.Probe(context.Background(), cell, evidence.Access{RoleARN: roleARN, ExternalID: "right"}, false))
	for action, want := range map[string]evidence.PermissionState{
		"sts:AssumeRole": evidence.Granted, "sts:GetCallerIdentity": evidence.Granted, "securityhub:GetFindings": evidence.Granted,
		"config:DescribeComplianceByConfigRule": evidence.Granted, "cloudtrail:GetEventSelectors": evidence.Granted,
		"cloudtrail:GetTrailStatus": evidence.NotGranted, "config:DescribeConfigRules": evidence.NotKnown,
	} {
		if got[action] != want {
			t.Errorf("%s is %s, want %s", action, got[action], want)
		}
	}
	if len(got) != len(awscloud.Actions())+2 {
		t.Errorf("%d lines for %d actions", len(got), len(awscloud.Actions()))
	}
	refused := c.Probe(context.Background(), cell, evidence.Access{RoleARN: roleARN, ExternalID: "wrong"}, false)
	if got := states(refused); got["sts:AssumeRole"] != evidence.NotGranted || got["securityhub:GetFindings"] != evidence.NotKnown {
		t.Errorf("with another external id: %v", got)
	}
	own := c.Probe(context.Background(), cell, evidence.Access{}, false)
	if own[0].State != evidence.NotGranted || !strings.Contains(own[0].Sentence, "222222222222") {
		t.Errorf("credentials of another account: %+v", own[0])
	}
	if off := c.Probe(context.Background(), evidence.Cell{Account: account, Region: "ap-east-1"}, evidence.Access{RoleARN: roleARN, ExternalID: "right"}, true); !slices.ContainsFunc(off, func(p evidence.Permission) bool { return strings.Contains(p.Sentence, "not enabled") }) {
		t.Errorf("a Region that is off: %+v", off)
	}
}
