package awscloud_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
)

const centre = "999999999999"

// organisation is an account behind a role, and the hub that Orrery's own keys belong to.
func organisation(change func(w *awstest.World)) awstest.World {
	sound := awstest.Region{Recorders: []awstest.Recorder{{Name: "default"}}, Answers: awstest.Sound(account, eu, nil)}
	sound.Findings = []awstest.Finding{{Control: "S3.1", Resource: "own", Status: "PASSED"}, {Control: "EC2.7", Resource: "own", Status: "PASSED"}}
	sound.Rules = []awstest.Rule{{Name: "root-mfa"}, {Name: "own-rule"}}
	w := awstest.World{Account: account, Own: centre, Roles: map[string]awstest.Role{roleARN: {ExternalID: "x"}}, Regions: map[string]*awstest.Region{eu: &sound, us: {}}}
	w.Hub = &awstest.Hub{Region: us, Findings: []awstest.Finding{
		{Control: "S3.1", Region: eu, Resource: "bucket", Status: "FAILED"}, {Control: "S3.1", Region: us, Resource: "elsewhere", Status: "FAILED"},
		{Account: "888888888888", Control: "EC2.7", Region: eu, Resource: "theirs", Status: "PASSED"},
	}, Rules: []awstest.AggregatedRule{{Region: eu, Name: "root-mfa"}, {Region: us, Name: "own-rule"}, {Account: "888888888888", Region: eu, Name: "own-rule"}}}
	if change != nil {
		change(&w)
	}
	return w
}

// throughHub asks for two controls and two rules, by the hub first.
func throughHub() evidence.Ask {
	return evidence.Ask{
		Controls: []string{"S3.1", "EC2.7"}, ConfigRules: []string{"root-mfa", "own-rule"}, Access: evidence.Access{RoleARN: roleARN, ExternalID: "x"},
		Hub: &evidence.Hub{Account: centre, Region: us, Sources: []string{evidence.ControlSource, evidence.RuleSource}},
	}
}

func (r reading) of(control string) evidence.Observation {
	for _, f := range r.facts {
		if f.Control == control {
			return f
		}
	}
	return evidence.Observation{}
}

// The hub tells what it holds, and the account is asked for the rest only.
func TestHubFirst(t *testing.T) {
	for _, careless := range []bool{false, true} {
		r, aws := read(t, organisation(func(w *awstest.World) { w.Careless = careless }), throughHub(), awscloud.Options{Unlimited: true})
		for source, told := range map[string]string{evidence.ControlSource: "told of 1 of 2", evidence.RuleSource: "told of 1 of 2"} {
			if o := r.outcomes[source]; o.Result != evidence.OK || !strings.Contains(o.Detail, centre) || !strings.Contains(o.Detail, told) || o.Permission != "" {
				t.Errorf("%s: %+v", source, o)
			}
		}
		if f := r.of("S3.1"); f.State != evidence.Fail || f.Resource != "bucket" || !strings.Contains(string(f.Detail), `"seen_at":"account `+centre+", "+us) {
			t.Errorf("what the hub holds: %+v %s", f, f.Detail)
		}
		if f := r.of("EC2.7"); f.State != evidence.Pass || f.Resource != "own" || strings.Contains(string(f.Detail), "seen_at") {
			t.Errorf("what the account says: %+v %s", f, f.Detail)
		}
		if f := r.of("root-mfa"); f.State != evidence.Pass || !strings.Contains(string(f.Detail), `"seen_at":"account `+centre) {
			t.Errorf("what the aggregator says: %+v %s", f, f.Detail)
		}
		if f := r.of("own-rule"); f.State != evidence.Pass || strings.Contains(string(f.Detail), "seen_at") {
			t.Errorf("what the account says: %+v %s", f, f.Detail)
		}
		if len(r.facts) != 4 {
			t.Errorf("%d facts: %+v", len(r.facts), r.facts)
		}
		for _, call := range aws.Calls("GetFindings") {
			if own := strings.HasPrefix(call.KeyID, "ASIA"); own && (strings.Contains(call.Body, "S3.1") || call.Region != eu) || !own && call.Region != us {
				t.Errorf("GetFindings with %s in %s: %s", call.KeyID, call.Region, call.Body)
			}
		}
	}
}

// A compliant rule of the aggregator still rests on the account's own recorder.
func TestHubRestsOnTheRecorder(t *testing.T) {
	r, _ := read(t, organisation(func(w *awstest.World) { w.Regions[eu].Recorders[0].Stopped = true }), throughHub(), awscloud.Options{Unlimited: true})
	if f := r.of("root-mfa"); f.State != evidence.Unknown || f.Reason != evidence.RecorderOff {
		t.Errorf("%+v", f)
	}
	r, _ = read(t, organisation(func(w *awstest.World) { w.Roles = nil; w.Hub.Rules[0].Compliance = "NON_COMPLIANT" }), throughHub(), awscloud.Options{Unlimited: true})
	if f := r.of("root-mfa"); f.State != evidence.Fail {
		t.Errorf("%+v", f)
	}
	r, _ = read(t, organisation(func(w *awstest.World) { w.Roles = nil }), throughHub(), awscloud.Options{Unlimited: true})
	if f := r.of("root-mfa"); f.State != evidence.Unknown || f.Reason != evidence.RecorderUnread {
		t.Errorf("without the account: %+v", f)
	}
}

