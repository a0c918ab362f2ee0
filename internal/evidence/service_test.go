package evidence_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
)

var ctx = context.Background()

// house has the checks of the judge's tests published.
func house(t *testing.T) *evidencetest.House {
	t.Helper()
	h := evidencetest.New(t, one, eu, us)
	h.Publish(everyPasses, trailWorks)
	return h
}

func TestWhoMay(t *testing.T) {
	h := house(t)
	run := h.Start(t)
	person := func(change func(*identity.Actor)) identity.Actor {
		a := identity.Actor{PersonID: uuid.New(), Name: "Somebody"}
		change(&a)
		return a
	}
	grant := func(k identity.GrantKind, workload uuid.UUID) func(*identity.Actor) {
		return func(a *identity.Actor) { a.Grants = []identity.Grant{{Kind: k, WorkloadID: workload}} }
	}
	role := func(r identity.OrgRole) func(*identity.Actor) {
		return func(a *identity.Actor) { a.Roles = []identity.OrgRole{r} }
	}
	readToken := h.Member
	readToken.TokenID, readToken.Scopes = uuid.New(), []string{"read"}
	const yes = fault.Kind(-1)
	tests := []struct {
		name                            string
		who                             identity.Actor
		start, run, facts               fault.Kind // when the workload is open to all
		startHidden, runHidden, fHidden fault.Kind // when it is restricted
	}{
		{"member", h.Member, yes, yes, yes, yes, yes, yes},
		{"approver of the workload", person(grant(identity.Approver, h.Workload)), yes, yes, yes, yes, yes, yes},
		{"facilitator of all", person(grant(identity.Facilitator, uuid.Nil)), yes, yes, yes, yes, yes, yes},
		{"approver of another", person(grant(identity.Approver, uuid.New())), fault.Forbidden, yes, fault.Forbidden, fault.NotFound, fault.NotFound, fault.NotFound},
		{"auditor", person(role(identity.Auditor)), fault.Forbidden, yes, yes, fault.Forbidden, yes, yes},
		{"admin", person(role(identity.Admin)), fault.Forbidden, yes, fault.Forbidden, fault.NotFound, fault.NotFound, fault.NotFound},
		{"anyone signed in", person(func(*identity.Actor) {}), fault.Forbidden, yes, fault.Forbidden, fault.NotFound, fault.NotFound, fault.NotFound},
		{"member's read token", readToken, fault.Forbidden, yes, yes, fault.Forbidden, yes, yes},
		{"nobody", identity.Actor{}, fault.NotFound, fault.NotFound, fault.NotFound, fault.NotFound, fault.NotFound, fault.NotFound},
	}
	for _, restricted := range []bool{false, true} {
		h.Exec(t, `update workloads set restricted = $1`, restricted)
		for _, tt := range tests {
			want := []fault.Kind{tt.start, tt.run, tt.facts}
			if restricted {
				want = []fault.Kind{tt.startHidden, tt.runHidden, tt.fHidden}
			}
			_, _, started := h.Service.StartRun(ctx, tt.who, h.Workload)
			_, read := h.Service.Run(ctx, tt.who, run.ID)
			_, listed := h.Service.Facts(ctx, tt.who, h.Workload, evidence.FactFilter{}, "")
			for i, err := range []error{started, read, listed} {
				if want[i] == yes && err != nil || want[i] != yes && !fault.Is(err, want[i]) {
					t.Errorf("restricted %v, %s, %s: %v, want kind %d", restricted, tt.name, []string{"start", "run", "facts"}[i], err, want[i])
				}
			}
		}
	}
}

