//go:build bench

package web_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// panelGoal is for 95 of 100 questions with the whole panel of evidence: what AWS says, what
// was answered in the Well-Architected Tool, and what people brought.
const panelGoal = 30 * time.Millisecond

// TestBenchPanel asks for questions that show evidence, with a million facts stored
// (ORRERY_BENCH_FACTS): one with the most checks, and one with answers of the tool. What is
// timed is the whole page, which is more than its panel, one page at a time.
func TestBenchPanel(t *testing.T) {
	facts := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("ORRERY_BENCH_FACTS")); err == nil && n > 0 {
		facts = n
	}
	r := toolReviewed(t)
	r.asha.collect("payments").says("Well-Architected Tool")
	most, checks := "", 0
	for _, e := range r.sheet.Entries() {
		if n := len(e.Question.Checks); n > checks {
			most, checks = r.sheet.QuestionPath(e), n
		}
	}
	pages := map[string]string{fmt.Sprintf("a question with %d checks", checks): most, "a question with answers of the tool": r.path + "/q/well-architected/OPS01"}
	for _, path := range pages {
		r.asha.upload(path+"/talk/files", "drill.log", []byte("10:00 it begins\n"), "dated", "2026-11-01").is(http.StatusSeeOther)
		r.asha.upload(path+"/talk/files", "", nil, "dated", "2026-11-01", "url", "https://wiki.example.org/drill", "text", "The runbook").is(http.StatusSeeOther)
		r.asha.upload(path+"/talk/files", "", nil, "dated", "2020-11-01", "statement", "We did it by hand.").is(http.StatusSeeOther)
	}
	const parts = 20
	for part := range parts {
		r.exec(`insert into facts (source, control, account, region, resource, state, reason, title, detail, tags, application_arn, hash, observed_at, changed_at, run_id)
			select 'securityhub.control', 'S3.' || 1 + i % 40, lpad((i % 50)::text, 12, '2'), 'us-east-1', 'arn:aws:s3:::bucket-' || i, 'pass', '', 'A control', '{}', '{app=payments}', '', '\x00', now(), now(), (select id from runs limit 1)
			from generate_series($1::int, $2::int) i`, part*(facts/parts)+1, (part+1)*(facts/parts))
	}
	r.exec(`vacuum analyze facts`)
	for what, path := range pages {
		r.asha.get(path).is(http.StatusOK).says("From people", "drill.log", "The runbook", "We did it by hand.")
		var took []time.Duration
		for range 200 {
			begun := time.Now()
			r.asha.get(path).is(http.StatusOK)
			took = append(took, time.Since(begun))
		}
		slices.Sort(took)
		p50, p95, p99 := took[99], took[189], took[197]
		t.Logf("%s, %d facts stored, the whole page: p50 %v, p95 %v, p99 %v", what, facts, p50.Round(10*time.Microsecond), p95.Round(10*time.Microsecond), p99.Round(10*time.Microsecond))
		if p95 > panelGoal {
			t.Errorf("%s takes %v at p95, the goal is %v", what, p95, panelGoal)
		}
	}
}
