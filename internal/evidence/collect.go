package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
)

const busyPause = 5 * time.Second // until a cell that another job reads is tried again

// collect reads one cell of a run and, when it was the last, ends the run. A second call
// for the same cell changes nothing. Snoozes while another job reads the same account and
// Region, for this run or another.
func (s *Service) collect(ctx context.Context, c Collector, job CollectArgs) error {
	cell := job.cell()
	unlock, locked, err := s.locks.lock(ctx, cell)
	if err != nil {
		return fmt.Errorf("lock %s: %w", cell, err)
	}
	if !locked {
		return river.JobSnooze(busyPause)
	}
	defer unlock()
	ask, err := s.ask(ctx)
	if err != nil {
		return err
	}
	named, err := toolOf(ctx, s.db, job.RunID)
	if err != nil {
		return err
	}
	ask = ask.askTool(named)
	var sources []string
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		sources, err = startCell(ctx, tx, job.RunID, cell, s.now())
		return err
	})
	if err != nil || len(sources) == 0 {
		return err
	}
	ask, refused, err := s.reach(ctx, job.RunID, cell, ask.only(sources))
	if err != nil {
		return err
	}
	writers, err := s.writers(ctx, job.RunID, cell, ask)
	if err != nil {
		return err
	}
	outcomes, err := gather(ctx, c, cell, ask, writers)
	if err != nil {
		return err
	}
	maps.Copy(outcomes, refused)
	return s.finish(ctx, job.RunID, cell, sources, outcomes, writers)
}

// writers makes a writer for each source of the ask.
func (s *Service) writers(ctx context.Context, runID uuid.UUID, cell Cell, ask Ask) (map[string]*writer, error) {
	out := map[string]*writer{}
	for _, source := range ask.Sources() {
		w, err := newWriter(ctx, s.db, runID, cell, source, ask.keys(source), s.now())
		if err != nil {
			return nil, err
		}
		out[source] = w
	}
	return out, nil
}

// gather lets the collector read the cell. What it emits is stored beside its reading on. An
// error is ours (the database, an end of the job); what AWS refused is an outcome.
func gather(ctx context.Context, c Collector, cell Cell, ask Ask, writers map[string]*writer) (map[string]Outcome, error) {
	t := takeIn(ctx, writers)
	var list []Outcome
	if len(ask.Sources()) > 0 {
		list = c.Collect(ctx, cell, ask, t.emit)
	}
	if err := errors.Join(t.end(), ctx.Err()); err != nil {
		return nil, err
	}
	out := map[string]Outcome{}
	for _, o := range list {
		out[o.Source] = o
	}
	return out, nil
}

// finish ends the lines of a cell and, when no line of the run is left, the run.
func (s *Service) finish(ctx context.Context, runID uuid.UUID, cell Cell, sources []string, outcomes map[string]Outcome, writers map[string]*writer) error {
	checks, err := s.checks(ctx)
	if err != nil {
		return fmt.Errorf("read the checks in use: %w", err)
	}
	now := s.now()
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		run, open, err := lockRun(ctx, tx, runID)
		if err != nil || !open {
			return err
		}
		for _, source := range sources {
			o, ok := outcomes[source]
			if !ok {
				o = Outcome{Result: Error, Detail: "Nothing was read: nothing asks for this source any more."}
			}
			o.Source = source
			seen := 0
			if w := writers[source]; w != nil {
				if o.Result == OK {
					if err := w.closeAbsent(ctx, tx, now); err != nil {
						return err
					}
				}
				w.release()
				seen = w.count
			}
			if err := endLine(ctx, tx, runID, cell, o, seen, now); err != nil {
				return fmt.Errorf("end cell: %w", err)
			}
		}
		return s.endIfLast(ctx, tx, run, checks, now)
	})
}

// endIfLast computes the verdicts and ends the run when every line of its ledger is done.
// The caller holds the run's row lock, so of two last cells only one comes here with all
// lines done and the run still open.
func (s *Service) endIfLast(ctx context.Context, tx pgx.Tx, run Run, checks []questionnaire.Check, now time.Time) error {
	cells, err := ledger(ctx, tx, run.ID)
	if err != nil {
		return err
	}
	good := 0
	for _, c := range cells {
		if c.State != "done" {
			return nil
		}
		if c.Result == OK {
			good++
		}
	}
	if err := s.judgeRun(ctx, tx, run, cells, checks, now); err != nil {
		return err
	}
	state := Incomplete
	switch good {
	case len(cells):
		state = Complete
	case 0:
		state = Failed
	}
	if err := endRun(ctx, tx, run.ID, state, now); err != nil {
		return fmt.Errorf("end run: %w", err)
	}
	return audit.Record(ctx, tx, identity.SystemActor("evidence"), audit.Act{
		Stream: audit.WorkloadStream(run.WorkloadID), Verb: "evidence.run_finished", TargetKind: "run", TargetID: run.ID.String(), At: now,
		Details: []audit.Detail{
			{Name: "state", Value: string(state)},
			{Name: "read", Value: strconv.Itoa(good)},
			{Name: "cells", Value: strconv.Itoa(len(cells))},
		},
	})
}