// Where the account cannot be asked, what the hub is silent about cannot be told, and never passes.
func TestHubWithoutTheAccount(t *testing.T) {
	worlds := map[string]func(w *awstest.World){
		"no role":             func(w *awstest.World) { w.Roles = nil },
		"the Region is off":   func(w *awstest.World) { w.Regions[eu] = nil },
		"Security Hub is off": func(w *awstest.World) { w.Regions[eu].HubOff = true },
	}
	for name, change := range worlds {
		t.Run(name, func(t *testing.T) {
			w := organisation(func(w *awstest.World) {
				w.Hub.Findings[0].Status = "PASSED"
				w.Regions[eu].Findings = nil
				w.Regions[eu].PerStandard = true
			})
			change(&w)
			r, _ := read(t, w, throughHub(), awscloud.Options{Unlimited: true})
			if o := r.outcomes[evidence.ControlSource]; o.Result != evidence.OK || !strings.Contains(o.Detail, "told of 1 of 2") {
				t.Fatalf("%+v", o)
			}
			for control, want := range map[string]evidence.State{"S3.1": evidence.Supports, "EC2.7": evidence.CannotTell} {
				c := buckets
				c.Key = control
				only := reading{outcomes: r.outcomes, facts: slices.DeleteFunc(slices.Clone(r.facts), func(f evidence.Observation) bool { return f.Control != control })}
				if v := only.verdict(c, nil); v.Verdict != want {
					t.Errorf("%s: %s %q", control, v.Verdict, v.Detail)
				}
			}
		})
	}
}

// Where the hub cannot tell, the account is asked for everything, and the ledger says why.
func TestHubCannotTell(t *testing.T) {
	tests := map[string]struct {
		world  func(w *awstest.World)
		op     string
		fault  awstest.Fault
		source string
		says   string
	}{
		"not a member":          {func(w *awstest.World) { w.Hub.Strangers = true }, "", awstest.Fault{}, evidence.ControlSource, "is no member of Security Hub"},
		"not linked":            {func(w *awstest.World) { w.Hub.Linking, w.Hub.Linked = "SPECIFIED_REGIONS", []string{"eu-north-1"} }, "", awstest.Fault{}, evidence.ControlSource, "is not linked"},
		"left out":              {func(w *awstest.World) { w.Hub.Linking, w.Hub.Linked = "ALL_REGIONS_EXCEPT_SPECIFIED", []string{eu} }, "", awstest.Fault{}, evidence.ControlSource, "is not linked"},
		"no finding aggregator": {func(w *awstest.World) { w.Hub.Unlinked = true }, "", awstest.Fault{}, evidence.ControlSource, "is not linked"},
		"denied":                {nil, "ListFindingAggregators", awstest.Fault{Status: 403, Code: "AccessDeniedException"}, evidence.ControlSource, "securityhub:ListFindingAggregators"},
		"garbage":               {nil, "GetMembers", awstest.Fault{Raw: "{garbage"}, evidence.ControlSource, "could not be read"},
		"no aggregator":         {func(w *awstest.World) { w.Hub.NoCollector = true }, "", awstest.Fault{}, evidence.RuleSource, "has no aggregator"},
		"outdated":              {func(w *awstest.World) { w.Hub.Outdated = []string{account} }, "", awstest.Fault{}, evidence.RuleSource, "could not update"},
		"throttled":             {nil, "DescribeAggregateComplianceByConfigRules", awstest.Fault{Code: "ThrottlingException"}, evidence.RuleSource, "too many requests"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.fault.Forever = true
			r, aws := read(t, organisation(tt.world), throughHub(), awscloud.Options{Unlimited: true, MaxAttempts: 2}, func(s *awstest.Server) {
				if tt.op != "" {
					s.Fail(tt.op, tt.fault)
				}
			})
			o := r.outcomes[tt.source]
			if o.Result != evidence.OK || !strings.HasPrefix(o.Detail, "The hub could not tell. ") || !strings.Contains(o.Detail, tt.says) || !strings.Contains(o.Detail, "The account itself was asked.") {
				t.Errorf("%+v", o)
			}
			if name == "denied" && o.Permission != "securityhub:ListFindingAggregators" {
				t.Errorf("what would mend it: %q", o.Permission)
			}
			if tt.source == evidence.ControlSource {
				if f := r.of("S3.1"); f.Resource != "own" {
					t.Errorf("the account was not asked: %+v", f)
				}
				if n := len(aws.Calls("GetFindings")); n != 1 {
					t.Errorf("%d calls of GetFindings", n)
				}
			}
		})
	}
}

