package evidence

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/workload"
)

// The kinds of changes, in the order in which they are told.
const (
	NewFailure  = "new failure"
	Mended      = "mended"
	Gone        = "gone"
	OtherChange = "other"
)

// maxChanges are listed between two runs; more are counted only.
const maxChanges = 2000

// Change is a fact that says something else after a run than after another.
type Change struct {
	Source   string
	Control  string
	Account  string
	Region   string
	Resource string
	Title    string
	Before   FactState // empty: it was not there
	After    FactState // empty: it is gone
	At       time.Time // of the last change
}

// Kind says what the change means.
func (c Change) Kind() string {
	switch {
	case c.After == Fail:
		return NewFailure
	case c.After == "":
		return Gone
	case c.Before == Fail && c.After == Pass:
		return Mended
	}
	return OtherChange
}

// Changes are the changes between the ends of two runs of a workload.
type Changes struct {
	From, To Run
	List     []Change // new failures, mended, gone, others; at most 2,000
	More     bool     // there are more
}

// Of lists the changes of a kind.
func (c Changes) Of(kind string) (list []Change) {
	for _, one := range c.List {
		if one.Kind() == kind {
			list = append(list, one)
		}
	}
	return list
}

// Runs lists the newest runs of a workload without their ledgers, at most 60. It does not
// authorise: pages call it after they have read the workload.
func Runs(ctx context.Context, q postgres.Querier, workloadID uuid.UUID) ([]Run, error) {
	rows, err := q.Query(ctx, runColumns+` where r.workload_id = $1 order by r.requested_at desc, r.id desc limit 60`, workloadID)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Run, err error) {
		return r, row.Scan(&r.ID, &r.WorkloadID, &r.State, &r.RequestedBy, &r.RequestedByName, &r.RequestedAt, &r.FinishedAt)
	})
}

// Changes compares what the facts of a workload said at the end of two of its runs; the
// older one is From, whichever is named first. It is for whom raw findings are: others get
// Forbidden. Not found when a run is not the workload's, a conflict when one goes on.
func (s *Service) Changes(ctx context.Context, who identity.Actor, workloadID, one, other uuid.UUID) (Changes, error) {
	w, err := workload.Load(ctx, s.db, who, workloadID)
	if err != nil {
		return Changes{}, err
	}
	if err := mayReadFindings(who, w); err != nil {
		return Changes{}, err
	}
	var c Changes
	for id, run := range map[uuid.UUID]*Run{one: &c.From, other: &c.To} {
		if *run, err = loadRun(ctx, s.db, id); err != nil {
			return Changes{}, err
		}
		if run.WorkloadID != w.ID {
			return Changes{}, errNoRun()
		}
		if run.FinishedAt == nil {
			return Changes{}, fault.New(fault.Conflict, "This collection still goes on. Compare it when it is over.")
		}
	}
	if one == other {
		c.From = c.To
	}
	if c.From.FinishedAt.After(*c.To.FinishedAt) {
		c.From, c.To = c.To, c.From
	}
	foreign, err := workload.Foreign(ctx, s.db, w.ID)
	if err != nil {
		return Changes{}, err
	}
	w.Production.Accounts = without(w.Production.Accounts, foreign)
	ask, err := s.asked(ctx)
	if err != nil {
		return Changes{}, err
	}
	if c.List, err = listChanges(ctx, s.db, w.Production, ask, *c.From.FinishedAt, *c.To.FinishedAt); err != nil {
		return Changes{}, fmt.Errorf("compare collections: %w", err)
	}
	if c.More = len(c.List) > maxChanges; c.More {
		c.List = c.List[:maxChanges]
	}
	return c, nil
}

func mayReadFindings(who identity.Actor, w workload.Workload) error {
	if who.CanReadFindings(w.Target()) {
		return nil
	}
	return fault.New(fault.Forbidden, "Only the owning team, the workload's approvers and facilitators, and auditors may read raw findings.")
}

// listChanges compares the first state before with the last state at the end of a window.
func listChanges(ctx context.Context, q postgres.Querier, s workload.Scope, ask asked, after, until time.Time) ([]Change, error) {
	const sql = `
		with changed as (
			select c.fact_id, (array_agg(c.before order by c.at))[1] as before, (array_agg(c.after order by c.at desc))[1] as after, max(c.at) as at
			from fact_changes c where c.at > @from and c.at <= @until group by c.fact_id)
		select f.source, f.control, f.account, f.region, f.resource, f.title, c.before, c.after, c.at
		from changed c join facts f on f.id = c.fact_id
		where c.before <> c.after and f.source <> @tool and ` + inScope + `
		order by case when c.after = 'fail' then 1 when c.after = '' then 3 when c.before = 'fail' and c.after = 'pass' then 2 else 4 end,
			f.source, f.control, f.account, f.region, f.resource
		limit @limit`
	args := ask.scopeArgs(s)
	args["from"], args["until"], args["limit"] = after, until, maxChanges+1
	rows, err := q.Query(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Change])
}
