package awscloud_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
	"orrery/internal/questionnaire"
)

// everything asks each further source for every key it has.
func everything() map[string][]string {
	out := map[string][]string{}
	for _, s := range questionnaire.SourcesOfChecks() {
		if s.Name != evidence.RecorderSource && s.Name != evidence.TrailSource && len(s.Keys) > 0 {
			out[s.Name] = slices.Sorted(slices.Values(s.Keys))
		}
	}
	return out
}

func more(source string, keys ...string) evidence.Ask {
	return evidence.Ask{More: map[string][]string{source: keys}}
}

func answers(change awstest.Answers) awstest.World {
	a := awstest.Sound(account, eu, map[string]string{"app": "payments"})
	maps.Copy(a, change)
	return world(awstest.Region{Answers: a})
}

// In a sound account every key passes or, where it looks back, is seen.
func TestSoundAccount(t *testing.T) {
	w := answers(nil)
	w.Regions[eu].Events = []awstest.Event{{Name: "StartRestoreJob", At: time.Now().Add(-time.Hour)}, {Name: "StartExperiment", At: time.Now().Add(-time.Hour)}}
	ask := evidence.Ask{More: everything()}
	r, _ := read(t, w, ask, awscloud.Options{Unlimited: true})
	told := map[string]bool{}
	for _, f := range r.facts {
		told[f.Control] = true
		want := evidence.Pass
		if f.Control == "root_sign_in" || f.Control == "stop_logging" {
			want = evidence.NotApplicable
		}
		if f.State != want || !strings.HasSuffix(f.Title, ".") || f.ObservedAt.IsZero() {
			t.Errorf("%s on %s is %s: %q", f.Control, f.Resource, f.State, f.Title)
		}
		if whole := strings.HasPrefix(f.Resource, "AWS::::Account:") || strings.Contains(f.Resource, ":iam:") || strings.Contains(f.Resource, ":backup:"); !whole && !slices.Equal(f.Tags, []string{"app=payments"}) {
			t.Errorf("%s on %s carries the tags %v", f.Control, f.Resource, f.Tags)
		}
	}
	for source, keys := range ask.More {
		if o := r.outcomes[source]; o.Result != evidence.OK {
			t.Errorf("%s: %+v", source, o)
		}
		for _, k := range keys {
			if !told[k] {
				t.Errorf("nothing was told on %s of %s", k, source)
			}
		}
	}
}

// In an empty account nothing passes: there is nothing, or it is missing.
func TestEmptyAccount(t *testing.T) {
	ask := evidence.Ask{More: everything()}
	ask.More[evidence.AlarmSource] = append(ask.More[evidence.AlarmSource], "no such key")
	r, _ := read(t, world(awstest.Region{Answers: awstest.Empty()}), ask, awscloud.Options{Unlimited: true})
	states := map[string]string{}
	for _, f := range r.facts {
		states[f.Control] = string(f.State) + " " + f.Reason
		if f.State == evidence.Pass || f.Resource != own {
			t.Errorf("%s of nothing is %s on %s", f.Control, f.State, f.Resource)
		}
	}
	for key, want := range map[string]string{"root_mfa": "fail ", "root_keys": "fail ", "security": "fail ", "user_mfa": "not_applicable nothing_there", "actions": "not_applicable nothing_there",
		"flow_log": "not_applicable nothing_there", "multi_az": "not_applicable nothing_there", "runs": "not_applicable nothing_there", "completed": "not_applicable not_seen",
		"restore_test": "not_applicable not_seen", "zones": "not_applicable nothing_there", "no such key": "unknown key_unknown"} {
		if states[key] != want {
			t.Errorf("%s is %q, want %q", key, states[key], want)
		}
	}
}

