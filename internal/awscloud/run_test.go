package awscloud_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/postgres"
)

// From AWS's answer to the verdict people read.
func TestVerdictsOfARun(t *testing.T) {
	denied := awstest.Fault{Status: 403, Code: "AccessDeniedException", Message: "not authorized to perform: securityhub:GetFindings", Forever: true}
	tests := []struct {
		name   string
		region awstest.Region
		fault  func(*awstest.Server)
		run    evidence.RunState
		want   evidence.State
		reason string
		says   string
	}{
		{"passes", awstest.Region{Findings: passed("S3.1", "a", "b")}, nil, evidence.Complete, evidence.Supports, "", "2 resources pass, none fails."},
		{"not enabled", awstest.Region{HubOff: true}, nil, evidence.Failed, evidence.CannotTell, "off", "Security Hub is not enabled"},
		{"denied", awstest.Region{Findings: passed("S3.1", "a")}, func(s *awstest.Server) { s.Fail("GetFindings", denied) }, evidence.Failed, evidence.CannotTell, "denied", "securityhub:GetFindings"},
		{"throttled, then fine", awstest.Region{Findings: passed("S3.1", "a")}, func(s *awstest.Server) {
			s.Fail("GetFindings", awstest.Fault{Status: 429, Code: "TooManyRequestsException"}, awstest.Fault{Status: 429, Code: "TooManyRequestsException"})
		}, evidence.Complete, evidence.Supports, "", ""},
		{"throttled out", awstest.Region{Findings: passed("S3.1", "a")}, func(s *awstest.Server) {
			s.Fail("GetFindings", awstest.Fault{Status: 429, Code: "TooManyRequestsException", Forever: true})
		}, evidence.Failed, evidence.CannotTell, "throttled", ""},
		{"vacuous pass", awstest.Region{Findings: []awstest.Finding{{Control: "S3.1", Status: "PASSED", Reasons: []string{"CONFIG_EVALUATIONS_EMPTY"}}}}, nil, evidence.Complete, evidence.CannotTell, "vacuous", ""},
		{"suppressed", awstest.Region{Findings: append(passed("S3.1", "a"), awstest.Finding{Control: "S3.1", Resource: "b", Status: "FAILED", Workflow: "SUPPRESSED"})}, nil, evidence.Complete, evidence.Mixed, "some_suppressed", "not a pass"},
		{"one of two fails", awstest.Region{Findings: append(passed("S3.1", "a"), awstest.Finding{Control: "S3.1", Resource: "b", Status: "FAILED"})}, nil, evidence.Complete, evidence.Mixed, "some_fail", "1 of 2 resources fails."},
		{"garbage", awstest.Region{Findings: passed("S3.1", "a")}, func(s *awstest.Server) { s.Fail("GetFindings", awstest.Fault{Raw: "{not json", Forever: true}) }, evidence.Failed, evidence.CannotTell, "error", "could not be read"},
		{"10 MB in one finding", awstest.Region{Findings: []awstest.Finding{{Control: "S3.1", Resource: "a", Status: "FAILED", Details: map[string]any{"x": strings.Repeat("y", 10<<20)}}}}, nil, evidence.Complete, evidence.Contradicts, "", "1 resource fails."},
		{"disabled", awstest.Region{Disabled: []string{"S3.1"}}, nil, evidence.Complete, evidence.CannotTell, "control_disabled", "disabled in Security Hub"},
		{"nothing there", awstest.Region{}, nil, evidence.Complete, evidence.CannotTell, "no_finding", ""},
		{"expires on the second page", awstest.Region{Findings: passed("S3.1", "a")}, func(s *awstest.Server) {
			s.Change(func(w *awstest.World) {
				for i := range 150 {
					w.Regions[eu].Findings = append(w.Regions[eu].Findings, passed("S3.1", fmt.Sprint(i))...)
				}
			})
			s.Fail("GetFindings", awstest.Fault{Delay: time.Millisecond}, awstest.Fault{Status: 403, Code: "ExpiredTokenException", Forever: true})
		}, evidence.Failed, evidence.CannotTell, "expired", ""},
		{"the same page for ever", awstest.Region{}, func(s *awstest.Server) {
			s.Fail("GetFindings", awstest.Fault{Raw: `{"Findings": [], "NextToken": "again"}`, Forever: true})
		}, evidence.Failed, evidence.CannotTell, "partial", "the same page twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, aws, c := setup(t, world(tt.region), awscloud.Options{Unlimited: true})
			if tt.fault != nil {
				tt.fault(aws)
			}
			h.Publish(buckets)
			h.Work(t, c)
			run := h.Collect(t)
			if run.State != tt.run {
				t.Errorf("the run is %s, want %s: %s", run.State, tt.run, said(run))
			}
			expect(t, h.Verdict(t, buckets), tt.want, tt.reason, tt.says)
		})
	}
}

