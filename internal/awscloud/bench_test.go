//go:build bench

package awscloud_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/questionnaire"
)

// endlessFindings answers GetFindings with n findings of S3.1 on buckets, last looked at at.
// Of each thousand, changed fail.
func endlessFindings(n, changed int, at time.Time) func(map[string]any) (any, *awstest.Fault) {
	when := at.UTC().Format("2006-01-02T15:04:05.000Z")
	return func(in map[string]any) (any, *awstest.Fault) {
		start := 0
		if token, _ := in["NextToken"].(string); token != "" {
			_, _ = fmt.Sscanf(token, "from-%d", &start)
		}
		end := min(start+100, n)
		list := make([]any, 0, 100)
		for i := start; i < end; i++ {
			status := "PASSED"
			if i%1000 < changed {
				status = "FAILED"
			}
			list = append(list, map[string]any{
				"SchemaVersion": "2018-10-08", "Id": fmt.Sprintf("arn:aws:securityhub:eu-west-1:111111111111:security-control/S3.1/finding/%08d", i),
				"ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/securityhub", "GeneratorId": "security-control/S3.1", "AwsAccountId": account, "Region": eu,
				"CreatedAt": when, "UpdatedAt": when, "Title": "S3 general purpose buckets should have block public access settings enabled",
				"Description": strings.Repeat("What this control looks at. ", 8), "Severity": map[string]any{"Label": "INFORMATIONAL"},
				"Compliance": map[string]any{"Status": status, "SecurityControlId": "S3.1"}, "Workflow": map[string]any{"Status": "NEW"}, "RecordState": "ACTIVE",
				"Resources": []any{map[string]any{"Id": fmt.Sprintf("arn:aws:s3:::bucket-%08d", i), "Type": "AwsS3Bucket", "Region": eu, "Tags": map[string]string{"app": "payments", "env": "production"}}},
			})
		}
		out := map[string]any{"Findings": list}
		if end < n {
			out["NextToken"] = fmt.Sprintf("from-%d", end)
		}
		return out, nil
	}
}

// TestBenchFacts reads 100,000 facts of one scope by a process of its own, and takes its
// greatest size.
func TestBenchFacts(t *testing.T) {
	const n = 100_000
	h, aws, _ := setup(t, world(awstest.Region{Answers: awstest.Answers{"GetFindings": endlessFindings(n, 10, time.Now().Add(-time.Hour))}}), awscloud.Options{})
	h.Publish(buckets)
	for _, what := range []string{"first run", "second run, the same facts at a later time"} {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "ORRERY_TEST_WORKER="+dsn(h), "GOGC=250")
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		run := h.Wait(t, h.Start(t).ID)
		took := time.Since(begun)
		size := peak(t, child.Process.Pid)
		_ = child.Process.Kill()
		_ = child.Wait()
		cpu := child.ProcessState.UserTime() + child.ProcessState.SystemTime()
		if run.State != evidence.Complete || run.Cells[0].Facts != n {
			t.Fatalf("the run is %s with %d facts: %s", run.State, run.Cells[0].Facts, said(run))
		}
		t.Logf("%s: %d facts in %v, %.0f a second; the worker needed %v of processor time and at most %d MB", what, n, took.Round(time.Millisecond), n/took.Seconds(), cpu.Round(10*time.Millisecond), size>>10)
		aws.Change(func(w *awstest.World) {
			w.Regions[eu].Answers["GetFindings"] = endlessFindings(n, 10, time.Now())
		})
	}
}

// peak is the most memory a process had, in kB.
func peak(t *testing.T, pid int) (kb int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmHWM:") {
			_, _ = fmt.Sscanf(strings.TrimPrefix(line, "VmHWM:"), "%d", &kb)
		}
	}
	return kb
}

// TestBenchPanel reads what a question shows of evidence, with a million facts stored.
func TestBenchPanel(t *testing.T) {
	var checks []questionnaire.Check
	for i := range 40 {
		checks = append(checks, check(evidence.ControlSource, fmt.Sprintf("S3.%d", i+1), "all_pass", "resource"))
	}
	h, _, c := setup(t, awstest.Believable(account, []string{eu}, []string{"S3.1", "S3.2", "S3.3"}, nil), awscloud.Options{Unlimited: true})
	h.Publish(checks...)
	h.Work(t, c)
	h.Collect(t)
	for part := range 20 {
		h.Exec(t, `insert into facts (source, control, account, region, resource, state, reason, title, detail, tags, application_arn, hash, observed_at, changed_at, run_id)
		select 'securityhub.control', 'S3.' || 1 + i % 40, lpad((i % 50)::text, 12, '2'), 'eu-west-1', 'arn:aws:s3:::bucket-' || i, 'pass', '', 'A control', '{}', '{app=payments}', '', '\x00', now(), now(), (select id from runs limit 1)
		from generate_series($1::int * 50000 + 1, ($1::int + 1) * 50000) i`, part)
	}
	h.Exec(t, `vacuum analyze facts`)
	ctx := context.Background()
	report := func(what string, times int, do func() error) {
		var took []time.Duration
		for range times {
			begun := time.Now()
			if err := do(); err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(begun))
		}
		slices.Sort(took)
		t.Logf("%s: p50 %v, p99 %v", what, took[times/2].Round(10*time.Microsecond), took[times-1-times/100].Round(10*time.Microsecond))
	}
	report("verdicts and last run of a workload", 200, func() error {
		_, err := evidence.Verdicts(ctx, h.DB, h.Workload)
		if err == nil {
			_, _, err = evidence.LatestRun(ctx, h.DB, h.Workload)
		}
		return err
	})
	report("a page of the workload's facts on one control", 200, func() error {
		_, err := h.Service.Facts(ctx, h.Member, h.Workload, evidence.FactFilter{Source: evidence.ControlSource, Control: "S3.1"}, "")
		return err
	})
	report("the first page of the workload's facts", 10, func() error {
		_, err := h.Service.Facts(ctx, h.Member, h.Workload, evidence.FactFilter{}, "")
		return err
	})
}

