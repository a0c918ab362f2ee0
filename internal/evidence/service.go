package evidence

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/workload"
)

// ChecksInUse gives the checks of every published questionnaire version.
type ChecksInUse func(ctx context.Context) ([]questionnaire.Check, error)

// Service starts runs, works their cells, and reads runs, facts and verdicts.
type Service struct {
	db     *pgxpool.Pool
	jobs   *river.Client[pgx.Tx]
	checks ChecksInUse
	locks  *keeper
	now    func() time.Time
	prober Prober // nil: connections cannot be tested
	judged Judged // nil: nobody is told of the end of a run
}

// NewService returns the service. jobs need only be able to insert; now gives the time of
// an act.
func NewService(db *pgxpool.Pool, jobs *river.Client[pgx.Tx], checks ChecksInUse, now func() time.Time) *Service {
	return &Service{db: db, jobs: jobs, checks: checks, locks: &keeper{db: db}, now: func() time.Time { return now().UTC().Truncate(time.Microsecond) }}
}

// StartRun starts a collection for the production scope of a workload: one job for each
// account and Region. When one is running already it is returned, and joined is true. The
// owning team and the workload's approvers and facilitators may. Conflict when the scope
// names no account or Region, or when no published question has a check.
func (s *Service) StartRun(ctx context.Context, who identity.Actor, workloadID uuid.UUID) (run Run, joined bool, err error) {
	return s.start(ctx, who, workloadID, func(t identity.Target) error { return who.May(identity.CollectEvidence, t) })
}

// start is StartRun for whom may lets.
func (s *Service) start(ctx context.Context, who identity.Actor, workloadID uuid.UUID, may func(identity.Target) error) (run Run, joined bool, err error) {
	ask, err := s.ask(ctx)
	if err != nil {
		return Run{}, false, fmt.Errorf("start collection: %w", err)
	}
	now := s.now()
	var id uuid.UUID
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := lockWorkload(ctx, tx, workloadID); err != nil {
			return err
		}
		w, err := workload.Load(ctx, tx, who, workloadID)
		if err != nil {
			return err
		}
		if err := may(w.Target()); err != nil {
			return err
		}
		if id, joined, err = runningRun(ctx, tx, w.ID); err != nil {
			return err
		}
		if joined {
			return recordJoin(ctx, tx, who, w.ID, id, now)
		}
		ask := ask.askTool(w.Production.WAWorkloads)
		if err := collectable(w, ask); err != nil {
			return err
		}
		id, err = s.open(ctx, tx, who, w, ask, now)
		return err
	})
	if err != nil {
		return Run{}, false, fmt.Errorf("start collection: %w", err)
	}
	run, err = loadRun(ctx, s.db, id)
	return run, joined, err
}

// recordJoin records that a request with an idempotency key was given a run that was there: the
// same request later starts no second one.
func recordJoin(ctx context.Context, tx pgx.Tx, who identity.Actor, workloadID, run uuid.UUID, now time.Time) error {
	if who.Once.Key == "" {
		return nil
	}
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(workloadID), Verb: "evidence.run_joined", TargetKind: "run", TargetID: run.String(), At: now,
	})
}

// collectable refuses a run that could read nothing.
func collectable(w workload.Workload, ask Ask) error {
	if w.Stage == workload.Retired {
		return fault.New(fault.Conflict, "This workload is retired, so no evidence is collected for it.")
	}
	if w.Production.Empty() {
		return fault.New(fault.Conflict, "This workload names no AWS account and Region yet. Add them to its production scope, then collect evidence.")
	}
	if len(ask.Sources()) == 0 {
		return fault.New(fault.Conflict, "No published question has an evidence check that Orrery reads, so there is nothing to collect.")
	}
	return nil
}