// The classic false passes: the control passes, the thing itself does not work.
func TestFalsePasses(t *testing.T) {
	config1 := check(evidence.ControlSource, "Config.1", "all_pass", "account")
	h, _, c := setup(t, world(awstest.Region{
		Findings:  append(passed("CloudTrail.1", ""), passed("Config.1", "")...),
		Trails:    []awstest.Trail{{Name: "audit", Stopped: true, DeliveredAt: time.Now().Add(-40 * 24 * time.Hour)}},
		Recorders: []awstest.Recorder{{Name: "default", Stopped: true}},
	}), awscloud.Options{})
	h.Publish(trailOf, trail, recorder, config1)
	h.Work(t, c)
	if run := h.Collect(t); run.State != evidence.Complete {
		t.Fatalf("the run is %s: %s", run.State, said(run))
	}
	expect(t, h.Verdict(t, trailOf), evidence.Supports, "")
	expect(t, h.Verdict(t, trail), evidence.Contradicts, "", "audit", "it is not logging", "last delivered a log file on")
	expect(t, h.Verdict(t, recorder), evidence.Contradicts, "", "is stopped")
	expect(t, h.Verdict(t, config1), evidence.Contradicts, "")
}

func TestWrongAccountStoresNothing(t *testing.T) {
	w := awstest.Believable("999999999999", []string{eu}, []string{"S3.1"}, nil)
	h, aws, c := setup(t, w, awscloud.Options{})
	h.Publish(buckets, trail)
	h.Work(t, c)
	run := h.Collect(t)
	if run.State != evidence.Failed || run.Cells[0].Result != evidence.WrongAccount {
		t.Errorf("the run is %s: %s", run.State, said(run))
	}
	if n := h.Count(t, `select count(*) from facts`); n != 0 || len(aws.Calls("GetFindings", "DescribeTrails")) != 0 {
		t.Errorf("%d facts of another account", n)
	}
	expect(t, h.Verdict(t, trail), evidence.CannotTell, "wrong_account")
}

// What is absent is closed by a whole reading only, and opens again when it returns.
func TestAbsentFacts(t *testing.T) {
	h, aws, c := setup(t, world(awstest.Region{Findings: passed("S3.1", "a", "b")}), awscloud.Options{})
	h.Publish(buckets)
	h.Work(t, c)
	h.Collect(t)
	aws.Change(func(w *awstest.World) { w.Regions[eu].Findings = passed("S3.1", "a") })

	aws.Fail("GetFindings", awstest.Fault{Status: 403, Code: "AccessDeniedException", Forever: true})
	h.Collect(t)
	if n := len(h.Facts(t, evidence.FactFilter{})); n != 2 {
		t.Errorf("%d facts stand after a reading that was denied, want 2", n)
	}
	expect(t, h.Verdict(t, buckets), evidence.CannotTell, "denied")

	aws.Mend()
	h.Collect(t)
	if f := h.Facts(t, evidence.FactFilter{}); len(f) != 1 || f[0].Resource != "a" {
		t.Errorf("%d facts stand after a whole reading, want a", len(f))
	}
	if v := h.Verdict(t, buckets); v.Passed != 1 || v.Verdict != evidence.Supports {
		t.Errorf("got %+v", v)
	}

	aws.Change(func(w *awstest.World) { w.Regions[eu].Findings = passed("S3.1", "a", "b") })
	h.Collect(t)
	if n := len(h.Facts(t, evidence.FactFilter{})); n != 2 || h.Count(t, `select count(*) from facts`) != 2 {
		t.Errorf("%d facts stand after it returned, want 2", n)
	}
}

