// Package evidencetest gives tests a database with a workload to collect evidence for, and
// workers that collect it.
package evidencetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/questionnaire"
)

// House is a database with one team and its workload, and the service on it.
type House struct {
	DB       *pgxpool.Pool
	Service  *evidence.Service
	Workload uuid.UUID
	Team     uuid.UUID
	Member   identity.Actor // of the team that owns the workload

	mu     sync.Mutex
	checks []questionnaire.Check
	late   time.Duration
}

// New returns a house whose workload has the production scope account x regions.
func New(t testing.TB, account string, regions ...string) *House {
	t.Helper()
	return On(t, pgtest.New(t), account, regions...)
}

// On is New on a database that is there.
func On(t testing.TB, db *pgxpool.Pool, account string, regions ...string) *House {
	t.Helper()
	h := &House{DB: db, Team: uuid.Must(uuid.NewV7()), Workload: uuid.Must(uuid.NewV7())}
	person := uuid.Must(uuid.NewV7())
	h.Member = identity.Actor{PersonID: person, Name: "Kim Lund", Teams: []identity.Membership{{TeamID: h.Team, Role: identity.Member}}}
	h.Exec(t, `insert into people (id, email, name, created_at) values ($1, 'kim@example.com', 'Kim Lund', now())`, person)
	h.Exec(t, `insert into teams (id, key, name, created_at) values ($1, 'ledger', 'Ledger', now())`, h.Team)
	h.Exec(t, `insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		values ($1, 'payments', 'Payments', '', $2, 1, 'live', false, now(), now())`, h.Workload, h.Team)
	h.Scope(t, []string{account}, regions)
	jobs, err := river.NewClient(riverpgxv5.New(db), &river.Config{Schema: "river"})
	if err != nil {
		t.Fatal(err)
	}
	h.Service = evidence.NewService(db, jobs, h.inUse, h.now)
	return h
}

// Exec runs a statement.
func (h *House) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := h.DB.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Scope sets the production scope of the workload.
func (h *House) Scope(t testing.TB, accounts, regions []string, tags ...string) {
	t.Helper()
	if tags == nil {
		tags = []string{}
	}
	h.Exec(t, `insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn)
		values ($1, $2, 'production', true, $3, $4, $5, '')
		on conflict (workload_id, name) do update set accounts = excluded.accounts, regions = excluded.regions, tags = excluded.tags`,
		uuid.Must(uuid.NewV7()), h.Workload, accounts, regions, tags)
}

// Publish sets the checks in use.
func (h *House) Publish(checks ...questionnaire.Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = checks
}

func (h *House) inUse(context.Context) ([]questionnaire.Check, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.checks, nil
}

// Later moves the service's clock on.
func (h *House) Later(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.late += d
}

func (h *House) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Add(h.late)
}

// Work starts workers that read with c, until the end of the test or stop.
func (h *House) Work(t testing.TB, c evidence.Collector) (stop func()) {
	t.Helper()
	return h.WorkAt(t, c, fewCells)
}

// WorkAt is Work with so many cells at once.
func (h *House) WorkAt(t testing.TB, c evidence.Collector, cells int) (stop func()) {
	t.Helper()
	client, err := newClient(h.DB, h.Service, c, cells)
	if err == nil {
		err = client.Start(context.Background())
	}
	if err != nil {
		t.Fatalf("start workers: %v", err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := client.StopAndCancel(ctx); err != nil {
				t.Errorf("stop workers: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// Start starts a run, or joins the one that runs.
func (h *House) Start(t testing.TB) evidence.Run {
	t.Helper()
	run, _, err := h.Service.StartRun(context.Background(), h.Member, h.Workload)
	if err != nil {
		t.Fatalf("start run: %v", err)
	}
	return run
}

// Wait waits for the end of a run.
func (h *House) Wait(t testing.TB, id uuid.UUID) evidence.Run {
	t.Helper()
	var run evidence.Run
	h.Until(t, "the run to end", func() bool {
		var err error
		if run, err = h.Service.Run(context.Background(), h.Member, id); err != nil {
			t.Fatalf("read run: %v", err)
		}
		return run.State != evidence.Running
	})
	return run
}

// Collect starts a run and waits for its end.
func (h *House) Collect(t testing.TB) evidence.Run {
	t.Helper()
	return h.Wait(t, h.Start(t).ID)
}

// Until waits until done reports true.
func (h *House) Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); !done(); {
		if time.Now().After(end) {
			t.Fatalf("waited too long for %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Verdict is the stored verdict of a check.
func (h *House) Verdict(t testing.TB, c questionnaire.Check) evidence.Verdict {
	t.Helper()
	all, err := evidence.Verdicts(context.Background(), h.DB, h.Workload)
	if err != nil {
		t.Fatalf("read verdicts: %v", err)
	}
	v, ok := all[c.Digest()]
	if !ok {
		t.Fatalf("no verdict on %s %s", c.Source, c.Key)
	}
	return v
}

// Facts are the standing facts that belong to the workload.
func (h *House) Facts(t testing.TB, f evidence.FactFilter) []evidence.Fact {
	t.Helper()
	var out []evidence.Fact
	for cursor := ""; ; {
		page, err := h.Service.Facts(context.Background(), h.Member, h.Workload, f, cursor)
		if err != nil {
			t.Fatalf("read facts: %v", err)
		}
		out = append(out, page.Facts...)
		if cursor = page.Next; cursor == "" {
			return out
		}
	}
}

// Count is the single number a query answers.
func (h *House) Count(t testing.TB, sql string, args ...any) int {
	t.Helper()
	rows, err := h.DB.Query(context.Background(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Serve works the jobs on a database for ever, with the collector and the checks given: a
// process of its own that a test may kill. It returns only what kept it from starting.
func Serve(ctx context.Context, db *pgxpool.Pool, c evidence.Collector, checks ...questionnaire.Check) error {
	jobs, err := river.NewClient(riverpgxv5.New(db), &river.Config{Schema: "river"})
	if err != nil {
		return err
	}
	inUse := func(context.Context) ([]questionnaire.Check, error) { return checks, nil }
	client, err := newClient(db, evidence.NewService(db, jobs, inUse, time.Now), c, fewCells)
	if err == nil {
		err = client.Start(ctx)
	}
	if err == nil {
		<-ctx.Done()
	}
	return err
}

const fewCells = 3 // at once, unless a test asks for more

func newClient(db *pgxpool.Pool, s *evidence.Service, c evidence.Collector, cells int) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	evidence.RegisterWorkers(workers, s, c)
	return river.NewClient(riverpgxv5.New(db), &river.Config{
		Schema: "river", Workers: workers, TestOnly: true, FetchCooldown: 20 * time.Millisecond, FetchPollInterval: 50 * time.Millisecond,
		Queues: map[string]river.QueueConfig{evidence.Queue: {MaxWorkers: cells}},
	})
}
