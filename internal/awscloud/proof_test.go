package awscloud_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
	"orrery/internal/questionnaire"
)

// proof is a state of AWS in which a check of a source cannot be told to hold, and why.
type proof struct {
	source, reason string
	key            string // of the check; the source's usual one when empty
	world          func(w *awstest.World)
	fault          func(s *awstest.Server)
	tags           []string
	scoped         bool                          // the check is on resources
	judge          func(v evidence.Verdict) bool // more that has to be so
}

// usual are the checks that hold in a sound account, by source.
var usual = map[string]questionnaire.Check{
	evidence.ControlSource: buckets, evidence.RuleSource: rule, evidence.RecorderSource: recorder, evidence.TrailSource: trail,
	evidence.ActivitySource: {Source: evidence.ActivitySource, Key: "game_day", Expect: "seen_within", Within: 30 * 24 * time.Hour, Level: "account"},
	evidence.RestoreSource:  {Source: evidence.RestoreSource, Key: "completed", Expect: "seen_within", Within: 30 * 24 * time.Hour, Level: "account"},
	evidence.IAMSource:      check(evidence.IAMSource, "root_mfa", "all_pass", "account"),
	evidence.ContactSource:  check(evidence.ContactSource, "security", "all_pass", "account"),
	evidence.AlarmSource:    check(evidence.AlarmSource, "actions", "all_pass", "resource"),
	evidence.NetworkSource:  check(evidence.NetworkSource, "flow_log", "all_pass", "resource"),
	evidence.DatabaseSource: check(evidence.DatabaseSource, "multi_az", "all_pass", "resource"),
	evidence.PlanSource:     check(evidence.PlanSource, "runs", "all_pass", "account"),
	evidence.GroupSource:    check(evidence.GroupSource, "zones", "all_pass", "resource"),
	evidence.BalancerSource: check(evidence.BalancerSource, "zones", "all_pass", "resource"),
	evidence.ToolSource:     check(evidence.ToolSource, "payments", "all_pass", "account"), // no questionnaire can ask it: it never supports
}

// asks is an operation that each source cannot do without.
var asks = map[string]string{
	evidence.ControlSource: "GetFindings", evidence.RuleSource: "DescribeConfigRules", evidence.RecorderSource: "DescribeConfigurationRecorders",
	evidence.TrailSource: "DescribeTrails", evidence.ActivitySource: "LookupEvents", evidence.IAMSource: "GetAccountSummary", evidence.ContactSource: "GetAlternateContact",
	evidence.AlarmSource: "DescribeAlarms", evidence.NetworkSource: "DescribeVpcs", evidence.DatabaseSource: "DescribeDBInstances", evidence.PlanSource: "ListBackupPlans",
	evidence.RestoreSource: "ListRestoreJobs", evidence.GroupSource: "DescribeAutoScalingGroups", evidence.BalancerSource: "DescribeLoadBalancers",
	evidence.ToolSource: "ListWorkloads",
}

// endlessly are answers whose pages never end; a source that is not here has no pages.
var endlessly = map[string]any{
	"GetFindings": map[string]any{"Findings": []any{}, "NextToken": "again"}, "DescribeConfigRules": map[string]any{"ConfigRules": []any{}, "NextToken": "again"},
	"LookupEvents": map[string]any{"Events": []any{}, "NextToken": "again"}, "DescribeAlarms": map[string]any{"NextToken": "again"},
	"ListWorkloads":   map[string]any{"NextToken": "again"},
	"ListBackupPlans": map[string]any{"NextToken": "again"}, "ListRestoreJobs": map[string]any{"NextToken": "again"},
	"DescribeVpcs":              "<DescribeVpcsResponse><nextToken>again</nextToken></DescribeVpcsResponse>",
	"DescribeDBInstances":       "<DescribeDBInstancesResponse><DescribeDBInstancesResult><Marker>again</Marker></DescribeDBInstancesResult></DescribeDBInstancesResponse>",
	"DescribeAutoScalingGroups": "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><NextToken>again</NextToken></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>",
	"DescribeLoadBalancers":     "<DescribeLoadBalancersResponse><DescribeLoadBalancersResult><NextMarker>again</NextMarker></DescribeLoadBalancersResult></DescribeLoadBalancersResponse>",
}