// accounts reads each account with a collector of its own: an endpoint plays one account.
type accounts map[string]*awscloud.Collector

func (a accounts) Collect(ctx context.Context, where evidence.Cell, ask evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
	return a[where.Account].Collect(ctx, where, ask, emit)
}

// TestBenchRun collects twenty accounts in three Regions, sources 1 to 3, from endpoints that
// take 50 ms for an answer, within our own rate limits.
func TestBenchRun(t *testing.T) {
	regions := []string{eu, us, "eu-central-1"}
	var keys []string
	checks := []questionnaire.Check{trail, recorder, usual[evidence.ActivitySource]}
	for i := range 40 {
		keys = append(keys, fmt.Sprintf("S3.%d", i+1))
		checks = append(checks, check(evidence.ControlSource, keys[i], "all_pass", "resource"))
	}
	for _, key := range []string{"restore_test", "root_sign_in", "stop_logging"} {
		c := usual[evidence.ActivitySource]
		c.Key = key
		checks = append(checks, c)
	}
	rules := make([]awstest.Rule, 30)
	for i := range rules {
		rules[i].Name = fmt.Sprintf("rule-%d", i)
		checks = append(checks, check(evidence.RuleSource, rules[i].Name, "all_pass", "account"))
	}
	credentials(t)
	all, names := accounts{}, []string{}
	var servers []*awstest.Server
	for i := range 20 {
		name := fmt.Sprintf("%012d", 100+i)
		w := awstest.Believable(name, regions, keys, nil)
		for _, r := range w.Regions {
			r.Rules = rules
		}
		aws, err := awstest.Start("127.0.0.1:0", w)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = aws.Close() }()
		for _, op := range []string{"GetCallerIdentity", "DescribeHub", "BatchGetSecurityControls", "GetFindings", "DescribeConfigRules", "DescribeComplianceByConfigRule",
			"DescribeConfigurationRecorders", "DescribeConfigurationRecorderStatus", "DescribeDeliveryChannelStatus", "DescribeTrails", "GetTrailStatus", "GetEventSelectors", "LookupEvents"} {
			aws.Fail(op, awstest.Fault{Delay: 50 * time.Millisecond, Forever: true})
		}
		t.Setenv("AWS_ENDPOINT_URL", aws.URL)
		if all[name], err = awscloud.New(t.Context(), awscloud.Options{}); err != nil {
			t.Fatal(err)
		}
		names, servers = append(names, name), append(servers, aws)
	}
	h := evidencetest.New(t, names[0], eu)
	h.Scope(t, names, regions)
	h.Publish(checks...)
	h.WorkAt(t, all, evidence.CellsAtOnce)
	begun := time.Now()
	run := h.Collect(t)
	took := time.Since(begun)
	if run.State != evidence.Complete {
		t.Fatalf("the run is %s", run.State)
	}
	calls := map[string]int{}
	for _, c := range servers[0].Calls() {
		if c.Region == eu {
			calls[c.Service+":"+c.Op]++
		}
	}
	least := time.Duration(float64(calls["cloudtrail:LookupEvents"]-1) / 1.8 * float64(time.Second))
	t.Logf("calls of one cell: %v", calls)
	t.Logf("20 accounts x 3 Regions took %v; the slowest limit of a cell alone asks for %v: %.2f times", took.Round(10*time.Millisecond), least.Round(10*time.Millisecond), took.Seconds()/least.Seconds())
}

// TestBenchMonth collects 5,000 facts on thirty days. Every fact is looked at again each day,
// one in a hundred changes.
func TestBenchMonth(t *testing.T) {
	const n = 5000
	h, aws, c := setup(t, world(awstest.Region{}), awscloud.Options{Unlimited: true})
	h.Publish(buckets)
	h.Work(t, c)
	size := func() int {
		h.Exec(t, `vacuum facts`)
		return h.Count(t, `select pg_total_relation_size('facts')`)
	}
	var first int
	for day := range 30 {
		aws.Change(func(w *awstest.World) {
			w.Regions[eu].Answers = awstest.Answers{"GetFindings": endlessFindings(n, 10*(1+day%2), time.Now())}
		})
		if run := h.Collect(t); run.State != evidence.Complete {
			t.Fatalf("the run is %s", run.State)
		}
		if day == 0 {
			first = size()
		}
	}
	last := size()
	t.Logf("%d facts: %d kB after the first day, %d kB after thirty: %+.1f %%; %d rows", n, first>>10, last>>10, 100*float64(last-first)/float64(first), h.Count(t, `select count(*) from facts`))
}