// What is wrong in an account, and what a reader says of it.
func TestFurtherFacts(t *testing.T) {
	xml := func(op, body string) awstest.Answers {
		return awstest.Answers{op: awstest.Always("<" + op + "Response>" + body + "</" + op + "Response>")}
	}
	database := func(fields string) awstest.Answers {
		return xml("DescribeDBInstances", "<DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceIdentifier>d</DBInstanceIdentifier><DBInstanceArn>a</DBInstanceArn>"+fields+"</DBInstance></DBInstances></DescribeDBInstancesResult>")
	}
	cluster := func(fields string) awstest.Answers {
		out := xml("DescribeDBInstances", "<DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceArn>x</DBInstanceArn><DBClusterIdentifier>c</DBClusterIdentifier></DBInstance></DBInstances></DescribeDBInstancesResult>")
		maps.Copy(out, xml("DescribeDBClusters", "<DescribeDBClustersResult><DBClusters><DBCluster><DBClusterIdentifier>c</DBClusterIdentifier><DBClusterArn>a</DBClusterArn>"+fields+"</DBCluster></DBClusters></DescribeDBClustersResult>"))
		return out
	}
	scaling := func(fields string) awstest.Answers {
		return xml("DescribeAutoScalingGroups", "<DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>g</AutoScalingGroupName><AutoScalingGroupARN>a</AutoScalingGroupARN>"+fields+"</member></AutoScalingGroups></DescribeAutoScalingGroupsResult>")
	}
	target := func(fields string) awstest.Answers {
		return xml("DescribeTargetGroups", "<DescribeTargetGroupsResult><TargetGroups><member><TargetGroupArn>a</TargetGroupArn>"+fields+"</member></TargetGroups></DescribeTargetGroupsResult>")
	}
	alarm := func(fields map[string]any) awstest.Answers {
		fields["AlarmArn"], fields["AlarmName"] = "a", "quiet"
		return awstest.Answers{"DescribeAlarms": awstest.Always(map[string]any{"CompositeAlarms": []any{fields}})}
	}
	plan := func(last float64) awstest.Answers {
		return awstest.Answers{"ListBackupPlans": awstest.Always(map[string]any{"BackupPlansList": []any{map[string]any{"BackupPlanArn": "a", "BackupPlanId": "1", "BackupPlanName": "p", "LastExecutionDate": last}}})}
	}
	report := func(root, user string) awstest.Answers {
		header := "user,arn,password_enabled,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_2_active,access_key_2_last_rotated\n"
		return awstest.Answers{"GetAccountSummary": awstest.Always(awstest.Summary(map[string]int{"AccountMFAEnabled": 0})),
			"GetCredentialReport": awstest.Always(awstest.Report(header+"<root_account>,arn:aws:iam::1:root,"+root+"\nu,a,"+user+"\n", time.Now()))}
	}
	old := time.Now().Add(-91 * 24 * time.Hour).UTC().Format(time.RFC3339)
	flow := func(status, delivery string) awstest.Answers {
		return xml("DescribeFlowLogs", "<flowLogSet><item><resourceId>vpc-1</resourceId><flowLogStatus>"+status+"</flowLogStatus><deliverLogsStatus>"+delivery+"</deliverLogsStatus></item></flowLogSet>")
	}
	tests := []struct {
		name    string
		answers awstest.Answers
		source  string
		key     string
		state   evidence.FactState
		says    string
	}{
		{"one zone", database("<MultiAZ>false</MultiAZ>"), evidence.DatabaseSource, "multi_az", evidence.Fail, "The database d runs in one zone only."},
		{"no backups", database("<BackupRetentionPeriod>0</BackupRetentionPeriod>"), evidence.DatabaseSource, "backups", evidence.Fail, "has no automatic backups"},
		{"a replica", database("<ReadReplicaSourceDBInstanceIdentifier>m</ReadReplicaSourceDBInstanceIdentifier>"), evidence.DatabaseSource, "backups", evidence.NotApplicable, "is a read replica"},
		{"a cluster speaks for its instances", cluster("<MultiAZ>true</MultiAZ>"), evidence.DatabaseSource, "multi_az", evidence.Pass, "The database cluster c runs in several zones."},
		{"a group in one zone", scaling("<AvailabilityZones><member>a</member></AvailabilityZones>"), evidence.GroupSource, "zones", evidence.Fail, "is in one zone only"},
		{"a group without a balancer", scaling("<HealthCheckType>EC2</HealthCheckType>"), evidence.GroupSource, "health_check", evidence.NotApplicable, "stands behind no load balancer"},
		{"a group that does not ask", scaling("<HealthCheckType>EC2,EBS</HealthCheckType><TargetGroupARNs><member>t</member></TargetGroupARNs>"), evidence.GroupSource, "health_check", evidence.Fail, "does not use"},
		{"a target without checks", target("<LoadBalancerArns><member>b</member></LoadBalancerArns><HealthCheckEnabled>false</HealthCheckEnabled>"), evidence.BalancerSource, "health_check", evidence.Fail, "does not check"},
		{"a function", target("<LoadBalancerArns><member>b</member></LoadBalancerArns><TargetType>lambda</TargetType>"), evidence.BalancerSource, "health_check", evidence.NotApplicable, "function"},
		{"a target group alone", target(""), evidence.BalancerSource, "health_check", evidence.NotApplicable, "no load balancer"},
		{"an alarm without actions", alarm(map[string]any{"ActionsEnabled": true}), evidence.AlarmSource, "actions", evidence.Fail, "does nothing when it goes off"},
		{"an alarm with its actions off", alarm(map[string]any{"ActionsEnabled": false, "AlarmActions": []string{"x"}}), evidence.AlarmSource, "actions", evidence.Fail, ""},
		{"an alarm without data", alarm(map[string]any{"StateValue": "INSUFFICIENT_DATA"}), evidence.AlarmSource, "data", evidence.Fail, "has no data"},
		{"a plan that stopped", plan(float64(time.Now().Add(-40 * 24 * time.Hour).Unix())), evidence.PlanSource, "runs", evidence.Fail, "has not run since"},
		{"a plan that never ran", awstest.Answers{"ListBackupPlans": awstest.Always(map[string]any{"BackupPlansList": []any{map[string]any{"BackupPlanArn": "a", "BackupPlanId": "1"}}})}, evidence.PlanSource, "runs", evidence.Fail, "has not run yet"},
		{"a plan for nothing", awstest.Answers{"ListBackupSelections": awstest.Always(map[string]any{"BackupSelectionsList": []any{}})}, evidence.PlanSource, "runs", evidence.Fail, "selects nothing"},
		{"flow log stopped", flow("ACTIVE", "FAILED"), evidence.NetworkSource, "flow_log", evidence.Fail, "a flow log that is not delivered"},
		{"no flow log", xml("DescribeFlowLogs", "<flowLogSet/>"), evidence.NetworkSource, "flow_log", evidence.Fail, "has no flow log"},
		{"shared VPC", xml("DescribeVpcs", "<vpcSet><item><vpcId>vpc-1</vpcId><ownerId>999999999999</ownerId></item></vpcSet>"), evidence.NetworkSource, "flow_log", evidence.NotApplicable, "shared"},
		{"root without a second factor", report("true,false,false,N/A,false,N/A", "true,true,false,N/A,false,N/A"), evidence.IAMSource, "root_mfa", evidence.Fail, ""},
		{"root without credentials", report("false,false,false,N/A,false,N/A", "true,true,false,N/A,false,N/A"), evidence.IAMSource, "root_mfa", evidence.NotApplicable, "neither a password nor keys"},
		{"user without a second factor", report("true,true,false,N/A,false,N/A", "true,false,false,N/A,false,N/A"), evidence.IAMSource, "user_mfa", evidence.Fail, "The IAM user u has a password and no second factor."},
		{"user without a password", report("true,true,false,N/A,false,N/A", "false,false,true,"+old+",false,N/A"), evidence.IAMSource, "user_mfa", evidence.NotApplicable, ""},
		{"old key", report("true,true,false,N/A,false,N/A", "false,false,true,"+old+",false,N/A"), evidence.IAMSource, "old_keys", evidence.Fail, "older than 90 days"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := read(t, answers(tt.answers), more(tt.source, tt.key), awscloud.Options{Unlimited: true})
			if f := r.only(t); f.State != tt.state || !strings.Contains(f.Title, tt.says) || !strings.HasSuffix(f.Title, ".") {
				t.Errorf("got %s (%s): %q", f.State, f.Reason, f.Title)
			}
			if o := r.outcomes[tt.source]; o.Result != evidence.OK {
				t.Errorf("got %+v", o)
			}
		})
	}
}