func region(change func(r *awstest.Region)) func(*awstest.World) {
	return func(w *awstest.World) { change(w.Regions[eu]) }
}

func always(op string, f awstest.Fault) func(*awstest.Server) {
	f.Forever = true
	return func(s *awstest.Server) { s.Fail(op, f) }
}

func answering(op string, out any) func(*awstest.World) {
	return region(func(r *awstest.Region) { r.Answers[op] = awstest.Always(out) })
}

// everywhere are the proofs of what every source may meet.
func everywhere(source string) []proof {
	op := asks[source]
	off := awstest.Fault{Status: 403, Code: "OptInRequired"}
	if source == evidence.RuleSource || source == evidence.RecorderSource {
		off = awstest.Fault{Code: "NoAvailableConfigurationRecorderException"}
	}
	out := []proof{
		{source: source, reason: "denied", fault: always(op, awstest.Fault{Status: 403, Code: "AccessDeniedException"})},
		{source: source, reason: "expired", fault: always(op, awstest.Fault{Status: 403, Code: "ExpiredTokenException"})},
		{source: source, reason: "wrong_account", world: func(w *awstest.World) { w.Account = "999999999999" }},
		{source: source, reason: "region_off", world: func(w *awstest.World) { w.Regions[us] = w.Regions[eu]; delete(w.Regions, eu) }},
		{source: source, reason: "off", fault: always(op, off)},
		{source: source, reason: "throttled", fault: always(op, awstest.Fault{Code: "ThrottlingException"})},
		{source: source, reason: "error", fault: always(op, awstest.Fault{Raw: "\x00{garbage"})},
	}
	if source != evidence.ToolSource { // what never supports never grows old
		out = append(out, proof{source: source, reason: "stale", judge: func(v evidence.Verdict) bool {
			return v.Verdict == evidence.Supports && v.At(time.Now().Add(31*time.Hour), 0) == evidence.Stale
		}})
	}
	switch page, ok := endlessly[op]; {
	case source == evidence.TrailSource:
		out = append(out, proof{source: source, reason: "partial", fault: always("GetTrailStatus", awstest.Fault{Code: "TrailNotFoundException"})})
	case source == evidence.IAMSource:
		out = append(out, proof{source: source, reason: "partial", key: "user_mfa", fault: always("GetCredentialReport", awstest.Fault{Status: 404, Code: "ReportInProgress"})})
	case ok:
		out = append(out, proof{source: source, reason: "partial", world: answering(op, page)})
	}
	return out
}

