package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"orrery/internal/audit"
	"orrery/internal/awscloud"
	"orrery/internal/discussion"
	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/notify"
	"orrery/internal/outbound"
	"orrery/internal/portfolio"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/report"
	"orrery/internal/review"
	"orrery/internal/tickets"
	"orrery/internal/webhook"
	"orrery/internal/workload"
	"orrery/questionnaires"
	"orrery/web"
	"orrery/web/api"
)

// now is the clock of the whole program: UTC, in the precision that Postgres keeps.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// services are the domain rooms over one pool.
type services struct {
	identity  *identity.Service
	library   *questionnaire.Library
	workloads *workload.Service
	items     *remediation.Service
	evidence  *evidence.Service
	reviews   *review.Service
	portfolio *portfolio.Service
	talk      *discussion.Service
	incidents *incident.Service

	door     *outbound.Door // what the three below send through
	webhooks *webhook.Service
	tickets  *tickets.Service
	notices  *notify.Service
	reports  *report.Service
}

// newServices builds the rooms. Jobs are inserted by a client that works none; a worker is
// built after, from the services.
func newServices(pool *pgxpool.Pool, publicURL string) (*services, error) {
	inserter, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: riverSchema})
	if err != nil {
		return nil, fmt.Errorf("job client: %w", err)
	}
	library := questionnaire.NewLibrary(pool, now)
	door := outbound.NewDoor()
	s := &services{
		identity:  identity.NewService(pool, audit.RecordIdentity, now),
		library:   library,
		workloads: workload.NewService(pool, now),
		items:     remediation.NewService(pool, now),
		evidence:  evidence.NewService(pool, inserter, library.ChecksInUse, now),
		reviews:   review.NewService(pool, library, publicURL, now),
		portfolio: portfolio.NewService(pool, library, now),
		talk:      discussion.NewService(pool, library, now),
		door:      door,
		webhooks:  webhook.NewService(pool, inserter, door, publicURL, now),
		tickets:   tickets.NewService(pool, inserter, door, publicURL, now),
		notices:   notify.NewService(pool, inserter, door, publicURL, now),
		incidents: incident.NewService(pool, library, publicURL, now),
	}
	s.reports = report.NewService(pool, inserter, s.identity, s.reviews, publicURL, now)
	s.evidence.WhenJudged(s.reviews.AfterRun)
	return s, nil
}

// prepare lays down what an installation starts with: questionnaires, review types, the
// organisation's name. It may run any number of times.
func (s *services) prepare(ctx context.Context, pool *pgxpool.Pool, organisation string, sample bool) error {
	if _, err := s.library.LoadShipped(ctx, questionnaires.FS); err != nil {
		return err
	}
	if err := s.reviews.EnsureTypes(ctx); err != nil {
		return err
	}
	name, _, err := identity.Organisation(ctx, pool)
	if err != nil || name != "" {
		return err
	}
	return s.identity.SetOrganisation(ctx, identity.CommandLine, organisation, sample)
}

const riverSchema = "river"

// jobTimeout is how long a job may take whose worker names no time of its own. When a server
// died, its jobs are given to another a minute or so after that time, and the oftener one was
// tried the longer it waits.
const jobTimeout = time.Minute

// newWorker builds the client that works the jobs: collections of evidence, and what is sent.
func newWorker(ctx context.Context, pool *pgxpool.Pool, s *services, collect string, log *slog.Logger) (*river.Client[pgx.Tx], error) {
	cloud, err := awscloud.New(ctx, awscloud.Options{})
	if err != nil {
		return nil, fmt.Errorf("load AWS settings: %w", err)
	}
	s.evidence.TestWith(cloud)
	workers := river.NewWorkers()
	evidence.RegisterWorkers(workers, s.evidence, cloud)
	s.registerOutward(workers)
	clock := slices.Concat(evidence.PeriodicJobs(), webhook.PeriodicJobs(), tickets.PeriodicJobs(), notify.PeriodicJobs(), report.PeriodicJobs())
	if collect == "daily" {
		clock = append(clock, evidence.Daily())
	}
	return river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema:               riverSchema,
		Logger:               quieter(log),
		Queues:               queues(),
		Workers:              workers,
		PeriodicJobs:         clock,
		RescueStuckJobsAfter: jobTimeout + 30*time.Second,
		JobTimeout:           jobTimeout,
	})
}

// newSite builds the pages and the API.
func newSite(db *database, s *services, c config, log *slog.Logger) http.Handler {
	rest := api.New(api.Deps{
		DB: db.pool, Identity: s.identity, Library: s.library, Workloads: s.workloads, Items: s.items, Evidence: s.evidence, Reviews: s.reviews,
		Portfolio: s.portfolio, Talk: s.talk, Tickets: s.tickets, Incidents: s.incidents, Webhooks: s.webhooks, Reports: s.reports,
		RequestID: web.RequestID, PublicURL: c.publicURL(), Version: versionOf(), AtOnce: pagesAtOnce(db), Log: log, Now: now,
	})
	return web.New(web.Deps{
		DB: db.pool, Identity: s.identity, Library: s.library, Workloads: s.workloads, Items: s.items, Evidence: s.evidence, Reviews: s.reviews, Portfolio: s.portfolio, Talk: s.talk,
		Webhooks: s.webhooks, Tickets: s.tickets, Notices: s.notices, Incidents: s.incidents,
		API: rest, Ready: db.ready, Version: versionOf(), PublicURL: c.publicURL(), Secure: c.secure(), Pages: pagesAtOnce(db), KeepCounts: true, Log: log, Now: now,
	})
}

// pagesAtOnce is how many pages are made at a time: beside a PostgreSQL on the same processors
// half as many again as there are of these. One elsewhere makes a page wait, not work: any number.
func pagesAtOnce(db *database) int {
	if db.cluster == nil {
		return 0
	}
	return max(3, runtime.GOMAXPROCS(0)*3/2)
}

func newLog(level string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // kong has checked the word
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: l}))
}

// quieter passes on warnings and errors only, River counts its jobs aloud; and of these not what
// the end of the program interrupts.
func quieter(log *slog.Logger) *slog.Logger {
	return slog.New(levelHandler{log.Handler()})
}

type levelHandler struct{ slog.Handler }

// Enabled leaves out what is below a warning.
func (h levelHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

// Handle leaves out what was cancelled.
func (h levelHandler) Handle(ctx context.Context, r slog.Record) error {
	cancelled := false
	r.Attrs(func(a slog.Attr) bool {
		cancelled = strings.Contains(a.Value.String(), context.Canceled.Error())
		return !cancelled
	})
	if cancelled {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}