func TestActivity(t *testing.T) {
	now := time.Now().Truncate(time.Second) // once: the second it was compared in may be the next
	at := func(days int) time.Time { return now.Add(-time.Duration(days) * 24 * time.Hour) }
	var signIns []awstest.Event
	for i := range 120 {
		signIns = append(signIns, awstest.Event{Name: "CreateRole", User: "root", Root: true, At: at(1).Add(time.Duration(i) * time.Second)})
	}
	tests := []struct {
		name   string
		key    string
		events []awstest.Event
		days   int // since it was seen; -1: not seen
		calls  int
	}{
		{"a restore of Backup", "restore_test", []awstest.Event{{Name: "StartRestoreJob", At: at(30)}}, 30, 7},
		{"the newest of several", "restore_test", []awstest.Event{{Name: "StartRestoreJob", At: at(30)}, {Name: "RestoreTableToPointInTime", At: at(3)}}, 3, 7},
		{"one that was refused", "game_day", []awstest.Event{{Name: "StartExperiment", Error: "AccessDenied", At: at(3)}}, -1, 1},
		{"one that was refused before one that was not", "game_day", []awstest.Event{{Name: "StartExperiment", Error: "AccessDenied", At: at(3)}, {Name: "StartExperiment", At: at(5)}}, 5, 1},
		{"beyond what is remembered", "game_day", []awstest.Event{{Name: "StartExperiment", At: at(91)}}, -1, 1},
		{"root signs in, on the third page", "root_sign_in", append(signIns, awstest.Event{Name: "ConsoleLogin", User: "root", Root: true, At: at(9)}), 9, 3},
		{"root fails to sign in", "root_sign_in", []awstest.Event{{Name: "ConsoleLogin", User: "root", Root: true, Failed: true, At: at(9)}}, -1, 1},
		{"somebody else signs in", "root_sign_in", []awstest.Event{{Name: "ConsoleLogin", User: "kim", At: at(9)}}, -1, 1},
		{"logging stopped", "stop_logging", []awstest.Event{{Name: "StopLogging", At: at(2)}}, 2, 2},
		{"an event by its name", "DeleteDBCluster", []awstest.Event{{Name: "DeleteDBCluster", At: at(2)}}, 2, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, aws := read(t, world(awstest.Region{Events: tt.events}), more(evidence.ActivitySource, tt.key), awscloud.Options{Unlimited: true})
			f := r.only(t)
			if tt.days < 0 && (f.State != evidence.NotApplicable || f.Reason != evidence.NotSeen) || tt.days >= 0 && (f.State != evidence.Pass || !f.ObservedAt.Equal(at(tt.days))) {
				t.Errorf("got %s (%s) at %v: %s", f.State, f.Reason, f.ObservedAt, f.Title)
			}
			calls := aws.Calls("LookupEvents")
			if len(calls) != tt.calls {
				t.Errorf("%d calls, want %d", len(calls), tt.calls)
			}
			for _, c := range calls {
				if !strings.Contains(c.Body, `"MaxResults":50`) || !strings.Contains(c.Body, "StartTime") || !strings.Contains(c.Body, "EndTime") {
					t.Errorf("a call asks %s", c.Body)
				}
			}
		})
	}
}