// only are the proofs of what some sources meet.
func only() []proof {
	finding := func(f awstest.Finding) func(*awstest.World) {
		f.Control = "S3.1"
		return region(func(r *awstest.Region) { r.Findings = []awstest.Finding{f} })
	}
	silent := func(change func(r *awstest.Region)) func(*awstest.World) {
		return region(func(r *awstest.Region) { r.Findings = nil; change(r) })
	}
	rules := func(r awstest.Rule) func(*awstest.World) {
		r.Name = "root-mfa"
		return region(func(to *awstest.Region) { to.Rules = []awstest.Rule{r} })
	}
	recorders := func(list ...awstest.Recorder) func(*awstest.World) {
		return region(func(r *awstest.Region) { r.Recorders, r.Findings = list, passed("Config.1", "") })
	}
	denied := awstest.Fault{Code: "AccessDeniedException"}
	c, r := evidence.ControlSource, evidence.RuleSource
	out := []proof{
		{source: c, reason: "control_disabled", world: silent(func(r *awstest.Region) { r.Disabled = []string{"S3.1"} })},
		{source: c, reason: "control_unknown", world: silent(func(r *awstest.Region) { r.Unknown = []string{"S3.1"} })},
		{source: c, reason: "standard_not_ready", world: silent(func(r *awstest.Region) { r.Standard = "INCOMPLETE" })},
		{source: c, reason: "too_early", world: silent(func(r *awstest.Region) { r.HubSince = time.Now().Add(-time.Hour) })},
		{source: c, reason: "no_finding", world: silent(func(*awstest.Region) {})},
		{source: c, reason: "no_finding_unclear", world: silent(func(r *awstest.Region) { r.PerStandard = true })},
		{source: c, reason: "vacuous", world: finding(awstest.Finding{Status: "PASSED", Reasons: []string{"CONFIG_EVALUATIONS_EMPTY"}})},
		{source: c, reason: "not_evaluated", world: finding(awstest.Finding{Status: "NOT_AVAILABLE"})},
		{source: c, reason: "only_suppressed", world: finding(awstest.Finding{Resource: "a", Status: "FAILED", Workflow: "SUPPRESSED"})},
		{source: c, reason: "some_suppressed", world: region(func(r *awstest.Region) {
			r.Findings = append(passed("S3.1", "a"), awstest.Finding{Control: "S3.1", Resource: "b", Status: "FAILED", Workflow: "SUPPRESSED"})
		})},
		{source: c, reason: "recorder_off", key: "Config.1", world: recorders(awstest.Recorder{Name: "r", Stopped: true})},
		{source: c, reason: "recorder_failing", key: "Config.1", world: recorders(awstest.Recorder{Name: "r", Status: "FAILURE"})},
		{source: c, reason: "recorder_unread", key: "Config.1", world: recorders(awstest.Recorder{Name: "r"}), fault: always("DescribeConfigurationRecorders", denied)},
		{source: r, reason: "recorder_off", world: recorders()},
		{source: r, reason: "recorder_failing", world: recorders(awstest.Recorder{Name: "r", Status: "FAILURE"})},
		{source: r, reason: "recorder_unread", fault: always("DescribeConfigurationRecorders", denied)},
		{source: r, reason: "rule_absent", world: region(func(r *awstest.Region) { r.Rules = nil })},
		{source: r, reason: "rule_not_active", world: rules(awstest.Rule{State: "DELETING"})},
		{source: r, reason: "rule_unread", fault: always("DescribeComplianceByConfigRule", awstest.Fault{Raw: `{"ComplianceByConfigRules": []}`})},
		{source: r, reason: "insufficient_data", world: rules(awstest.Rule{Compliance: "INSUFFICIENT_DATA"})},
		{source: r, reason: "resources_unlisted", world: rules(awstest.Rule{Compliance: "NON_COMPLIANT"}), fault: always("GetComplianceDetailsByConfigRule", denied)},
		{source: r, reason: "tags_unread", world: rules(awstest.Rule{Compliance: "NON_COMPLIANT", Failing: []awstest.Evaluated{group}})},
		{source: r, reason: "nothing_in_scope", tags: []string{"app=another"}, scoped: true, world: rules(awstest.Rule{Compliance: "NON_COMPLIANT", Failing: []awstest.Evaluated{mine}})},
		{source: r, reason: "rule_not_applied", world: rules(awstest.Rule{Compliance: "NOT_APPLICABLE"})},
		{source: evidence.RecorderSource, reason: "recorder_off", world: recorders(awstest.Recorder{Name: "s", Service: "x.amazonaws.com"})},
		{source: evidence.RecorderSource, reason: "recorder_failing", world: recorders(awstest.Recorder{Name: "r", Status: "FAILURE"})},
		{source: c, reason: "not_delivered", key: "Config.1", world: region(func(r *awstest.Region) {
			r.Delivery.History, r.Findings = "NOT_APPLICABLE", passed("Config.1", "")
		})},
		{source: evidence.RecorderSource, reason: "not_delivered", world: region(func(r *awstest.Region) { r.Delivery.History = "NOT_APPLICABLE" })},
		{source: evidence.TrailSource, reason: "trail_unclear", fault: always("GetEventSelectors", denied)},
		{source: evidence.ActivitySource, reason: "not_seen", world: region(func(r *awstest.Region) { r.Events = nil })},
		{source: evidence.ActivitySource, reason: "home_not_read", key: "root_sign_in"},
		{source: evidence.ActivitySource, reason: "trail_kept", key: "stop_logging"},
		{source: evidence.RestoreSource, reason: "not_seen", world: answering("ListRestoreJobs", map[string]any{})},
		{source: evidence.IAMSource, reason: "no_root_credentials", world: rootReport("false")},
		{source: evidence.IAMSource, reason: "root_unclear", world: rootReport("false"), fault: always("GetCredentialReport", denied)},
		{source: evidence.IAMSource, reason: "nothing_there", key: "user_mfa", world: rootReport("true")},
		{source: evidence.NetworkSource, reason: "does_not_apply", world: answering("DescribeVpcs", "<DescribeVpcsResponse><vpcSet><item><vpcId>v</vpcId><ownerId>999999999999</ownerId></item></vpcSet></DescribeVpcsResponse>")},
		{source: evidence.DatabaseSource, reason: "does_not_apply", world: answering("DescribeDBInstances", "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceArn>a</DBInstanceArn><ReadReplicaSourceDBInstanceIdentifier>m</ReadReplicaSourceDBInstanceIdentifier></DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>")},
		{source: evidence.GroupSource, reason: "does_not_apply", key: "health_check", world: answering("DescribeAutoScalingGroups", "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupARN>a</AutoScalingGroupARN></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>")},
		{source: evidence.BalancerSource, reason: "does_not_apply", key: "health_check", world: answering("DescribeTargetGroups", "<DescribeTargetGroupsResponse><DescribeTargetGroupsResult><TargetGroups><member><TargetGroupArn>a</TargetGroupArn></member></TargetGroups></DescribeTargetGroupsResult></DescribeTargetGroupsResponse>")},
	}
	for _, s := range []string{c, evidence.AlarmSource, evidence.NetworkSource, evidence.DatabaseSource, evidence.GroupSource, evidence.BalancerSource} {
		out = append(out, proof{source: s, reason: "nothing_in_scope", tags: []string{"app=another"}})
		if s != c {
			out = append(out, proof{source: s, reason: "nothing_there", world: region(func(r *awstest.Region) { r.Answers = awstest.Empty() })})
		}
	}
	for _, s := range []string{evidence.PlanSource, evidence.ToolSource} {
		out = append(out, proof{source: s, reason: "nothing_there", world: region(func(r *awstest.Region) { r.Answers = awstest.Empty() })})
	}
	out = append(out, proof{source: evidence.ToolSource, reason: "people_say"})
	for s := range usual {
		if sourceKeys[s] {
			out = append(out, proof{source: s, reason: "key_unknown", key: "nobody knows this"})
		}
	}
	return out
}