// judgeRun stores the verdict of every check in use.
func (s *Service) judgeRun(ctx context.Context, tx pgx.Tx, run Run, cells []CellState, checks []questionnaire.Check, now time.Time) error {
	tags, arn, err := runScope(ctx, tx, run.ID)
	if err != nil {
		return fmt.Errorf("read scope: %w", err)
	}
	foreign, err := leaveOut(ctx, tx, run.ID)
	if err != nil {
		return err
	}
	before, err := Verdicts(ctx, tx, run.WorkloadID)
	if err != nil {
		return err
	}
	byDigest := map[string]questionnaire.Check{}
	for _, c := range checks {
		byDigest[c.Digest()] = c
	}
	type subject struct{ source, key string }
	facts := map[subject][]Fact{}
	for _, digest := range slices.Sorted(maps.Keys(byDigest)) {
		c := byDigest[digest]
		if questionnaire.IsOwn(c.Source) {
			continue // what was reported is not read
		}
		about := subject{c.Source, c.Key}
		if _, ok := facts[about]; !ok {
			if facts[about], err = factsFor(ctx, tx, run.ID, c.Source, c.Key, foreign); err != nil {
				return err
			}
		}
		v := Judge(c, Ground{Cells: cells, Tags: tags, ApplicationARN: arn, Facts: facts[about], Now: now})
		v.RunID = run.ID
		if err := putVerdict(ctx, tx, run.WorkloadID, v); err != nil {
			return fmt.Errorf("store verdict: %w", err)
		}
	}
	if err := judgeOwn(ctx, tx, run.WorkloadID, checks, now); err != nil {
		return err
	}
	g := Ground{Cells: cells, Tags: tags, ApplicationARN: arn, Now: now}
	if err := s.settle(ctx, tx, run, g, checks, foreign); err != nil {
		return fmt.Errorf("settle items: %w", err)
	}
	if err := s.tellJudged(ctx, tx, run, before, now); err != nil {
		return err
	}
	return noteOpened(ctx, tx, run.WorkloadID, g.extent(foreign), now)
}

// giveUp marks what is left of a cell as failed, so that its run ends.
func (s *Service) giveUp(ctx context.Context, runID uuid.UUID, cell Cell, why string) error {
	r, err := loadRun(ctx, s.db, runID)
	if err != nil {
		return err
	}
	outcomes := map[string]Outcome{}
	for _, c := range r.Cells {
		if c.Cell == cell && c.State != "done" {
			outcomes[c.Source] = Outcome{Result: Error, Detail: why}
		}
	}
	if len(outcomes) == 0 {
		return nil
	}
	return s.finish(ctx, runID, cell, slices.Sorted(maps.Keys(outcomes)), outcomes, nil)
}

// Sweep looks after cells whose worker died without a word (its job is marked as running,
// but nobody holds the cell's lock): it starts them again, and gives up when that happened
// too often or the run is too old. A periodic job calls it; several at once do no harm.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now()
	orphans, err := orphanedCells(ctx, s.db, now.Add(-startGrace))
	if err != nil {
		return fmt.Errorf("look for dead collections: %w", err)
	}
	var failed error
	for _, o := range orphans {
		if o.Jobs >= cellJobs || now.Sub(o.RequestedAt) > runTimeout {
			why := fmt.Sprintf("The worker stopped without a word, %s.", cmp.Or(times[o.Jobs], "several times"))
			failed = errors.Join(failed, s.giveUp(ctx, o.RunID, o.cell(), why))
			continue
		}
		again := CollectArgs{RunID: o.RunID, Account: o.Account, Region: o.Region, Again: o.Jobs, RequestedBy: o.RequestedBy}
		_, err := s.jobs.Insert(ctx, again, nil)
		failed = errors.Join(failed, err)
	}
	return failed
}

var times = map[int]string{1: "once", 2: "twice", 3: "three times", 4: "four times"}
