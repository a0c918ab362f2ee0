package awscloud_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/questionnaire"
)

const (
	account = "111111111111"
	eu      = "eu-west-1"
	us      = "us-east-1"
)

var (
	buckets  = check(evidence.ControlSource, "S3.1", "all_pass", "resource")
	trailOf  = check(evidence.ControlSource, "CloudTrail.1", "all_pass", "account")
	trail    = check(evidence.TrailSource, evidence.TrailKey, "all_pass", "account")
	recorder = check(evidence.RecorderSource, evidence.RecorderKey, "all_pass", "account")
	rule     = check(evidence.RuleSource, "root-mfa", "all_pass", "account")
)

func check(source, key, expect, level string) questionnaire.Check {
	return questionnaire.Check{ID: "c", Choice: "a", Source: source, Key: key, Expect: expect, Level: level}
}

// credentials sets keys and keeps the machine's own configuration out.
func credentials(t *testing.T) {
	t.Helper()
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(k, v)
	}
}

// setup is a house that collects from an AWS of our own.
func setup(t *testing.T, w awstest.World, opts awscloud.Options) (*evidencetest.House, *awstest.Server, *awscloud.Collector) {
	t.Helper()
	aws, err := awstest.Start("127.0.0.1:0", w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = aws.Close() })
	credentials(t)
	t.Setenv("AWS_ENDPOINT_URL", aws.URL)
	if opts.MaxBackoff == 0 {
		opts.MaxBackoff = time.Millisecond
	}
	c, err := awscloud.New(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	var regions []string
	for r := range w.Regions {
		regions = append(regions, r)
	}
	h := evidencetest.New(t, account, regions...)
	return h, aws, c
}

// world is one Region with what r holds.
func world(r awstest.Region) awstest.World {
	return awstest.World{Account: account, Regions: map[string]*awstest.Region{eu: &r}}
}

func passed(control string, resources ...string) []awstest.Finding {
	var out []awstest.Finding
	for _, r := range resources {
		out = append(out, awstest.Finding{Control: control, Resource: r, Status: "PASSED", Workflow: "RESOLVED"})
	}
	return out
}

func expect(t *testing.T, v evidence.Verdict, want evidence.State, reason string, says ...string) {
	t.Helper()
	if v.Verdict != want || v.Reason != reason {
		t.Errorf("the verdict is %s (%q), want %s (%q): %s", v.Verdict, v.Reason, want, reason, v.Detail)
	}
	for _, s := range says {
		if !strings.Contains(v.Detail, s) {
			t.Errorf("the sentence is %q, want %q in it", v.Detail, s)
		}
	}
}

func TestReadsABelievableAccount(t *testing.T) {
	controls := []string{"S3.1", "CloudTrail.1", "RDS.3", "EC2.7", "DynamoDB.2", "Lambda.1", "ECS.4"}
	w := awstest.Believable(account, []string{eu, us}, controls, map[string]string{"app": "payments"})
	w.Regions[eu].Rules = []awstest.Rule{{Name: "root-mfa"}}
	w.Regions[us].Rules = []awstest.Rule{{Name: "root-mfa-conformance-pack-a1b2c3", Compliance: "COMPLIANT"}, {Name: "another", Compliance: "NON_COMPLIANT"}}
	h, aws, c := setup(t, w, awscloud.Options{})
	aws.Strict()
	h.Scope(t, []string{account}, []string{eu, us}, "app=payments")
	all := []questionnaire.Check{trail, recorder, rule}
	for _, key := range controls {
		all = append(all, check(evidence.ControlSource, key, "all_pass", "resource"))
	}
	h.Publish(all...)
	h.Work(t, c)
	run := h.Collect(t)
	if run.State != evidence.Complete {
		t.Fatalf("the run is %s: %s", run.State, said(run))
	}
	if done, total := run.Done(); done != total || total != 8 {
		t.Errorf("%d of %d lines are done, want 8 of 8", done, total)
	}
	expect(t, h.Verdict(t, trail), evidence.Supports, "")
	expect(t, h.Verdict(t, recorder), evidence.Supports, "")
	expect(t, h.Verdict(t, rule), evidence.Supports, "")
	for _, key := range controls {
		v := h.Verdict(t, check(evidence.ControlSource, key, "all_pass", "resource"))
		if v.Passed+v.Failed+v.Suppressed != 6 {
			t.Errorf("%s: %+v, want 6 resources", key, v)
		}
	}
	if throttled := len(aws.Calls("GetFindings")); throttled != 2 {
		t.Errorf("GetFindings was called %d times for 7 controls in 2 Regions, want 2", throttled)
	}
	first := h.Count(t, `select count(*) from facts`)
	before := h.Count(t, `select sum(xmin::text::bigint % 1000000007) from facts where source = 'securityhub.control'`)
	if h.Collect(t).State != evidence.Complete || h.Count(t, `select count(*) from facts`) != first {
		t.Error("a second run on the same account is not the same")
	}
	if after := h.Count(t, `select sum(xmin::text::bigint % 1000000007) from facts where source = 'securityhub.control'`); after != before {
		t.Error("a second run wrote facts that had not changed")
	}
}

// said is what the ledger says.
func said(run evidence.Run) string {
	var b strings.Builder
	for _, c := range run.Cells {
		fmt.Fprintf(&b, "\n%s %s %s %s %q %q", c.Region, c.Source, c.State, c.Result, c.Detail, c.Permission)
	}
	return b.String()
}
