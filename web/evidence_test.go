package web_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
	"orrery/internal/review"
)

// work starts workers that collect from the site's cloud until the end of the test.
func (s *site) work() {
	s.Helper()
	workers := river.NewWorkers()
	evidence.RegisterWorkers(workers, s.Evidence, s.cloud)
	client, err := river.NewClient(riverpgxv5.New(s.DB), &river.Config{
		Schema: "river", Workers: workers, TestOnly: true, FetchCooldown: 20 * time.Millisecond, FetchPollInterval: 50 * time.Millisecond,
		Queues: map[string]river.QueueConfig{evidence.Queue: {MaxWorkers: 2}},
	})
	if err == nil {
		err = client.Start(context.WithoutCancel(s.Context()))
	}
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = client.StopAndCancel(ctx)
	})
}

// collect starts a run from the page and waits for its end.
func (b *browser) collect(workload string) answer {
	b.Helper()
	b.Clock.pass(time.Minute)
	to := b.post("/workloads/" + workload + "/evidence/runs").is(http.StatusSeeOther).Header.Get("Location")
	for range 600 {
		if page := b.get(to).is(http.StatusOK); !strings.Contains(page.Body, `hx-trigger="every 1s"`) {
			return page
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.Fatal("the collection does not end")
	return answer{}
}

// trailEntry is the question that asks for a trail.
func (r *reviewed) trailEntry() review.Entry {
	r.Helper()
	for _, e := range r.sheet.Entries() {
		for _, c := range e.Question.Checks {
			if c.Source == evidence.TrailSource {
				return e
			}
		}
	}
	r.Skip("no question of the core path asks for a trail")
	return review.Entry{}
}

// From a first collection, which opens nothing, to what people track, what evidence opens and
// closes by itself, what it ticks, and what it says after the decision.
func TestEvidenceOverTime(t *testing.T) {
	r := newReviewed(t, false)
	cloud := r.aws(awstest.World{Account: awsAccount, Regions: map[string]*awstest.Region{"us-east-1": {}}})
	logging := func(on bool) {
		cloud.Change(func(w *awstest.World) {
			w.Regions["us-east-1"].Trails = []awstest.Trail{{Name: "audit", Stopped: !on, DeliveredAt: r.Clock.now().Add(-time.Minute)}}
			w.Regions["us-east-1"].Findings = []awstest.Finding{{Control: "CloudTrail.1", Status: "PASSED", UpdatedAt: r.Clock.now()}}
			w.Regions["us-east-1"].Recorders = []awstest.Recorder{{Name: "default"}}
		})
	}
	r.Evidence.WhenJudged(r.Reviews.AfterRun)
	r.work()
	r.asha.post("/workloads/payments/edit", "version", "1", "key", "payments", "name", "Payments", "team", "ledger", "tier", "2", "stage", "live",
		"accounts", awsAccount, "regions", "us-east-1").is(http.StatusSeeOther)
	e := r.trailEntry()
	question := r.sheet.QuestionPath(e)

	logging(true)
	r.asha.collect("payments").says("CloudTrail")
	r.asha.get("/workloads/payments/evidence/changes").is(http.StatusOK).says("There is nothing to compare yet")
	r.asha.get(question).is(http.StatusOK).says("Use as answer", "Evidence supports")
	used := r.asha.get(question + "?view=one&use=evidence").is(http.StatusOK).says("Nothing is saved yet")
	if !strings.Contains(used.Body, "checked") || r.count(`select count(*) from answer_revisions`) != 0 {
		t.Error("nothing is ticked, or something was saved")
	}
	r.vera.get(question+"?view=one&use=evidence").is(http.StatusOK).hides("Use as answer", "Nothing is saved yet")
	r.answerAll(true)
	r.asha.get(question).hides("Use as answer")

	logging(false)
	r.asha.collect("payments")
	r.asha.get("/items").is(http.StatusOK).says("trail:")
	r.asha.get("/workloads/payments/evidence/changes").is(http.StatusOK).says("New failures", "it is not logging")
	r.vera.get("/workloads/payments/evidence/changes").is(http.StatusOK).says("Single findings are not yours to see")
	r.vera.get("/workloads/payments/evidence/changes.csv").is(http.StatusForbidden)
	r.asha.get("/workloads/payments/evidence/changes.csv").is(http.StatusOK).says("new failure,pass,fail,cloudtrail.trail,trail")
	r.asha.get("/workloads/payments/evidence/changes?from=nonsense").is(http.StatusNotFound)

	base := r.asha.get("/workloads/payments/evidence/baseline").is(http.StatusOK).says("What fails, by control", "due")
	r.vera.get("/workloads/payments/evidence/baseline").is(http.StatusOK).says("Single findings are not yours to see")
	r.vera.post("/workloads/payments/evidence/baseline", "failure", "cloudtrail.trail/trail").is(http.StatusForbidden)
	r.asha.post("/workloads/payments/evidence/baseline", "due_on", "soon\x00").is(http.StatusUnprocessableEntity).says("Choose at least one failure.", "Choose an owner", "Write the due date")
	r.asha.follow(r.asha.post("/workloads/payments/evidence/baseline", "failure", "cloudtrail.trail/trail", "owner", r.asha.actor().PersonID.String(), "due_on", "2027-01-31")).
		is(http.StatusOK).says("All of these were tracked already.")

	item := regexp.MustCompile(`/items/[0-9a-f-]{36}`).FindString(base.Body)
	r.asha.get(item).is(http.StatusOK).says("trail:")
	r.asha.post(item, "version", "1", "owner", r.asha.actor().PersonID.String(), "due_on", "2027-01-31", "state", "done", "resolution", "It logs.").
		is(http.StatusUnprocessableEntity).says("A collection closes this item")

	logging(true)
	r.asha.collect("payments")
	r.asha.get(item).is(http.StatusOK).says("Verified", "found it mended")
	r.decide("go")
	r.asha.get("/workloads/payments").hides("Evidence changed since the decision")
	logging(false)
	r.asha.collect("payments")
	r.asha.get("/workloads/payments").says("Evidence changed since the decision", e.Question.Title)
	r.noor.get(r.path).says("Evidence changed since the decision")
	r.asha.get(item).says("Open")
}

// A run can be stopped by whom it may be started by.
func TestStopRun(t *testing.T) {
	r := newReviewed(t, false)
	r.asha.post("/workloads/payments/edit", "version", "1", "key", "payments", "name", "Payments", "team", "ledger", "tier", "2", "stage", "live",
		"accounts", awsAccount, "regions", "us-east-1").is(http.StatusSeeOther)
	run := r.asha.post("/workloads/payments/evidence/runs").is(http.StatusSeeOther).Header.Get("Location")
	r.asha.get(run).is(http.StatusOK).says("Stop it")
	r.vera.get(run).is(http.StatusOK).hides("Stop it")
	r.vera.post(run + "/cancel").is(http.StatusForbidden)
	r.asha.post("/runs/nonsense/cancel").is(http.StatusNotFound)
	r.asha.follow(r.asha.post(run+"/cancel")).is(http.StatusOK).says("The collection is stopped.", "stopped the collection before this was read").hides("Stop it")
	r.asha.follow(r.asha.post(run + "/cancel")).says("The collection was over already.")
}
