//go:build bench

package awscloud_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/questionnaire"
)

// The goals of docs/performance.md. A test fails where one is missed.
const (
	factsASecond = 5000
	workerMost   = 200 // MB
	pageMost     = 30 * time.Millisecond
	runMost      = 1.5 // times what the slowest limit asks for
)

// sized is a number of the environment in place of the one that the goal is for: a short form
// to see that it works.
func sized(t *testing.T, name string, normal int) (n int, short bool) {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 && n != normal {
		t.Logf("short form: %d in place of %d", n, normal)
		return n, true
	}
	return normal, false
}

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
	n, short := sized(t, "ORRERY_BENCH_FACTS", 100_000)
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
		t.Logf("%s: %d facts in %v, %.0f a second; the worker needed %v of processor time and at most %d MB", what, n, took.Round(time.Millisecond), float64(n)/took.Seconds(), cpu.Round(10*time.Millisecond), size>>10)
		if rate := float64(n) / took.Seconds(); rate < factsASecond && !short {
			t.Errorf("%s: %.0f facts a second, the goal is %d", what, rate, factsASecond)
		}
		if size>>10 > workerMost {
			t.Errorf("%s: the worker needed %d MB, the goal is %d", what, size>>10, workerMost)
		}
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

// TestBenchFactPages reads what is stored of a workload, with a million facts stored. The whole
// panel of a question is timed by TestBenchPanel of web.
func TestBenchFactPages(t *testing.T) {
	n, _ := sized(t, "ORRERY_BENCH_FACTS", 1_000_000)
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
		from generate_series($1::int, $2::int) i`, part*(n/20)+1, (part+1)*(n/20))
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
		if took[times-1-times/20] > pageMost {
			t.Errorf("%s takes %v at p95, the goal is %v", what, took[times-1-times/20], pageMost)
		}
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
	count, short := sized(t, "ORRERY_BENCH_ACCOUNTS", 20)
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
	for i := range count {
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
	times := took.Seconds() / least.Seconds()
	t.Logf("%d accounts x 3 Regions took %v; the slowest limit of a cell alone asks for %v: %.2f times", count, took.Round(10*time.Millisecond), least.Round(10*time.Millisecond), times)
	if times > runMost && !short {
		t.Errorf("the run took %.2f times what the slowest limit asks for, the goal is %.1f", times, runMost)
	}
}

// tableSizes are the bytes of every table with its indexes, after a vacuum.
func tableSizes(t *testing.T, h *evidencetest.House) map[string]int {
	t.Helper()
	h.Exec(t, `vacuum`)
	rows, err := h.DB.Query(t.Context(), `select oid::regclass::text, pg_total_relation_size(oid) from pg_class where relkind = 'r' and relnamespace::regnamespace::text in ('public', 'river')`)
	if err != nil {
		t.Fatal(err)
	}
	out, name, n := map[string]int{}, "", 0
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		out[name] = n
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestBenchMonth collects 5,000 facts on thirty days. Every fact is looked at again each day,
// one in a hundred changes. The database grows by what changed: a line of history for each
// fact that turned, and for each day its run with its ledger, acts and jobs.
func TestBenchMonth(t *testing.T) {
	const (
		n       = 5000
		perTurn = 300       // bytes: a line of history with its indexes
		perRun  = 8 << 10   // bytes
		slack   = 256 << 10 // bytes: pages that are begun, of tables and indexes
	)
	days, _ := sized(t, "ORRERY_BENCH_DAYS", 30)
	h, aws, c := setup(t, world(awstest.Region{}), awscloud.Options{Unlimited: true})
	h.Publish(buckets)
	h.Work(t, c)
	turns := func() int { return h.Count(t, `select count(*) from fact_changes`) }
	var first map[string]int
	var before int
	for day := range days {
		aws.Change(func(w *awstest.World) {
			w.Regions[eu].Answers = awstest.Answers{"GetFindings": endlessFindings(n, 10*(1+day%2), time.Now())}
		})
		if run := h.Collect(t); run.State != evidence.Complete {
			t.Fatalf("the run is %s", run.State)
		}
		if day == 0 {
			first, before = tableSizes(t, h), turns()
		} else {
			h.Exec(t, `vacuum facts`) // as autovacuum does in a day
		}
	}
	last, total := tableSizes(t, h), 0
	for _, table := range slices.Sorted(maps.Keys(last)) {
		if last[table] > first[table] || table == "facts" {
			t.Logf("%s: %d kB after the first day, %d kB after %d", table, first[table]>>10, last[table]>>10, days)
		}
		total += last[table] - first[table]
	}
	turned := turns() - before
	allowed := turned*perTurn + (days-1)*perRun + slack
	t.Logf("%d facts, %d turned: the tables grew by %d kB, what changed asks for at most %d kB", n, turned, total>>10, allowed>>10)
	if total > allowed {
		t.Errorf("the tables grew by %d kB, the goal is %d kB", total>>10, allowed>>10)
	}
}
