package awscloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
)

// reading is what one cell gave.
type reading struct {
	facts    []evidence.Observation
	outcomes map[string]evidence.Outcome
}

// read reads account, eu-west-1 without a database.
func read(t *testing.T, w awstest.World, ask evidence.Ask, opts awscloud.Options, prepare ...func(*awstest.Server)) (reading, *awstest.Server) {
	t.Helper()
	aws, err := awstest.Start("127.0.0.1:0", w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = aws.Close() })
	for _, p := range prepare {
		p(aws)
	}
	credentials(t)
	t.Setenv("AWS_ENDPOINT_URL", aws.URL)
	return readFrom(t, ask, opts), aws
}

func readFrom(t *testing.T, ask evidence.Ask, opts awscloud.Options) reading {
	t.Helper()
	if opts.MaxBackoff == 0 {
		opts.MaxBackoff = time.Millisecond
	}
	c, err := awscloud.New(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	r := reading{outcomes: map[string]evidence.Outcome{}}
	list := c.Collect(context.Background(), evidence.Cell{Account: account, Region: eu}, ask, func(source string, facts []evidence.Observation) error {
		for _, f := range facts {
			if len(f.Detail) > evidence.MaxDetail {
				t.Errorf("the document of %s has %d bytes", f.Resource, len(f.Detail))
			}
		}
		r.facts = append(r.facts, facts...)
		return nil
	})
	for _, o := range list {
		r.outcomes[o.Source] = o
	}
	return r
}

func controls(keys ...string) evidence.Ask { return evidence.Ask{Controls: keys} }

func (r reading) only(t *testing.T) evidence.Observation {
	t.Helper()
	if len(r.facts) != 1 {
		t.Fatalf("%d facts, want one: %+v; %+v", len(r.facts), r.facts, r.outcomes)
	}
	return r.facts[0]
}

// What AWS answers, and what the ledger says of it.
func TestOutcomes(t *testing.T) {
	forever := func(op string, f awstest.Fault) func(*awstest.Server) {
		f.Forever = true
		return func(s *awstest.Server) { s.Fail(op, f) }
	}
	all := evidence.Ask{Controls: []string{"S3.1"}, ConfigRules: []string{"root-mfa"}, Recorder: true, Trail: true}
	tests := []struct {
		name       string
		ask        evidence.Ask
		fault      func(*awstest.Server)
		source     string
		want       evidence.Result
		permission string
		says       string
	}{
		{"findings denied", all, forever("GetFindings", awstest.Fault{Status: 403, Code: "AccessDeniedException", Message: "User: arn:aws:iam::111111111111:role/o is not authorized to perform: securityhub:GetFindings on resource: x"}), evidence.ControlSource, evidence.Denied, "securityhub:GetFindings", "Access was denied to securityhub:GetFindings in account 111111111111, eu-west-1."},
		{"denied without a name", all, forever("GetFindings", awstest.Fault{Status: 403, Code: "AccessDeniedException", Message: "no"}), evidence.ControlSource, evidence.Denied, "securityhub:GetFindings", ""},
		{"denied by the organisation", all, forever("DescribeTrails", awstest.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: cloudtrail:DescribeTrails with an explicit deny in a service control policy"}), evidence.TrailSource, evidence.Denied, "cloudtrail:DescribeTrails", "a service control policy forbids it"},
		{"delivery denied", all, forever("DescribeDeliveryChannelStatus", awstest.Fault{Code: "AccessDenied", Message: "no"}), evidence.RecorderSource, evidence.Denied, "config:DescribeDeliveryChannelStatus", ""},
		{"recorder denied", all, forever("DescribeConfigurationRecorderStatus", awstest.Fault{Code: "AccessDenied", Message: "no"}), evidence.RecorderSource, evidence.Denied, "config:DescribeConfigurationRecorderStatus", ""},
		{"rules denied", all, forever("DescribeConfigRules", awstest.Fault{Code: "AccessDeniedException"}), evidence.RuleSource, evidence.Denied, "config:DescribeConfigRules", ""},
		{"compliance denied", all, forever("DescribeComplianceByConfigRule", awstest.Fault{Code: "AccessDeniedException"}), evidence.RuleSource, evidence.Denied, "config:DescribeComplianceByConfigRule", ""},
		{"compliance fails", all, forever("DescribeComplianceByConfigRule", awstest.Fault{Status: 500, Code: "InternalFailure", Message: "oh"}), evidence.RuleSource, evidence.Partial, "", "answered with status 500"},
		{"settings denied", all, forever("BatchGetSecurityControls", awstest.Fault{Status: 403, Code: "AccessDeniedException"}), evidence.ControlSource, evidence.OK, "securityhub:BatchGetSecurityControls", "All findings were read."},
		{"hub denied", all, forever("DescribeHub", awstest.Fault{Status: 403, Code: "AccessDeniedException"}), evidence.ControlSource, evidence.OK, "securityhub:DescribeHub", ""},
		{"hub denied and off", all, func(s *awstest.Server) {
			s.Fail("DescribeHub", awstest.Fault{Status: 403, Code: "AccessDeniedException"})
			s.Change(func(w *awstest.World) { w.Regions[eu].HubOff = true })
		}, evidence.ControlSource, evidence.Off, "", "Security Hub is not enabled in account 111111111111, eu-west-1."},
		{"throttled out", all, forever("GetFindings", awstest.Fault{Status: 429, Code: "TooManyRequestsException", Message: "Rate exceeded"}), evidence.ControlSource, evidence.Throttled, "", "8 times in a row"},
		{"config throttled out", all, forever("DescribeConfigRules", awstest.Fault{Code: "ThrottlingException", Message: "Rate exceeded"}), evidence.RuleSource, evidence.Throttled, "", ""},
		{"expired", all, forever("GetFindings", awstest.Fault{Status: 403, Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}), evidence.ControlSource, evidence.Expired, "", ""},
		{"expired at once", all, forever("GetCallerIdentity", awstest.Fault{Status: 403, Code: "ExpiredToken", Message: "expired"}), evidence.TrailSource, evidence.Expired, "", ""},
		{"Region off for one service", all, forever("GetFindings", awstest.Fault{Status: 403, Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."}), evidence.ControlSource, evidence.RegionOff, "", "The Region eu-west-1 is not enabled"},
		{"no recorder for rules", all, forever("DescribeConfigRules", awstest.Fault{Code: "NoAvailableConfigurationRecorderException", Message: "none"}), evidence.RuleSource, evidence.Off, "", "no configuration recorder"},
		{"garbage", all, forever("GetFindings", awstest.Fault{Raw: "<html>not JSON"}), evidence.ControlSource, evidence.Error, "", "could not be read"},
		{"half an answer", all, forever("DescribeTrails", awstest.Fault{Raw: `{"trailList": [{"Name": "x"`}), evidence.TrailSource, evidence.Error, "", "could not be read"},
		{"too large an answer", all, forever("GetFindings", awstest.Fault{Raw: `{"Findings": [], "X": "` + strings.Repeat("x", 33<<20) + `"}`}), evidence.ControlSource, evidence.Error, "", "larger than 32 MB"},
		{"server error", all, forever("GetFindings", awstest.Fault{Status: 500, Code: "InternalException", Message: "Internal server error."}), evidence.ControlSource, evidence.Error, "", "Security Hub answered with status 500 in account 111111111111, eu-west-1: InternalException Internal server error."},
		{"dropped for ever", all, forever("DescribeTrails", awstest.Fault{Drop: true}), evidence.TrailSource, evidence.Error, "", "could not be reached"},
		{"clock is wrong", all, forever("GetFindings", awstest.Fault{Status: 403, Code: "InvalidSignatureException", Message: "Signature expired"}), evidence.ControlSource, evidence.Error, "", "clock"},
		{"the same page for ever", all, forever("GetFindings", awstest.Fault{Raw: `{"Findings": [], "NextToken": "again"}`}), evidence.ControlSource, evidence.Partial, "", "the same page twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := awstest.Believable(account, []string{eu}, []string{"S3.1"}, nil)
			w.Regions[eu].Rules = []awstest.Rule{{Name: "root-mfa"}}
			opts := awscloud.Options{Unlimited: true}
			if tt.name == "too large an answer" {
				opts.MaxAttempts = 1
			}
			r, _ := read(t, w, tt.ask, opts, tt.fault)
			o := r.outcomes[tt.source]
			if o.Result != tt.want || o.Permission != tt.permission || !strings.Contains(o.Detail, tt.says) {
				t.Errorf("got %+v, want %s, permission %q, %q said", o, tt.want, tt.permission, tt.says)
			}
			if o.Result != evidence.OK && !strings.HasSuffix(o.Detail, ".") {
				t.Errorf("%q is no sentence", o.Detail)
			}
			for _, f := range r.facts {
				if o.Result != evidence.OK && f.State == evidence.Pass && tt.source == evidence.RuleSource && f.Control == "root-mfa" {
					t.Error("a rule that was not read passes")
				}
			}
			if len(r.outcomes) != 4 {
				t.Errorf("%d outcomes, want one for each source", len(r.outcomes))
			}
		})
	}
}

func TestTriesAgain(t *testing.T) {
	for name, f := range map[string]awstest.Fault{
		"throttled": {Status: 429, Code: "TooManyRequestsException", Message: "Rate exceeded"},
		"dropped":   {Drop: true},
		"failed":    {Status: 500, Code: "InternalException"},
	} {
		t.Run(name, func(t *testing.T) {
			r, aws := read(t, world(awstest.Region{Findings: passed("S3.1", "a")}), controls("S3.1"), awscloud.Options{}, func(s *awstest.Server) { s.Fail("GetFindings", f, f, f) })
			if o := r.outcomes[evidence.ControlSource]; o.Result != evidence.OK || r.only(t).State != evidence.Pass {
				t.Errorf("got %+v", o)
			}
			if n := len(aws.Calls("GetFindings")); n != 4 {
				t.Errorf("%d calls, want 4", n)
			}
		})
	}
}

func TestPagesAskTheSame(t *testing.T) {
	var names []string
	for i := range 250 {
		names = append(names, fmt.Sprintf("bucket-%03d", i))
	}
	r, aws := read(t, world(awstest.Region{Findings: passed("S3.1", names...)}), controls("S3.1", "S3.2"), awscloud.Options{})
	if o := r.outcomes[evidence.ControlSource]; o.Result != evidence.OK || len(r.facts) != 251 { // and the silence of S3.2
		t.Fatalf("%d facts, %+v", len(r.facts), o)
	}
	calls := aws.Calls("GetFindings")
	if len(calls) != 3 {
		t.Fatalf("%d pages, want 3", len(calls))
	}
	var first map[string]any
	for i, c := range calls {
		var in map[string]any
		if err := json.Unmarshal([]byte(c.Body), &in); err != nil {
			t.Fatal(err)
		}
		delete(in, "NextToken")
		if i == 0 {
			first = in
		} else if fmt.Sprint(in) != fmt.Sprint(first) {
			t.Errorf("page %d asks for something else:\n%v\n%v", i+1, in, first)
		}
	}
	filters := first["Filters"].(map[string]any)
	for _, name := range []string{"AwsAccountId", "ComplianceSecurityControlId", "ProductArn", "RecordState", "UpdatedAt"} {
		if filters[name] == nil {
			t.Errorf("the request does not filter by %s: %v", name, filters)
		}
	}
	if n := len(filters["AwsAccountId"].([]any)); n != 1 {
		t.Errorf("the request names %d accounts", n)
	}
}

func TestAsksForTwentyControlsAtOnce(t *testing.T) {
	var keys []string
	for i := range 45 {
		keys = append(keys, fmt.Sprintf("S3.%d", i+1))
	}
	_, aws := read(t, world(awstest.Region{}), controls(keys...), awscloud.Options{})
	calls := aws.Calls("GetFindings")
	if len(calls) != 3 || strings.Count(calls[0].Body, `"S3.`) != 20 || strings.Count(calls[2].Body, `"S3.`) != 5 {
		t.Errorf("45 controls took %d calls", len(calls))
	}
}

func TestEndlessPages(t *testing.T) {
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprint(i))
	}
	r, aws := read(t, world(awstest.Region{Findings: passed("S3.1", names...)}), controls("S3.1"), awscloud.Options{MaxPages: 3})
	o := r.outcomes[evidence.ControlSource]
	if o.Result != evidence.Partial || !strings.Contains(o.Detail, "more than 3 pages") || len(r.facts) != 300 || len(aws.Calls("GetFindings")) != 3 {
		t.Errorf("got %d facts, %+v", len(r.facts), o)
	}
}

func TestDeadTokenStartsAgain(t *testing.T) {
	var names []string
	for i := range 150 {
		names = append(names, fmt.Sprint(i))
	}
	dead := awstest.Fault{Status: 400, Code: "InvalidInputException", Message: "Invalid NextToken"}
	r, aws := read(t, world(awstest.Region{Findings: passed("S3.1", names...)}), controls("S3.1"), awscloud.Options{}, func(s *awstest.Server) {
		s.Fail("GetFindings", awstest.Fault{Delay: time.Millisecond}, dead) // the first page, then its token is dead
	})
	if o := r.outcomes[evidence.ControlSource]; o.Result != evidence.OK || len(aws.Calls("GetFindings")) != 4 || len(r.facts) != 250 {
		t.Errorf("%d facts in %d calls, %+v", len(r.facts), len(aws.Calls("GetFindings")), o)
	}
}

// With its own limit and AWS's limit enforced nothing is ever throttled.
func TestKeepsToTheRate(t *testing.T) {
	var names []string
	for i := range 1200 {
		names = append(names, fmt.Sprint(i))
	}
	r, aws := read(t, world(awstest.Region{Findings: passed("S3.1", names...)}), controls("S3.1"), awscloud.Options{MaxAttempts: 1}, (*awstest.Server).Strict)
	if o := r.outcomes[evidence.ControlSource]; o.Result != evidence.OK || len(aws.Calls("GetFindings")) != 12 {
		t.Errorf("%d calls, %+v", len(aws.Calls("GetFindings")), o)
	}
}

func TestWhoseCredentials(t *testing.T) {
	ask := evidence.Ask{Controls: []string{"S3.1"}, Recorder: true, Trail: true}
	t.Run("another account's", func(t *testing.T) {
		w := awstest.Believable("999999999999", []string{eu}, []string{"S3.1"}, nil)
		r, aws := read(t, w, ask, awscloud.Options{})
		if len(r.facts) != 0 || len(aws.Calls()) != 1 {
			t.Errorf("%d facts from %d calls", len(r.facts), len(aws.Calls()))
		}
		for source, o := range r.outcomes {
			if o.Result != evidence.WrongAccount || !strings.Contains(o.Detail, "999999999999") {
				t.Errorf("%s: %+v", source, o)
			}
		}
	})
	t.Run("of a Region that is off", func(t *testing.T) {
		w := awstest.Believable(account, []string{us}, nil, nil)
		r, _ := read(t, w, ask, awscloud.Options{})
		if o := r.outcomes[evidence.TrailSource]; o.Result != evidence.RegionOff || !strings.Contains(o.Detail, "eu-west-1") {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("nobody's", func(t *testing.T) {
		r, _ := read(t, awstest.World{Account: account}, ask, awscloud.Options{})
		if o := r.outcomes[evidence.TrailSource]; o.Result != evidence.Error || !strings.Contains(o.Detail, "does not know these credentials") {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("none at all", func(t *testing.T) {
		credentials(t)
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
		r := readFrom(t, ask, awscloud.Options{})
		if o := r.outcomes[evidence.TrailSource]; o.Result != evidence.Error || !strings.Contains(o.Detail, "No AWS credentials were found") {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("nothing listens", func(t *testing.T) {
		credentials(t)
		t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
		r := readFrom(t, ask, awscloud.Options{MaxAttempts: 2})
		if o := r.outcomes[evidence.TrailSource]; o.Result != evidence.Error || !strings.Contains(o.Detail, "could not be reached") {
			t.Errorf("got %+v", o)
		}
	})
}

func TestCallsEndInTime(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	begun := time.Now()
	r, _ := read(t, world(awstest.Region{}), controls("S3.1"), awscloud.Options{CallTimeout: 200 * time.Millisecond}, func(s *awstest.Server) {
		s.Fail("GetFindings", awstest.Fault{Hold: hold, Forever: true})
	})
	if o := r.outcomes[evidence.ControlSource]; o.Result != evidence.Error || !strings.Contains(o.Detail, "did not answer in time") || time.Since(begun) > 20*time.Second {
		t.Errorf("after %v: %+v", time.Since(begun), o)
	}
}

func TestSurvivesAHundredLargeAnswers(t *testing.T) {
	big := passed("S3.1", "a", "b", "c")
	for i := range big {
		big[i].Details = map[string]any{"policy": strings.Repeat("x", 3000)}
	}
	aws, err := awstest.Start("127.0.0.1:0", world(awstest.Region{Findings: big}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = aws.Close() }()
	credentials(t)
	t.Setenv("AWS_ENDPOINT_URL", aws.URL)
	for range 100 {
		if o := readFrom(t, controls("S3.1"), awscloud.Options{MaxAttempts: 1, Unlimited: true}).outcomes[evidence.ControlSource]; o.Result != evidence.OK {
			t.Fatalf("got %+v", o)
		}
	}
	if n := len(aws.Calls("GetFindings")); n != 100 {
		t.Errorf("%d calls, want 100: a retry hid a lost connection", n)
	}
}

func TestSignsForTheRegion(t *testing.T) {
	_, aws := read(t, world(awstest.Region{}), evidence.Ask{Controls: []string{"S3.1"}, Trail: true}, awscloud.Options{})
	for _, c := range aws.Calls() {
		if c.Region != eu || c.KeyID != "AKIDEXAMPLE" {
			t.Errorf("%s is signed for %q with %q", c.Op, c.Region, c.KeyID)
		}
	}
}