// sourceKeys are the further sources with a fixed list of keys.
var sourceKeys = map[string]bool{evidence.IAMSource: true, evidence.ContactSource: true, evidence.AlarmSource: true, evidence.NetworkSource: true, evidence.DatabaseSource: true,
	evidence.PlanSource: true, evidence.RestoreSource: true, evidence.GroupSource: true, evidence.BalancerSource: true}

func rootReport(password string) func(*awstest.World) {
	return region(func(r *awstest.Region) {
		r.Answers["GetAccountSummary"] = awstest.Always(awstest.Summary(map[string]int{"AccountMFAEnabled": 0}))
		r.Answers["GetCredentialReport"] = awstest.Always(awstest.Report("user,arn,password_enabled,mfa_active,access_key_1_active,access_key_2_active\n<root_account>,a,"+password+",false,false,false\n", time.Now()))
	})
}

// soundWorld is an account in which the usual check of every source holds.
func soundWorld() awstest.World {
	return world(awstest.Region{
		Findings: []awstest.Finding{{Control: "S3.1", Resource: "a", Status: "PASSED", Tags: map[string]string{"app": "payments"}}}, Recorders: []awstest.Recorder{{Name: "default"}},
		Rules: []awstest.Rule{{Name: "root-mfa"}}, Trails: []awstest.Trail{{Name: "main", DeliveredAt: time.Now().Add(-time.Hour)}},
		Events: []awstest.Event{{Name: "StartExperiment", At: time.Now().Add(-24 * time.Hour)}}, Answers: awstest.Sound(account, eu, map[string]string{"app": "payments"}),
	})
}

// askOf asks for what a check looks at.
func askOf(c questionnaire.Check) evidence.Ask {
	switch c.Source {
	case evidence.ControlSource:
		return controls(c.Key)
	case evidence.RuleSource:
		return evidence.Ask{ConfigRules: []string{c.Key}}
	case evidence.RecorderSource:
		return evidence.Ask{Recorder: true}
	case evidence.TrailSource:
		return evidence.Ask{Trail: true}
	}
	return more(c.Source, c.Key)
}