// Where only the document changed it is renewed, and the fact is no other: it says since when
// it stands, and history has no line.
func TestDocumentsAreRenewed(t *testing.T) {
	validated := check(evidence.TrailSource, evidence.ValidatedKey, "all_pass", "account")
	h, aws, c := setup(t, world(awstest.Region{Trails: []awstest.Trail{{Name: "main", DeliveredAt: time.Now().Add(-time.Hour)}}}), awscloud.Options{})
	h.Publish(trail, validated)
	h.Work(t, c)
	h.Collect(t)
	expect(t, h.Verdict(t, validated), evidence.Supports, "", "validates its log files")
	changes := h.Count(t, `select count(*) from fact_changes`)
	at := func(key string) evidence.Fact { return h.Facts(t, evidence.FactFilter{Control: key})[0] }
	before := at(evidence.TrailKey)
	aws.Change(func(w *awstest.World) { w.Regions[eu].Trails[0].Unvalidated = true })
	h.Collect(t)
	if f := at(evidence.TrailKey); !strings.Contains(string(f.Detail), `"file_validation": false`) || !f.ChangedAt.Equal(before.ChangedAt) || f.RunID != before.RunID || !f.ObservedAt.After(before.ObservedAt) {
		t.Errorf("the document says %s, since %v; before %v", f.Detail, f.ChangedAt, before.ChangedAt)
	}
	expect(t, h.Verdict(t, validated), evidence.Contradicts, "", "it does not validate its log files")
	if n := h.Count(t, `select count(*) from fact_changes`) - changes; n != 1 {
		t.Errorf("%d lines of history for one fact that turned", n)
	}
}

// An older version of a finding, which Security Hub may still answer with, changes nothing.
func TestOlderVersionsDoNotCount(t *testing.T) {
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	fail := awstest.Finding{Control: "S3.1", Resource: "a", Status: "FAILED", UpdatedAt: at}
	pass := awstest.Finding{Control: "S3.1", Resource: "a", Status: "PASSED", UpdatedAt: at.Add(-time.Hour)}
	h, aws, c := setup(t, world(awstest.Region{Findings: []awstest.Finding{fail}}), awscloud.Options{})
	h.Publish(buckets)
	h.Work(t, c)
	h.Collect(t)
	aws.Change(func(w *awstest.World) { w.Regions[eu].Findings = []awstest.Finding{pass} })
	h.Collect(t)
	expect(t, h.Verdict(t, buckets), evidence.Contradicts, "")
	pass.UpdatedAt = at.Add(time.Minute)
	aws.Change(func(w *awstest.World) { w.Regions[eu].Findings = []awstest.Finding{pass, fail} }) // and in one answer
	h.Collect(t)
	expect(t, h.Verdict(t, buckets), evidence.Supports, "")
}

// Of several findings on one resource, as with findings for each standard, the worst counts.
func TestWorstOfSeveralRecords(t *testing.T) {
	finding := func(id, status, workflow string, age time.Duration) awstest.Finding {
		return awstest.Finding{ID: id, Control: "S3.1", Resource: "a", Status: status, Workflow: workflow, UpdatedAt: time.Now().Add(-age)}
	}
	h, aws, c := setup(t, world(awstest.Region{PerStandard: true, Findings: []awstest.Finding{
		finding("cis", "PASSED", "NEW", time.Minute), finding("fsbp", "FAILED", "NEW", time.Hour), finding("nist", "FAILED", "SUPPRESSED", time.Minute),
	}}), awscloud.Options{})
	h.Publish(buckets)
	h.Work(t, c)
	h.Collect(t)
	if v := h.Verdict(t, buckets); v.Verdict != evidence.Contradicts || v.Failed != 1 || v.Passed+v.Suppressed != 0 {
		t.Errorf("got %+v", v)
	}
	aws.Change(func(w *awstest.World) {
		w.Regions[eu].Findings = []awstest.Finding{finding("nist", "FAILED", "SUPPRESSED", 0), finding("cis", "PASSED", "NEW", 0)}
	})
	h.Collect(t)
	expect(t, h.Verdict(t, buckets), evidence.CannotTell, "only_suppressed")
}

func TestHostileText(t *testing.T) {
	nasty := "a\x00b\u202e\ufffd😀" + strings.Repeat("é", 3000)
	h, aws, c := setup(t, world(awstest.Region{Findings: []awstest.Finding{{Control: "S3.1", Status: "FAILED", Resource: nasty, Title: nasty,
		Tags: map[string]string{nasty: nasty}, Application: nasty, Reasons: []string{nasty}, Details: map[string]any{"n\x00": nasty}}}}), awscloud.Options{})
	aws.Change(func(w *awstest.World) {
		w.Regions[eu].Trails = []awstest.Trail{{Name: nasty, DeliveryError: nasty}}
	})
	aws.Fail("DescribeConfigurationRecorders", awstest.Fault{Status: 400, Code: "Bad", Message: "a\x00" + nasty, Forever: true})
	h.Publish(buckets, trail, recorder)
	h.Work(t, c)
	run := h.Collect(t)
	if run.State != evidence.Incomplete {
		t.Fatalf("the run is %s: %s", run.State, said(run))
	}
	for _, f := range h.Facts(t, evidence.FactFilter{}) {
		if strings.ContainsRune(f.Resource+f.Title+string(f.Detail), 0) {
			t.Errorf("a NUL came through: %q", f.Title)
		}
	}
}