// No more than two LookupEvents a second for an account and Region.
func TestLooksUpSlowly(t *testing.T) {
	_, aws := read(t, world(awstest.Region{}), more(evidence.ActivitySource, "restore_test"), awscloud.Options{})
	calls := aws.Calls("LookupEvents")
	if len(calls) != 7 {
		t.Fatalf("%d calls", len(calls))
	}
	if span := calls[6].At.Sub(calls[0].At); span < 3*time.Second {
		t.Errorf("seven calls in %v", span)
	}
}

// A summary that says nothing of the root user's keys passes nothing.
func TestASummaryThatSaysNothing(t *testing.T) {
	quiet := awstest.Answers{"GetAccountSummary": awstest.Always(awstest.Summary(map[string]int{"Users": 1}))}
	r, _ := read(t, answers(quiet), evidence.Ask{More: map[string][]string{evidence.IAMSource: {"root_keys"}}}, awscloud.Options{Unlimited: true, MaxAttempts: 1})
	if o := r.outcomes[evidence.IAMSource]; o.Result != evidence.Error || len(r.facts) > 0 {
		t.Errorf("%+v, %v", o, r.facts)
	}
}

// Each further source may be denied, throttled, off, expired or broken, and says so; what
// was seen before stands, and the other sources are read.
func TestFurtherRefusals(t *testing.T) {
	first := map[string][2]string{ // by source: an operation, and the permission it needs
		evidence.ActivitySource: {"LookupEvents", "cloudtrail:LookupEvents"}, evidence.IAMSource: {"GetAccountSummary", "iam:GetAccountSummary"},
		evidence.ContactSource: {"GetAlternateContact", "account:GetAlternateContact"}, evidence.AlarmSource: {"DescribeAlarms", "cloudwatch:DescribeAlarms"},
		evidence.NetworkSource: {"DescribeVpcs", "ec2:DescribeVpcs"}, evidence.DatabaseSource: {"DescribeDBClusters", "rds:DescribeDBClusters"},
		evidence.PlanSource: {"ListBackupSelections", "backup:ListBackupSelections"}, evidence.RestoreSource: {"ListRestoreJobs", "backup:ListRestoreJobs"},
		evidence.GroupSource: {"DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingGroups"}, evidence.BalancerSource: {"DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroups"},
	}
	faults := []struct {
		fault  awstest.Fault
		want   evidence.Result
		denied bool
	}{
		{awstest.Fault{Status: 403, Code: "AccessDenied", Message: "no"}, evidence.Denied, true},
		{awstest.Fault{Status: 400, Code: "ThrottlingException", Message: "Rate exceeded"}, evidence.Throttled, false},
		{awstest.Fault{Status: 403, Code: "ExpiredToken", Message: "expired"}, evidence.Expired, false},
		{awstest.Fault{Status: 403, Code: "OptInRequired", Message: "not subscribed"}, evidence.Off, false},
		{awstest.Fault{Raw: "\x00garbage{"}, evidence.Error, false},
		{awstest.Fault{Status: 500, Code: "InternalError", Message: "oh"}, evidence.Error, false},
		{awstest.Fault{Drop: true}, evidence.Error, false},
	}
	for source, op := range first {
		for _, f := range faults {
			t.Run(fmt.Sprintf("%s/%s%s", source, f.want, f.fault.Code), func(t *testing.T) {
				f.fault.Forever = true
				ask := evidence.Ask{Recorder: true, More: map[string][]string{source: everything()[source]}}
				r, _ := read(t, answers(nil), ask, awscloud.Options{Unlimited: true, MaxAttempts: 2}, func(s *awstest.Server) { s.Fail(op[0], f.fault) })
				o := r.outcomes[source]
				if o.Result != f.want || f.denied && o.Permission != op[1] || !strings.HasSuffix(o.Detail, ".") {
					t.Errorf("got %+v", o)
				}
				if r.outcomes[evidence.RecorderSource].Result != evidence.OK {
					t.Errorf("the recorder was not read: %+v", r.outcomes[evidence.RecorderSource])
				}
			})
		}
	}
}
