package awscloud_test

import (
	"strings"
	"testing"
	"time"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
)

const own = "AWS::::Account:" + account

func TestFindingStates(t *testing.T) {
	tests := []struct {
		name    string
		finding awstest.Finding
		state   evidence.FactState
		reason  string
	}{
		{"passed", awstest.Finding{Status: "PASSED"}, evidence.Pass, ""},
		{"failed", awstest.Finding{Status: "FAILED"}, evidence.Fail, ""},
		{"failed, somebody set it to resolved", awstest.Finding{Status: "FAILED", Workflow: "RESOLVED"}, evidence.Fail, ""},
		{"failed, notified", awstest.Finding{Status: "FAILED", Workflow: "NOTIFIED"}, evidence.Fail, ""},
		{"failed and suppressed", awstest.Finding{Status: "FAILED", Workflow: "SUPPRESSED"}, evidence.Suppressed, ""},
		{"passed and suppressed", awstest.Finding{Status: "PASSED", Workflow: "SUPPRESSED"}, evidence.Suppressed, ""},
		{"passed on nothing", awstest.Finding{Status: "PASSED", Reasons: []string{"CONFIG_EVALUATIONS_EMPTY"}}, evidence.NotApplicable, evidence.Vacuous},
		{"passed with a proviso", awstest.Finding{Status: "PASSED", Reasons: []string{"SOMETHING_ELSE"}}, evidence.Unknown, "SOMETHING_ELSE"},
		{"warning", awstest.Finding{Status: "WARNING", Reasons: []string{"CONFIG_ACCESS_DENIED"}}, evidence.Unknown, "CONFIG_ACCESS_DENIED"},
		{"not available", awstest.Finding{Status: "NOT_AVAILABLE", Reasons: []string{"CONFIG_RULE_NOT_FOUND", "THROTTLING_ERROR"}}, evidence.Unknown, "CONFIG_RULE_NOT_FOUND, THROTTLING_ERROR"},
		{"not available, no reason", awstest.Finding{Status: "NOT_AVAILABLE"}, evidence.Unknown, evidence.NotEvaluated},
		{"no status", awstest.Finding{}, evidence.Unknown, evidence.NotEvaluated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.finding.Control, tt.finding.Resource = "S3.1", "arn:aws:s3:::logs"
			tt.finding.Tags, tt.finding.Application = map[string]string{"env": "prod", "app": "books"}, "arn:aws:servicecatalog:x"
			tt.finding.UpdatedAt = time.Now().Add(-3 * time.Hour).Truncate(time.Second)
			r, _ := read(t, world(awstest.Region{Findings: []awstest.Finding{tt.finding}}), controls("S3.1"), awscloud.Options{})
			f := r.only(t)
			if f.State != tt.state || f.Reason != tt.reason {
				t.Errorf("got %s (%q), want %s (%q)", f.State, f.Reason, tt.state, tt.reason)
			}
			if f.Control != "S3.1" || f.Resource != "arn:aws:s3:::logs" || strings.Join(f.Tags, " ") != "app=books env=prod" || f.ApplicationARN != "arn:aws:servicecatalog:x" || !f.ObservedAt.Equal(tt.finding.UpdatedAt) {
				t.Errorf("the fact is %+v", f)
			}
			if !strings.Contains(string(f.Detail), `"arn:aws:s3:::logs"`) || strings.Contains(string(f.Detail), "null") || !strings.Contains(string(f.Detail), `"control_severity":"MEDIUM"`) {
				t.Errorf("the document is %s", f.Detail)
			}
		})
	}
}