// Two cells of a run end at the same moment, many times over: the run ends once.
func TestLastCellsRace(t *testing.T) {
	w := awstest.Believable(account, []string{eu, us, "eu-north-1"}, []string{"S3.1"}, nil)
	h, aws, c := setup(t, w, awscloud.Options{Unlimited: true})
	h.Publish(buckets)
	h.Work(t, c)
	for i := range 15 {
		hold := make(chan struct{})
		aws.Fail("GetFindings", awstest.Fault{Hold: hold}, awstest.Fault{Hold: hold}, awstest.Fault{Hold: hold})
		before := len(aws.Calls("GetFindings"))
		run := h.Start(t)
		h.Until(t, "three calls at once", func() bool { return len(aws.Calls("GetFindings")) == before+3 })
		close(hold)
		run = h.Wait(t, run.ID)
		ends := h.Count(t, `select count(*) from audit_records where verb = 'evidence.run_finished'`)
		if run.State != evidence.Complete || ends != i+1 || h.Verdict(t, buckets).RunID != run.ID {
			t.Fatalf("after %d runs: %s, ended %d times", i+1, run.State, ends)
		}
	}
}

// A worker is killed while it reads. The sweep starts its cell again; the run ends whole,
// and nothing is counted twice.
func TestWorkerIsKilled(t *testing.T) {
	var names []string
	for i := range 250 {
		names = append(names, fmt.Sprint(i))
	}
	h, aws, c := setup(t, world(awstest.Region{Findings: passed("S3.1", names...)}), awscloud.Options{Unlimited: true})
	h.Publish(buckets)
	hold := make(chan struct{})
	defer close(hold)
	aws.Fail("GetFindings", awstest.Fault{Delay: time.Millisecond}, awstest.Fault{Hold: hold}) // page one, then never
	run := h.Start(t)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "ORRERY_TEST_WORKER="+dsn(h))
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill() }()
	h.Until(t, "the second page to be asked for, and the first to be stored beside it", func() bool {
		return len(aws.Calls("GetFindings")) == 2 && h.Count(t, `select count(*) from facts`) == 100
	})
	h.Later(time.Minute)
	sweep(t, h)
	if n := h.Count(t, `select count(*) from river.river_job`); n != 1 {
		t.Fatalf("the sweep started a cell whose worker lives: %d jobs", n)
	}
	if err := child.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	h.Until(t, "the sweep to start the cell again", func() bool {
		sweep(t, h)
		return h.Count(t, `select count(*) from river.river_job`) == 2
	})
	sweep(t, h)
	if n := h.Count(t, `select count(*) from river.river_job`); n != 2 {
		t.Errorf("the sweep started a waiting cell again: %d jobs", n)
	}
	if n := h.Count(t, `select count(*) from facts`); n != 100 {
		t.Errorf("%d facts after the first page, want 100", n)
	}
	h.Work(t, c)
	run = h.Wait(t, run.ID)
	if run.State != evidence.Complete || run.Cells[0].Facts != 250 || h.Count(t, `select count(*) from facts`) != 250 {
		t.Errorf("the run is %s with %d facts: %s", run.State, run.Cells[0].Facts, said(run))
	}
	if v := h.Verdict(t, buckets); v.Verdict != evidence.Supports || v.Passed != 250 {
		t.Errorf("got %+v", v)
	}
	if n := h.Count(t, `select count(*) from audit_records where verb = 'evidence.run_finished'`); n != 1 {
		t.Errorf("the run ended %d times", n)
	}
}

func sweep(t *testing.T, h *evidencetest.House) {
	t.Helper()
	if err := h.Service.Sweep(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func dsn(h *evidencetest.House) string {
	c := h.DB.Config().ConnConfig
	return (&url.URL{Scheme: "postgres", User: url.UserPassword(c.User, c.Password), Path: "/" + c.Database,
		RawQuery: url.Values{"host": {c.Host}, "port": {fmt.Sprint(c.Port)}, "sslmode": {"disable"}}.Encode()}).String()
}

// TestMain lets the test binary be the worker that is killed.
func TestMain(m *testing.M) {
	address := os.Getenv("ORRERY_TEST_WORKER")
	if address == "" {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	db, err := postgres.Open(ctx, address, 6)
	if err == nil {
		var c *awscloud.Collector
		if c, err = awscloud.New(ctx, awscloud.Options{Unlimited: true}); err == nil {
			err = evidencetest.Serve(ctx, db, c, buckets)
		}
	}
	fmt.Fprintln(os.Stderr, "worker:", err)
	os.Exit(1)
}