// A stranger to the hub whose own role is missing cannot be told about, whatever the hub holds.
func TestHubAndAStranger(t *testing.T) {
	r, _ := read(t, organisation(func(w *awstest.World) {
		w.Hub.Strangers, w.Roles = true, nil
		w.Hub.Findings[0].Status = "PASSED"
	}), throughHub(), awscloud.Options{Unlimited: true})
	o := r.outcomes[evidence.ControlSource]
	if o.Result != evidence.Denied || o.Permission != "sts:AssumeRole" || !strings.Contains(o.Detail, "no member") {
		t.Errorf("%+v", o)
	}
	if v := r.verdict(buckets, nil); v.Verdict != evidence.CannotTell || v.Reason != "denied" {
		t.Errorf("the verdict is %s (%s): %q", v.Verdict, v.Reason, v.Detail)
	}
	r, _ = read(t, organisation(func(w *awstest.World) { w.Own = "777777777777" }), throughHub(), awscloud.Options{Unlimited: true})
	if o := r.outcomes[evidence.ControlSource]; o.Result != evidence.OK || !strings.Contains(o.Detail, "777777777777") || r.of("S3.1").Resource != "own" {
		t.Errorf("credentials that are not the hub's: %+v", o)
	}
}

// Many cells together ask the hub no faster than its limit, and for its links once.
func TestHubKeepsTheLimit(t *testing.T) {
	w := organisation(nil)
	aws, err := awstest.Start("127.0.0.1:0", w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = aws.Close() })
	aws.Strict()
	credentials(t)
	t.Setenv("AWS_ENDPOINT_URL", aws.URL)
	c, err := awscloud.New(context.Background(), awscloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ask := throughHub()
	ask.Controls, ask.ConfigRules = []string{"S3.1"}, nil
	var wg sync.WaitGroup
	begun := time.Now()
	for range 14 {
		wg.Go(func() {
			list := c.Collect(context.Background(), evidence.Cell{Account: account, Region: eu}, ask, func(string, []evidence.Observation) error { return nil })
			if list[0].Result != evidence.OK || !strings.Contains(list[0].Detail, "told of 1 of 1") {
				t.Errorf("%+v", list[0])
			}
		})
	}
	wg.Wait()
	if n := len(aws.Calls("GetFindings")); n != 14 || time.Since(begun) < 2900*time.Millisecond {
		t.Errorf("%d calls of GetFindings in %s: some were too fast and came again", n, time.Since(begun))
	}
	if n := len(aws.Calls("ListFindingAggregators")); n != 1 {
		t.Errorf("the links were read %d times", n)
	}
	for _, call := range aws.Calls("GetFindings") {
		if !strings.Contains(call.Body, `"MaxResults":100`) || !strings.Contains(call.Body, fmt.Sprintf("%q", account)) {
			t.Errorf("asked for %s", call.Body)
		}
	}
}

// A run asks the hub for connected accounts, and only for what its connection does not leave out.
func TestRunAsksTheHub(t *testing.T) {
	h, aws, c := setup(t, organisation(nil), awscloud.Options{Unlimited: true})
	h.Publish(buckets)
	h.Work(t, c)
	head, err := h.Service.AddConnection(context.Background(), admin, evidence.ConnectionInput{
		Account: centre, Name: "Security", TeamKey: "ledger", Mode: evidence.DefaultChain, Sources: evidence.Sources(), Hub: true, HubRegion: us})
	if err != nil {
		t.Fatal(err)
	}
	if h.Collect(t); len(aws.Calls("GetMembers")) != 0 {
		t.Error("the hub was asked about an account that nobody connected")
	}
	connect(t, h, nil) // whose role is not there yet
	run := h.Collect(t)
	if cell := run.Cells[0]; cell.Result != evidence.OK || !strings.Contains(cell.Detail, "The hub (account "+centre) {
		t.Fatalf("through the hub: %s", said(run))
	}
	expect(t, h.Verdict(t, buckets), evidence.Contradicts, "")
	in := evidence.ConnectionInput{Name: "Security", TeamKey: "ledger", Mode: evidence.DefaultChain, Sources: []string{evidence.TrailSource}, Hub: true, HubRegion: us}
	if _, err := h.Service.ChangeConnection(context.Background(), admin, head.ID, head.Version, in); err != nil {
		t.Fatal(err)
	}
	if run = h.Collect(t); run.Cells[0].Result != evidence.Denied || strings.Contains(run.Cells[0].Detail, "hub") {
		t.Errorf("without it: %s", said(run))
	}
}