// The server may ignore filters; what belongs to somebody else is never a fact.
func TestFiltersAgain(t *testing.T) {
	mine := awstest.Finding{Control: "S3.1", Resource: "mine", Status: "PASSED"}
	others := []awstest.Finding{
		{Control: "S3.1", Resource: "other account", Status: "PASSED", Account: "222222222222"},
		{Control: "S3.1", Resource: "other Region", Status: "PASSED", Region: us},
		{Control: "S3.1", Resource: "other product", Status: "PASSED", Product: "arn:aws:securityhub:eu-west-1::product/aws/guardduty"},
		{Control: "S3.1", Resource: "product of another Region", Status: "PASSED", Product: "arn:aws:securityhub:us-east-1::product/aws/securityhub"},
		{Control: "S3.9", Resource: "other control", Status: "PASSED"},
		{Control: "S3.1", Resource: "archived", Status: "PASSED", Archived: true},
	}
	w := world(awstest.Region{Findings: append(others, mine)})
	w.Careless = true
	r, _ := read(t, w, controls("S3.1"), awscloud.Options{})
	if f := r.only(t); f.Resource != "mine" {
		t.Errorf("kept %q", f.Resource)
	}
}

func TestSilentControls(t *testing.T) {
	denied := awstest.Fault{Status: 403, Code: "AccessDeniedException", Forever: true}
	tests := []struct {
		name   string
		region awstest.Region
		fault  func(*awstest.Server)
		state  evidence.FactState
		reason string
	}{
		{"nothing of the kind", awstest.Region{}, nil, evidence.NotApplicable, evidence.NoFinding},
		{"disabled", awstest.Region{Disabled: []string{"S3.1"}}, nil, evidence.Unknown, evidence.ControlDisabled},
		{"unknown", awstest.Region{Unknown: []string{"S3.1"}}, nil, evidence.Unknown, evidence.ControlUnknown},
		{"standard incomplete", awstest.Region{Standard: "INCOMPLETE"}, nil, evidence.Unknown, evidence.StandardNotReady},
		{"enabled an hour ago", awstest.Region{HubSince: time.Now().Add(-time.Hour)}, nil, evidence.Unknown, evidence.TooEarly},
		{"findings per standard", awstest.Region{PerStandard: true}, nil, evidence.Unknown, evidence.NoFindingUnclear},
		{"settings denied", awstest.Region{}, func(s *awstest.Server) { s.Fail("BatchGetSecurityControls", denied) }, evidence.Unknown, evidence.NoFindingUnclear},
		{"standards denied", awstest.Region{}, func(s *awstest.Server) { s.Fail("GetEnabledStandards", denied) }, evidence.Unknown, evidence.NoFindingUnclear},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := read(t, world(tt.region), controls("S3.1"), awscloud.Options{}, func(s *awstest.Server) {
				if tt.fault != nil {
					tt.fault(s)
				}
			})
			f := r.only(t)
			if f.State != tt.state || f.Reason != tt.reason || f.Resource != own || !strings.HasSuffix(f.Title, ".") || !strings.Contains(f.Title, "S3.1") {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestRecorder(t *testing.T) {
	on := []awstest.Recorder{{Name: "default"}}
	tests := []struct {
		name      string
		recorders []awstest.Recorder
		delivery  awstest.Delivery
		state     evidence.FactState
		says      string
	}{
		{"records and delivers", on, awstest.Delivery{}, evidence.Pass, "default records in account 111111111111, eu-west-1, and its last delivery succeeded."},
		{"a recording pending", []awstest.Recorder{{Name: "default", Status: "PENDING"}}, awstest.Delivery{}, evidence.Pass, ""},
		{"stopped", []awstest.Recorder{{Name: "default", Stopped: true}}, awstest.Delivery{}, evidence.Fail, "is stopped"},
		{"fails to record", []awstest.Recorder{{Name: "default", Status: "FAILURE", ErrorCode: "NoSuchBucket"}}, awstest.Delivery{}, evidence.Fail, "its last recording failed (NoSuchBucket)"},
		{"no channel", on, awstest.Delivery{None: true}, evidence.Fail, "there is no delivery channel"},
		{"history is not delivered", on, awstest.Delivery{History: "FAILURE", ErrorCode: "AccessDenied"}, evidence.Fail, "its last delivery of history failed (AccessDenied)."},
		{"a snapshot is not delivered", on, awstest.Delivery{Snapshot: "FAILURE", ErrorCode: "NoSuchBucket"}, evidence.Fail, "its last delivery of a snapshot failed (NoSuchBucket)."},
		{"nothing delivered yet", on, awstest.Delivery{History: "NOT_APPLICABLE"}, evidence.Unknown, "has not delivered anything yet"},
		{"snapshots alone", on, awstest.Delivery{History: "NOT_APPLICABLE", Snapshot: "SUCCESS"}, evidence.Pass, ""},
		{"none", nil, awstest.Delivery{}, evidence.Fail, "no Config recorder of your own"},
		{"only a service's own", []awstest.Recorder{{Name: "AWSConfigurationRecorderForSecurityHub", Service: "securityhub.amazonaws.com"}}, awstest.Delivery{}, evidence.Fail, "no Config recorder of your own"},
		{"a service's own beside a stopped one", []awstest.Recorder{{Name: "s", Service: "x.amazonaws.com"}, {Name: "default", Stopped: true}}, awstest.Delivery{}, evidence.Fail, "is stopped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := read(t, world(awstest.Region{Recorders: tt.recorders, Delivery: tt.delivery}), evidence.Ask{Recorder: true}, awscloud.Options{})
			if f := r.only(t); f.State != tt.state || !strings.Contains(f.Title, tt.says) || f.Resource != own || f.Control != evidence.RecorderKey {
				t.Errorf("got %+v, want %s", f, tt.state)
			}
		})
		t.Run(tt.name+", and Config.1 passes", func(t *testing.T) {
			r, aws := read(t, world(awstest.Region{Recorders: tt.recorders, Delivery: tt.delivery, Findings: passed("Config.1", "")}), controls("Config.1"), awscloud.Options{})
			if f := r.only(t); f.State != tt.state || !strings.Contains(f.Title, tt.says) && tt.state != evidence.Pass {
				t.Errorf("got %+v, want %s", f, tt.state)
			}
			if n := len(aws.Calls("DescribeConfigurationRecorders")); n != 1 {
				t.Errorf("the recorder was read %d times", n)
			}
		})
	}
	t.Run("Config.1 passes and the recorder cannot be read", func(t *testing.T) {
		r, _ := read(t, world(awstest.Region{Findings: passed("Config.1", "")}), controls("Config.1"), awscloud.Options{}, func(s *awstest.Server) {
			s.Fail("DescribeConfigurationRecorders", awstest.Fault{Code: "AccessDeniedException", Forever: true})
		})
		if f := r.only(t); f.State != evidence.Unknown || f.Reason != evidence.RecorderUnread || !strings.Contains(f.Title, "config:DescribeConfigurationRecorders") {
			t.Errorf("got %+v", f)
		}
	})
}

func TestRules(t *testing.T) {
	on, off := []awstest.Recorder{{Name: "default"}}, []awstest.Recorder{{Name: "default", Stopped: true}}
	tests := []struct {
		name      string
		rules     []awstest.Rule
		recorders []awstest.Recorder
		state     evidence.FactState
		reason    string
	}{
		{"compliant", []awstest.Rule{{Name: "root-mfa"}}, on, evidence.Pass, ""},
		{"not compliant", []awstest.Rule{{Name: "root-mfa", Compliance: "NON_COMPLIANT"}}, on, evidence.Fail, ""},
		{"not compliant, recorder stopped", []awstest.Rule{{Name: "root-mfa", Compliance: "NON_COMPLIANT"}}, off, evidence.Fail, ""},
		{"compliant, recorder stopped", []awstest.Rule{{Name: "root-mfa"}}, off, evidence.Unknown, evidence.RecorderOff},
		{"insufficient data", []awstest.Rule{{Name: "root-mfa", Compliance: "INSUFFICIENT_DATA"}}, on, evidence.Unknown, evidence.InsufficientData},
		{"not applicable", []awstest.Rule{{Name: "root-mfa", Compliance: "NOT_APPLICABLE"}}, on, evidence.NotApplicable, evidence.RuleNotApplied},
		{"being deleted", []awstest.Rule{{Name: "root-mfa", State: "DELETING"}}, on, evidence.Unknown, evidence.RuleNotActive},
		{"absent", []awstest.Rule{{Name: "another"}}, on, evidence.Unknown, evidence.RuleAbsent},
		{"in a conformance pack", []awstest.Rule{{Name: "root-mfa-conformance-pack-x1y2z3"}}, on, evidence.Pass, ""},
		{"Security Hub's own is another rule", []awstest.Rule{{Name: "securityhub-root-mfa-1a2b3c"}}, on, evidence.Unknown, evidence.RuleAbsent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := read(t, world(awstest.Region{Rules: tt.rules, Recorders: tt.recorders}), evidence.Ask{ConfigRules: []string{"root-mfa"}}, awscloud.Options{})
			if f := r.only(t); f.State != tt.state || f.Reason != tt.reason || f.Control != "root-mfa" || f.Resource != own || !strings.HasSuffix(f.Title, ".") {
				t.Errorf("got %+v, want %s (%q)", f, tt.state, tt.reason)
			}
			if o := r.outcomes[evidence.RuleSource]; o.Result != evidence.OK {
				t.Errorf("got %+v", o)
			}
		})
	}
	t.Run("sixty rules on three pages", func(t *testing.T) {
		var rules []awstest.Rule
		for i := range 60 {
			rules = append(rules, awstest.Rule{Name: "rule-" + string(rune('a'+i%26)) + string(rune('a'+i/26))})
		}
		rules = append(rules, awstest.Rule{Name: "root-mfa"})
		r, aws := read(t, world(awstest.Region{Rules: rules, Recorders: on}), evidence.Ask{ConfigRules: []string{"root-mfa"}}, awscloud.Options{})
		if r.only(t).State != evidence.Pass || len(aws.Calls("DescribeConfigRules")) != 3 || strings.Contains(aws.Calls("DescribeComplianceByConfigRule")[0].Body, "rule-") {
			t.Errorf("got %+v", r)
		}
	})
}

func TestTrails(t *testing.T) {
	fresh := time.Now().Add(-time.Hour)
	working := awstest.Trail{Name: "main", DeliveredAt: fresh}
	stopped := awstest.Trail{Name: "old", DeliveredAt: fresh, Stopped: true}
	selector := func(m map[string]any) awstest.Trail {
		return awstest.Trail{Name: "main", DeliveredAt: fresh, Selectors: []map[string]any{m}}
	}
	advanced := func(fields ...map[string]any) awstest.Trail {
		return awstest.Trail{Name: "main", DeliveredAt: fresh, Advanced: []map[string]any{{"FieldSelectors": fields}}}
	}
	field := func(name, comparison string, values ...string) map[string]any {
		return map[string]any{"Field": name, comparison: values}
	}
	tests := []struct {
		name   string
		trails []awstest.Trail
		state  evidence.FactState
		reason string
		says   string
	}{
		{"works", []awstest.Trail{working}, evidence.Pass, "", "main records all management events"},
		{"none", nil, evidence.Fail, "no_trail", "There is no CloudTrail trail"},
		{"exists and is stopped", []awstest.Trail{stopped}, evidence.Fail, "not_logging", "The CloudTrail trail old does not work fully in account 111111111111, eu-west-1: it is not logging."},
		{"one works beside a stopped one", []awstest.Trail{stopped, working}, evidence.Pass, "", "main"},
		{"one Region", []awstest.Trail{{Name: "main", DeliveredAt: fresh, OneRegion: true}}, evidence.Fail, "one_region_only", "covers one Region only"},
		{"delivery fails", []awstest.Trail{{Name: "main", DeliveredAt: fresh, DeliveryError: "AccessDenied"}}, evidence.Fail, "delivery_error", "AccessDenied"},
		{"delivered long ago", []awstest.Trail{{Name: "main", DeliveredAt: time.Now().Add(-25 * time.Hour)}}, evidence.Fail, "late_delivery", "last delivered a log file on"},
		{"never delivered", []awstest.Trail{{Name: "main"}}, evidence.Fail, "never_delivered", ""},
		{"everything wrong", []awstest.Trail{{Name: "main", OneRegion: true, Stopped: true, DeliveryError: "NoSuchBucket"}}, evidence.Fail, "one_region_only, not_logging, delivery_error, never_delivered", "it covers one Region only, it is not logging, its last delivery failed (NoSuchBucket) and it has not delivered"},
		{"the closest is named", []awstest.Trail{{Name: "bad", OneRegion: true, Stopped: true}, stopped}, evidence.Fail, "not_logging", "The closest is old: it is not logging."},
		{"no management events", []awstest.Trail{selector(map[string]any{"ReadWriteType": "All", "IncludeManagementEvents": false})}, evidence.Fail, "no_management_events", ""},
		{"write only", []awstest.Trail{selector(map[string]any{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true})}, evidence.Fail, "no_read_events", ""},
		{"read only", []awstest.Trail{selector(map[string]any{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": true})}, evidence.Fail, "no_write_events", ""},
		{"a source left out", []awstest.Trail{selector(map[string]any{"ReadWriteType": "All", "IncludeManagementEvents": true, "ExcludeManagementEventSources": []string{"kms.amazonaws.com"}})}, evidence.Fail, "sources_excluded", "kms.amazonaws.com"},
		{"advanced, all", []awstest.Trail{advanced(field("eventCategory", "Equals", "Management"))}, evidence.Pass, "", ""},
		{"advanced, data only", []awstest.Trail{advanced(field("eventCategory", "Equals", "Data"))}, evidence.Fail, "no_management_events", ""},
		{"advanced, write only", []awstest.Trail{advanced(field("eventCategory", "Equals", "Management"), field("readOnly", "Equals", "false"))}, evidence.Fail, "no_read_events", ""},
		{"advanced, a source left out", []awstest.Trail{advanced(field("eventCategory", "Equals", "Management"), field("eventSource", "NotEquals", "kms.amazonaws.com"))}, evidence.Fail, "sources_excluded", "kms"},
		{"the organisation's", []awstest.Trail{{Name: "org", ARN: "arn:aws:cloudtrail:us-east-1:999999999999:trail/org", Organization: true, DeliveredAt: fresh}}, evidence.Pass, "", "org"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := read(t, world(awstest.Region{Trails: tt.trails}), evidence.Ask{Trail: true}, awscloud.Options{})
			if f := r.only(t); f.State != tt.state || f.Reason != tt.reason || !strings.Contains(f.Title, tt.says) || f.Resource != own {
				t.Errorf("got %s (%q) %q, want %s (%q) %q", f.State, f.Reason, f.Title, tt.state, tt.reason, tt.says)
			}
			if o := r.outcomes[evidence.TrailSource]; o.Result != evidence.OK {
				t.Errorf("got %+v", o)
			}
		})
	}
}

// A trail that works and validates its log files; validation of one that is stopped proves
// nothing.
func TestTrailValidation(t *testing.T) {
	fresh := time.Now().Add(-time.Hour)
	tests := []struct {
		name   string
		trails []awstest.Trail
		state  evidence.FactState
		reason string
		says   string
	}{
		{"validated", []awstest.Trail{{Name: "main", DeliveredAt: fresh}}, evidence.Pass, "", "The CloudTrail trail main records all management events, delivers them and validates its log files, seen in account 111111111111, eu-west-1."},
		{"not validated", []awstest.Trail{{Name: "main", DeliveredAt: fresh, Unvalidated: true}}, evidence.Fail, "not_validated", "it does not validate its log files."},
		{"one of two", []awstest.Trail{{Name: "plain", DeliveredAt: fresh, Unvalidated: true}, {Name: "main", DeliveredAt: fresh}}, evidence.Pass, "", "trail main"},
		{"validated and stopped", []awstest.Trail{{Name: "main", DeliveredAt: fresh, Stopped: true}}, evidence.Fail, "not_logging", ""},
		{"digests do not arrive", []awstest.Trail{{Name: "main", DeliveredAt: fresh, DigestError: "NoSuchBucket"}}, evidence.Fail, "not_validated", "its last digest file was not delivered (NoSuchBucket)."},
		{"none", nil, evidence.Fail, "no_trail", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := read(t, world(awstest.Region{Trails: tt.trails}), evidence.Ask{Validated: true}, awscloud.Options{})
			if f := r.only(t); f.State != tt.state || f.Reason != tt.reason || !strings.Contains(f.Title, tt.says) || f.Control != evidence.ValidatedKey || f.Resource != own {
				t.Errorf("got %s (%q) %q, want %s (%q) %q", f.State, f.Reason, f.Title, tt.state, tt.reason, tt.says)
			}
		})
	}
	t.Run("both keys by the same calls", func(t *testing.T) {
		r, aws := read(t, world(awstest.Region{Trails: []awstest.Trail{{Name: "main", DeliveredAt: fresh, Unvalidated: true}}}), evidence.Ask{Trail: true, Validated: true}, awscloud.Options{})
		if r.of(evidence.TrailKey).State != evidence.Pass || r.of(evidence.ValidatedKey).State != evidence.Fail || len(aws.Calls("DescribeTrails", "GetTrailStatus")) != 2 {
			t.Errorf("got %+v", r.facts)
		}
	})
}

func TestTrailsThatCannotBeRead(t *testing.T) {
	working := awstest.Trail{Name: "main", DeliveredAt: time.Now()}
	denied := awstest.Fault{Status: 400, Code: "AccessDeniedException", Forever: true}
	tests := []struct {
		name       string
		trail      awstest.Trail
		op         string
		fault      awstest.Fault
		state      evidence.FactState
		want       evidence.Result
		permission string
	}{
		{"status denied", working, "GetTrailStatus", denied, evidence.Unknown, evidence.Denied, "cloudtrail:GetTrailStatus"},
		{"selectors denied", working, "GetEventSelectors", denied, evidence.Unknown, evidence.Denied, "cloudtrail:GetEventSelectors"},
		{"selectors denied, stopped anyway", awstest.Trail{Name: "main", Stopped: true}, "GetEventSelectors", denied, evidence.Fail, evidence.OK, ""},
		{"hidden from a member", working, "GetTrailStatus", awstest.Fault{Code: "TrailNotFoundException", Forever: true}, evidence.Unknown, evidence.Partial, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := read(t, world(awstest.Region{Trails: []awstest.Trail{tt.trail}}), evidence.Ask{Trail: true}, awscloud.Options{}, func(s *awstest.Server) { s.Fail(tt.op, tt.fault) })
			if f, o := r.only(t), r.outcomes[evidence.TrailSource]; f.State != tt.state || o.Result != tt.want || o.Permission != tt.permission {
				t.Errorf("got %+v, %+v", f, o)
			}
		})
	}
}

func TestLargeDocumentsAreCut(t *testing.T) {
	for name, tt := range map[string]struct {
		finding awstest.Finding
		note    string
	}{
		"details of 10 MB":  {awstest.Finding{Details: map[string]any{"policy": strings.Repeat("x", 10<<20)}}, "The details of the resource were cut"},
		"tags of 1 MB":      {awstest.Finding{Tags: map[string]string{"k": strings.Repeat("x", 1<<20)}}, "Only the core is kept"},
		"resource of 1 MB":  {awstest.Finding{Resource: strings.Repeat("r", 1<<20)}, "Only the core is kept"},
		"an id of 1 MB too": {awstest.Finding{ID: strings.Repeat("i", 1<<20)}, "Nothing is kept"},
	} {
		t.Run(name, func(t *testing.T) {
			f := tt.finding
			f.Control, f.Status = "S3.1", "FAILED"
			r, _ := read(t, world(awstest.Region{Findings: []awstest.Finding{f}}), controls("S3.1"), awscloud.Options{})
			if got := r.only(t); got.State != evidence.Fail || len(got.Detail) > evidence.MaxDetail || !strings.Contains(string(got.Detail), tt.note) {
				t.Errorf("%s with %d bytes: %.300s", got.State, len(got.Detail), got.Detail)
			}
		})
	}
}