func TestStartRefuses(t *testing.T) {
	h := house(t)
	start := func() error { _, _, err := h.Service.StartRun(ctx, h.Member, h.Workload); return err }
	if _, _, err := h.Service.StartRun(ctx, h.Member, uuid.New()); !fault.Is(err, fault.NotFound) {
		t.Errorf("a workload that is not there: %v", err)
	}
	if _, err := h.Service.Run(ctx, h.Member, uuid.New()); !fault.Is(err, fault.NotFound) {
		t.Errorf("a run that is not there: %v", err)
	}
	h.Scope(t, []string{}, []string{eu})
	if err := start(); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.MessageOf(err), "production scope") {
		t.Errorf("no account: %v", err)
	}
	h.Exec(t, `delete from scopes`)
	if err := start(); !fault.Is(err, fault.Conflict) {
		t.Errorf("no scope: %v", err)
	}
	h.Scope(t, []string{one}, []string{eu})
	h.Publish(check("trustedadvisor.check", "x", "any_pass", "account"))
	if err := start(); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.MessageOf(err), "nothing to collect") {
		t.Errorf("no check that is read: %v", err)
	}
	if n := h.Count(t, `select (select count(*) from runs) + (select count(*) from river.river_job) + (select count(*) from audit_records)`); n != 0 {
		t.Errorf("refused starts left %d rows", n)
	}
}