// open writes the run, its ledger, its jobs and the audit record.
func (s *Service) open(ctx context.Context, tx pgx.Tx, who identity.Actor, w workload.Workload, ask Ask, now time.Time) (uuid.UUID, error) {
	r := Run{ID: uuid.Must(uuid.NewV7()), WorkloadID: w.ID, RequestedBy: who.PersonID, RequestedAt: now}
	if err := insertRun(ctx, tx, r, w.Production); err != nil {
		return r.ID, err
	}
	sources := ask.Sources()
	var jobs []river.InsertManyParams
	var cells []Cell
	for _, account := range distinct(w.Production.Accounts) {
		for _, region := range distinct(w.Production.Regions) {
			cells = append(cells, Cell{account, region})
			jobs = append(jobs, river.InsertManyParams{Args: CollectArgs{
				RunID: r.ID, Account: account, Region: region, RequestedBy: who.PersonID,
			}})
		}
	}
	if err := insertCells(ctx, tx, r.ID, cells, sources); err != nil {
		return r.ID, err
	}
	if _, err := s.jobs.InsertManyTx(ctx, tx, jobs); err != nil {
		return r.ID, fmt.Errorf("insert jobs: %w", err)
	}
	return r.ID, audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(w.ID), Verb: "evidence.run_started", TargetKind: "run", TargetID: r.ID.String(), At: now,
		Details: []audit.Detail{
			{Name: "accounts", Value: strconv.Itoa(len(distinct(w.Production.Accounts)))},
			{Name: "regions", Value: strconv.Itoa(len(distinct(w.Production.Regions)))},
			{Name: "sources", Value: strconv.Itoa(len(sources))},
		},
	})
}

// Run reads a run with its ledger, for the page that shows its progress. Not found when
// its workload is not readable by who.
func (s *Service) Run(ctx context.Context, who identity.Actor, id uuid.UUID) (Run, error) {
	r, err := loadRun(ctx, s.db, id)
	if err != nil {
		return Run{}, err
	}
	if _, err := workload.Load(ctx, s.db, who, r.WorkloadID); err != nil {
		if fault.Is(err, fault.NotFound) {
			return Run{}, errNoRun()
		}
		return Run{}, err
	}
	return r, nil
}

// Facts lists the standing facts that belong to a workload, by source and control, a
// hundred at a time; cursor is FactPage.Next of the page before, or empty. Raw findings
// are for the owning team, holders of a grant on the workload, and auditors: others who
// may read the workload get Forbidden.
func (s *Service) Facts(ctx context.Context, who identity.Actor, workloadID uuid.UUID, f FactFilter, cursor string) (FactPage, error) {
	w, err := workload.Load(ctx, s.db, who, workloadID)
	if err != nil {
		return FactPage{}, err
	}
	if err := mayReadFindings(who, w); err != nil {
		return FactPage{}, err
	}
	after, err := parseCursor(cursor)
	if err != nil {
		return FactPage{}, err
	}
	foreign, err := workload.Foreign(ctx, s.db, w.ID)
	if err != nil {
		return FactPage{}, err
	}
	w.Production.Accounts = without(w.Production.Accounts, foreign)
	ask, err := s.asked(ctx)
	if err != nil {
		return FactPage{}, err
	}
	return listFacts(ctx, s.db, w.Production, ask, f, after)
}

// ask is what the checks in use look at, each thing once and in order.
func (s *Service) ask(ctx context.Context) (Ask, error) {
	checks, err := s.checks(ctx)
	if err != nil {
		return Ask{}, fmt.Errorf("read the checks in use: %w", err)
	}
	var a Ask
	for _, c := range checks {
		switch c.Source {
		case ControlSource:
			a.Controls = append(a.Controls, c.Key)
		case RuleSource:
			a.ConfigRules = append(a.ConfigRules, c.Key)
		case RecorderSource:
			a.Recorder = true
		case TrailSource:
			a.Trail, a.Validated = a.Trail || c.Key != ValidatedKey, a.Validated || c.Key == ValidatedKey
		default:
			a.addMore(c.Source, c.Key)
		}
	}
	a.Controls, a.ConfigRules = distinct(a.Controls), distinct(a.ConfigRules)
	return a, nil
}

// without returns the members of list that are not in others.
func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(m string) bool { return slices.Contains(others, m) })
}

// distinct returns the sorted distinct members; never nil.
func distinct(list []string) []string {
	out := append([]string{}, list...)
	slices.Sort(out)
	return slices.Compact(out)
}