// verdict judges a check by what a reading gave.
func (r reading) verdict(c questionnaire.Check, tags []string) evidence.Verdict {
	g := evidence.Ground{Now: time.Now(), Tags: tags}
	for _, o := range r.outcomes {
		g.Cells = append(g.Cells, evidence.CellState{Cell: evidence.Cell{Account: account, Region: eu}, Source: o.Source, State: "done", Result: o.Result, Detail: o.Detail})
	}
	for _, f := range r.facts {
		g.Facts = append(g.Facts, evidence.Fact{Source: c.Source, Control: f.Control, Account: account, Region: eu, Resource: f.Resource, State: f.State, Reason: f.Reason,
			Title: f.Title, Tags: f.Tags, ObservedAt: f.ObservedAt})
	}
	return evidence.Judge(c, g)
}

// Every reason that the documentation gives for a source, met by that source; and the
// documentation lists those and no others.
func TestEveryReasonIsMet(t *testing.T) {
	proven := map[string][]string{}
	all := only()
	for source := range usual {
		all = append(all, everywhere(source)...)
	}
	for _, p := range all {
		t.Run(p.source+"/"+p.reason, func(t *testing.T) {
			c := usual[p.source]
			if p.key != "" {
				c.Key = p.key
			}
			if p.scoped {
				c.Level = "resource"
			}
			w := soundWorld()
			if p.world != nil {
				p.world(&w)
			}
			var prepare []func(*awstest.Server)
			if p.fault != nil {
				prepare = append(prepare, p.fault)
			}
			r, _ := read(t, w, askOf(c), awscloud.Options{Unlimited: true, MaxAttempts: 2}, prepare...)
			v := r.verdict(c, p.tags)
			met := v.Reason == p.reason || slices.ContainsFunc(r.facts, func(f evidence.Observation) bool { return f.Reason == p.reason })
			if p.judge != nil {
				met = p.judge(v)
			}
			if !met || p.judge == nil && v.Verdict == evidence.Supports || !strings.HasSuffix(v.Detail, ".") {
				t.Errorf("the verdict is %s (%s): %q; %+v", v.Verdict, v.Reason, v.Detail, r.outcomes)
			}
		})
		proven[p.source] = append(proven[p.source], p.reason)
	}
	listed(t, proven)
	complete(t, proven)
}

// listed compares the table of the documentation with what was proven.
func listed(t *testing.T, proven map[string][]string) {
	t.Helper()
	var want strings.Builder
	want.WriteString("\n| Source | Reasons it meets |\n|---|---|\n")
	for _, s := range append(questionnaire.SourcesOfChecks(), questionnaire.CheckSource{Name: evidence.ToolSource}) {
		reasons := slices.Compact(slices.Sorted(slices.Values(proven[s.Name])))
		fmt.Fprintf(&want, "| `%s` | `%s` |\n", s.Name, strings.Join(reasons, "`, `"))
	}
	page, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- proven -->")
	table, _, found := strings.Cut(rest, "<!-- /proven -->")
	if !found || table != want.String() {
		t.Errorf("docs/evidence.md does not list what is proven. Between its marks should stand:\n%s", want.String())
	}
}

// complete looks for a reason that the program gives a source, and that nothing proves.
func complete(t *testing.T, proven map[string][]string) {
	t.Helper()
	elsewhere := []string{"not_read", "scope_changed", "some_fail"} // of no source: proven where verdicts are judged and read
	never := map[string]string{evidence.RecorderSource: "partial", evidence.ContactSource: "partial"}
	for _, r := range evidence.Reasons() {
		sources := slices.Sorted(maps.Keys(usual))
		if r.Sources != "all" {
			sources = strings.Split(r.Sources, ", ")
		}
		for _, s := range sources {
			if !slices.Contains(proven[s], r.Code) && !slices.Contains(elsewhere, r.Code) && never[s] != r.Code {
				t.Errorf("nothing proves %s of %s", r.Code, s)
			}
		}
	}
}