func TestSecondStartJoins(t *testing.T) {
	h := house(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids, joined := map[uuid.UUID]bool{}, 0
	for range 6 {
		wg.Go(func() {
			run, j, err := h.Service.StartRun(ctx, h.Member, h.Workload)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			ids[run.ID] = true
			if j {
				joined++
			}
		})
	}
	wg.Wait()
	if len(ids) != 1 || joined != 5 {
		t.Fatalf("six starts made %d runs and joined %d times", len(ids), joined)
	}
	run, found, err := evidence.LatestRun(ctx, h.DB, h.Workload)
	if err != nil || !found || !ids[run.ID] || run.State != evidence.Running || run.RequestedBy != h.Member.PersonID || run.RequestedByName != "Kim Lund" || len(run.Cells) != 4 {
		t.Errorf("the latest run is %+v, %v", run, err)
	}
	if done, total := run.Done(); done != 0 || total != 4 {
		t.Errorf("%d of %d are done", done, total)
	}
	if n := h.Count(t, `select count(*) from river.river_job where state = 'available' and queue = 'evidence'`); n != 2 {
		t.Errorf("%d jobs, want one for each Region", n)
	}
	if n := h.Count(t, `select count(*) from audit_records where verb = 'evidence.run_started'`); n != 1 {
		t.Errorf("%d audit records", n)
	}
}

func TestNoRunYet(t *testing.T) {
	h := house(t)
	if _, found, err := evidence.LatestRun(ctx, h.DB, h.Workload); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if v, err := evidence.Verdicts(ctx, h.DB, h.Workload); len(v) != 0 || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
}

// script is a collector that plays what a test says. AWS itself is played in awscloud.
type script func(cell evidence.Cell, ask evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome

func (s script) Collect(_ context.Context, cell evidence.Cell, ask evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
	return s(cell, ask, emit)
}

// wholly reads n passing resources a source and cell.
func wholly(n int) script {
	return func(cell evidence.Cell, ask evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
		var out []evidence.Outcome
		for _, source := range ask.Sources() {
			key := map[string]string{evidence.ControlSource: "S3.1", evidence.TrailSource: "trail"}[source]
			var facts []evidence.Observation
			for i := range n {
				facts = append(facts, evidence.Observation{Control: key, Resource: fmt.Sprintf("%s-%03d", cell.Region, i), State: evidence.Pass,
					Title: "It works.", Tags: []string{fmt.Sprintf("app=%d", i%3)}, ObservedAt: time.Now()})
			}
			_ = emit(source, facts)
			out = append(out, evidence.Outcome{Source: source, Result: evidence.OK})
		}
		return out
	}
}

func TestFactsArePagedAndFiltered(t *testing.T) {
	h := house(t)
	h.Work(t, wholly(130))
	h.Collect(t)
	all := h.Facts(t, evidence.FactFilter{})
	seen := map[string]bool{}
	for _, f := range all {
		seen[f.Source+f.Region+f.Resource] = true
	}
	if len(all) != 4*130 || len(seen) != len(all) {
		t.Fatalf("%d facts, %d different", len(all), len(seen))
	}
	if !slices.IsSortedFunc(all, func(a, b evidence.Fact) int {
		return strings.Compare(a.Source+a.Region+a.Resource, b.Source+b.Region+b.Resource)
	}) {
		t.Error("the facts are not in order")
	}
	for f, want := range map[evidence.FactFilter]int{
		{Source: evidence.TrailSource}:             260,
		{Source: evidence.TrailSource, Region: eu}: 130,
		{Control: "S3.1", Account: one}:            260,
		{State: evidence.Fail}:                     0,
		{Account: two}:                             0,
		{Control: "x\x00"}:                         0,
	} {
		if got := len(h.Facts(t, f)); got != want {
			t.Errorf("%+v gave %d, want %d", f, got, want)
		}
	}
	h.Scope(t, []string{one}, []string{eu}, "app=1", "app=2")
	if got := len(h.Facts(t, evidence.FactFilter{Control: "S3.1"})); got != 86 {
		t.Errorf("%d facts carry a tag of the scope, want 86", got)
	}
	for _, cursor := range []string{"x", "bm8", "WyJhIl0x"} {
		if _, err := h.Service.Facts(ctx, h.Member, h.Workload, evidence.FactFilter{}, cursor); !fault.Is(err, fault.Invalid) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}

func TestVerdictsOutgrown(t *testing.T) {
	h := house(t)
	h.Work(t, wholly(1))
	h.Collect(t)
	if v := h.Verdict(t, everyPasses); v.Verdict != evidence.Supports {
		t.Fatalf("got %+v", v)
	}
	h.Scope(t, []string{one}, []string{eu, us, "eu-north-1"})
	if v := h.Verdict(t, everyPasses); v.Verdict != evidence.CannotTell || v.Reason != evidence.ScopeChanged {
		t.Errorf("a Region was added: %+v", v)
	}
	h.Scope(t, []string{one}, []string{eu})
	if v := h.Verdict(t, everyPasses); v.Verdict != evidence.Supports {
		t.Errorf("a Region was taken away: %+v", v)
	}
}

// A verdict speaks for the tags and the application that it was judged for.
func TestVerdictsOutgrownByTags(t *testing.T) {
	h := house(t)
	arn := func(a string) { h.Exec(t, `update scopes set application_arn = $1`, a) }
	expect := func(when string, want evidence.State) {
		t.Helper()
		if v := h.Verdict(t, everyPasses); v.Verdict != want || want == evidence.CannotTell && (v.Reason != evidence.ScopeChanged || v.Detail == "") {
			t.Errorf("%s: %+v", when, v)
		}
	}
	cells := []string{eu, us}
	h.Scope(t, []string{one}, cells, "app=0", "app=x")
	stop := h.Work(t, wholly(1))
	h.Collect(t)
	expect("judged", evidence.Supports)
	h.Scope(t, []string{one}, cells, "app=x", "app=0")
	expect("the same tags", evidence.Supports)
	for name, tags := range map[string][]string{"none": {}, "one was taken away": {"app=0"}, "others": {"app=y"}, "one was added": {"app=0", "app=x", "app=y"}} {
		h.Scope(t, []string{one}, cells, tags...)
		expect("tags: "+name, evidence.CannotTell)
	}
	h.Scope(t, []string{one}, cells, "app=0", "app=x")
	arn("arn:aws:resource-groups:eu-west-1:111111111111:group/other")
	expect("another application", evidence.CannotTell)
	arn("")
	expect("the scope is as it was", evidence.Supports)
	h.Exec(t, `update runs set tags = null`)
	expect("nobody knows which tags it was judged for", evidence.CannotTell)

	stop()
	run := h.Start(t)
	h.Scope(t, []string{one}, cells)
	h.Work(t, wholly(1))
	h.Wait(t, run.ID)
	expect("the tags changed while it was read", evidence.CannotTell)
	h.Scope(t, []string{one}, cells, "app=0", "app=x")
	expect("it was judged for the tags of its start", evidence.Supports)
}

// Jobs that vanish are started again, three times; then the run ends as failed.
func TestLostJobs(t *testing.T) {
	h := house(t)
	run := h.Start(t)
	sweep := func() {
		h.Later(time.Minute)
		if err := h.Service.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	if n := h.Count(t, `select count(*) from river.river_job`); n != 2 {
		t.Fatalf("waiting jobs were doubled: %d", n)
	}
	for i := range 3 {
		h.Exec(t, `update river.river_job set state = 'running', attempted_at = now() - interval '1 minute' where state = 'available'`)
		sweep()
		if n := h.Count(t, `select count(*) from river.river_job`); n != 2*(i+2) {
			t.Fatalf("sweep %d: %d jobs", i+1, n)
		}
	}
	h.Exec(t, `update river.river_job set state = 'running', attempted_at = now() - interval '1 minute' where state = 'available'`)
	sweep()
	run, err := h.Service.Run(ctx, h.Member, run.ID)
	if err != nil || run.State != evidence.Failed || run.FinishedAt == nil {
		t.Fatalf("the run is %s, %v", run.State, err)
	}
	if c := run.Cells[0]; c.Result != evidence.Error || c.Detail != "The worker stopped without a word, four times." {
		t.Errorf("the ledger says %+v", c)
	}
	if v := h.Verdict(t, everyPasses); v.Verdict != evidence.CannotTell || v.Reason != "error" {
		t.Errorf("got %+v", v)
	}
	if _, joined, err := h.Service.StartRun(ctx, h.Member, h.Workload); joined || err != nil {
		t.Errorf("a new run: joined %v, %v", joined, err)
	}
}

func TestOldRunIsNotStartedAgain(t *testing.T) {
	h := house(t)
	run := h.Start(t)
	h.Exec(t, `delete from river.river_job`)
	h.Later(3 * time.Hour)
	if err := h.Service.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if run, _ = h.Service.Run(ctx, h.Member, run.ID); run.State != evidence.Failed || h.Count(t, `select count(*) from river.river_job`) != 0 {
		t.Errorf("the run is %s", run.State)
	}
}

// Two workloads share an account: one cell is read after the other, never at once, and
// their facts are the same rows.
func TestSharedAccount(t *testing.T) {
	h := house(t)
	other := uuid.Must(uuid.NewV7())
	h.Exec(t, `insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		values ($1, 'books', 'Books', '', $2, 2, 'live', false, now(), now())`, other, h.Team)
	h.Exec(t, `insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn)
		select gen_random_uuid(), $1, name, production, accounts, regions, tags, application_arn from scopes`, other)
	var mu sync.Mutex
	inside, most := map[evidence.Cell]int{}, 0
	read := wholly(2)
	h.Work(t, script(func(cell evidence.Cell, ask evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
		mu.Lock()
		inside[cell]++
		most = max(most, inside[cell])
		mu.Unlock()
		time.Sleep(50 * time.Millisecond)
		out := read(cell, ask, emit)
		mu.Lock()
		inside[cell]--
		mu.Unlock()
		return out
	}))
	mine := h.Start(t)
	theirs, _, err := h.Service.StartRun(ctx, h.Member, other)
	if err != nil {
		t.Fatal(err)
	}
	if h.Wait(t, mine.ID).State != evidence.Complete || h.Wait(t, theirs.ID).State != evidence.Complete {
		t.Error("a run did not end whole")
	}
	if most != 1 || h.Count(t, `select count(*) from facts`) != 8 {
		t.Errorf("%d readers at once, %d facts", most, h.Count(t, `select count(*) from facts`))
	}
}

// A collector that breaks its contract, or panics, ends as an error, never as a pass.
func TestBrokenCollectors(t *testing.T) {
	for name, c := range map[string]script{
		"panics": func(evidence.Cell, evidence.Ask, func(string, []evidence.Observation) error) []evidence.Outcome {
			panic("oh")
		},
		"emits what nobody asked for": func(_ evidence.Cell, _ evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
			_ = emit("weather", []evidence.Observation{{Control: "sun", State: evidence.Pass}})
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := evidencetest.New(t, one, eu)
			h.Publish(everyPasses)
			h.Work(t, c)
			run := h.Start(t)
			h.Until(t, "the run to end", func() bool {
				h.Later(time.Minute)
				hurry(t, h)
				if err := h.Service.Sweep(ctx); err != nil {
					t.Fatal(err)
				}
				run, _ = h.Service.Run(ctx, h.Member, run.ID)
				return run.State != evidence.Running
			})
			if run.State != evidence.Failed || run.Cells[0].Result != evidence.Error {
				t.Errorf("the run is %s: %+v", run.State, run.Cells[0].Detail)
			}
		})
	}
	t.Run("says nothing", func(t *testing.T) {
		h := evidencetest.New(t, one, eu)
		h.Publish(everyPasses)
		h.Work(t, script(func(evidence.Cell, evidence.Ask, func(string, []evidence.Observation) error) []evidence.Outcome {
			return nil
		}))
		if run := h.Collect(t); run.State != evidence.Failed || run.Cells[0].Result != evidence.Error {
			t.Errorf("the run is %s", run.State)
		}
	})
}

// A server that stops hands its cells to the next.
func TestGracefulStop(t *testing.T) {
	h := evidencetest.New(t, one, eu)
	h.Publish(everyPasses)
	begun := make(chan struct{}, 1)
	stop := h.Work(t, stuck(begun))
	run := h.Start(t)
	<-begun
	stop()
	hurry(t, h)
	h.Work(t, wholly(3))
	if run = h.Wait(t, run.ID); run.State != evidence.Complete || run.Cells[0].Facts != 3 {
		t.Errorf("the run is %s with %+v", run.State, run.Cells)
	}
}

// stuck reads until it is told to stop.
type stuck chan struct{}

func (s stuck) Collect(ctx context.Context, _ evidence.Cell, _ evidence.Ask, _ func(string, []evidence.Observation) error) []evidence.Outcome {
	s <- struct{}{}
	<-ctx.Done()
	return []evidence.Outcome{{Source: evidence.ControlSource, Result: evidence.OK}}
}

// hurry lets jobs that wait for their next attempt have it now.
func hurry(t *testing.T, h *evidencetest.House) {
	t.Helper()
	h.Exec(t, `update river.river_job set scheduled_at = now(), state = 'available' where state in ('retryable', 'scheduled')`)
}

// What was seen once stays seen when AWS does not remember it any more.
func TestSightingsAreKept(t *testing.T) {
	h := house(t)
	year := questionnaire.Check{ID: "c", Choice: "a", Source: evidence.ActivitySource, Key: "game_day", Expect: "seen_within", Within: 365 * 24 * time.Hour, Level: "account"}
	h.Publish(year)
	seen := time.Now().Add(-80 * 24 * time.Hour)
	var told evidence.Observation
	h.Work(t, script(func(_ evidence.Cell, ask evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
		_ = emit(evidence.ActivitySource, []evidence.Observation{told})
		return []evidence.Outcome{{Source: evidence.ActivitySource, Result: evidence.OK}}
	}))
	told = evidence.Observation{Control: "game_day", Resource: evidence.AccountResource(one), State: evidence.Pass, Title: "It was started.", ObservedAt: seen, Detail: []byte("null")}
	h.Collect(t)
	h.Later(40 * 24 * time.Hour)
	told.State, told.Reason, told.Title, told.ObservedAt = evidence.NotApplicable, evidence.NotSeen, "It was not started.", time.Now().Add(40*24*time.Hour)
	h.Collect(t)
	if v := h.Verdict(t, year); v.Verdict != evidence.Supports || v.Detail != "It was started." {
		t.Errorf("got %+v", v)
	}
}

// Sources without Regions are read once for each account, in one Region.
func TestOnceAnAccount(t *testing.T) {
	h := house(t)
	h.Scope(t, []string{one, two}, []string{eu, us, "ap-south-1"})
	h.Publish(check(evidence.IAMSource, "root_mfa", "all_pass", "account"), check(evidence.DatabaseSource, "backups", "all_pass", "resource"))
	lines := map[string][]string{}
	for _, c := range h.Start(t).Cells {
		lines[c.Source] = append(lines[c.Source], c.Account+" "+c.Region)
	}
	if got := lines[evidence.IAMSource]; !slices.Equal(got, []string{one + " " + us, two + " " + us}) || len(lines[evidence.DatabaseSource]) != 6 {
		t.Errorf("the ledger has %v", lines)
	}
}
