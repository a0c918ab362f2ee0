package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/workload"
)

// settle closes the items of evidence that a run found mended, and opens those again that
// fail anew. It is called at the end of a run.
func (s *Service) settle(ctx context.Context, tx pgx.Tx, run Run, g Ground, foreign []string) error {
	items, err := remediation.OfEvidence(ctx, tx, run.WorkloadID)
	if err != nil || len(items) == 0 {
		return err
	}
	if err := remediation.LockItems(ctx, tx, run.WorkloadID); err != nil {
		return err
	}
	if items, err = remediation.OfEvidence(ctx, tx, run.WorkloadID); err != nil {
		return err
	}
	w, err := workload.Load(ctx, tx, identity.SystemActor("evidence"), run.WorkloadID)
	if err != nil {
		return err
	}
	for _, it := range items {
		source, control, _ := strings.Cut(it.CauseKey, "/")
		if g.Facts, err = factsFor(ctx, tx, run.ID, source, control, foreign); err != nil {
			return err
		}
		t := weigh(questionnaire.Check{Source: source, Key: control, Expect: "all_pass", Level: "resource"}, g)
		if err := t.settle(ctx, tx, w, it); err != nil {
			return err
		}
	}
	return nil
}

// settle moves one item. Only a whole reading closes it, and only what began to fail after
// it was closed opens it again.
func (t *tally) settle(ctx context.Context, tx pgx.Tx, w workload.Workload, it remediation.Item) error {
	who := identity.SystemActor("evidence")
	switch it.State {
	case remediation.Open, remediation.InProgress:
		if found, ok := t.mended(); ok {
			return remediation.VerifyByEvidence(ctx, tx, who, it, found, t.now)
		}
	case remediation.Verified:
		anew := slices.ContainsFunc(t.fails, func(f *Fact) bool { return it.VerifiedAt != nil && f.ChangedAt.After(*it.VerifiedAt) })
		if anew {
			policy, err := remediation.LoadPolicy(ctx, tx)
			if err != nil {
				return err
			}
			return remediation.ReopenByEvidence(ctx, tx, who, it, t.failure().sentence(), policy.Due(it.Risk, w.Tier, t.now), t.now)
		}
	}
	return nil
}

// mended says what shows that nothing fails any more: fresh passes, or nothing of the kind
// being left, each after everything was looked at. A suppressed failure is not mended.
func (t *tally) mended() (found string, ok bool) {
	if len(t.fails) > 0 || len(t.gaps) > 0 || t.suppressed > 0 {
		return "", false
	}
	day := t.now.UTC().Format("2 January 2006")
	if n := len(t.passes); n > 0 {
		return fmt.Sprintf("The collection of %s found it mended: %s, none fails.", day, t.count(n, "passes", "pass")), t.now.Sub(newest(t.passes)) <= DefaultMaxAge
	}
	nothing := t.empty == NoFinding || t.empty == Vacuous || t.empty == RuleNotApplied
	return "The collection of " + day + " found nothing of the kind that could fail.", nothing && t.elsewhere == 0
}

// failure is the tally as a failure.
func (t *tally) failure() Failure {
	f := Failure{Source: t.check.Source, Control: t.check.Key, Failed: len(t.fails), Passed: len(t.passes)}
	for _, one := range t.failing()[:min(5, len(t.fails))] {
		f.Resources = append(f.Resources, one.Resource)
	}
	return f
}

// Judged is called at the end of a run, within its transaction, with the digests of the
// checks that newly fail; first is the workload's first run, which shows a baseline.
type Judged func(ctx context.Context, tx pgx.Tx, workload workload.Workload, newlyFailing []string, first bool, now time.Time) error

// WhenJudged gives the service what is told of the end of a run.
func (s *Service) WhenJudged(f Judged) { s.judged = f }

// tellJudged tells what newly fails.
func (s *Service) tellJudged(ctx context.Context, tx pgx.Tx, run Run, before map[string]Verdict, now time.Time) error {
	if s.judged == nil {
		return nil
	}
	after, err := Verdicts(ctx, tx, run.WorkloadID)
	if err != nil {
		return err
	}
	bad := func(v Verdict) bool { return v.Verdict == Contradicts || v.Verdict == Mixed && v.Failed > 0 }
	var failing []string
	for digest, v := range after {
		if v.RunID == run.ID && bad(v) && !bad(before[digest]) {
			failing = append(failing, digest)
		}
	}
	w, err := workload.Load(ctx, tx, identity.SystemActor("evidence"), run.WorkloadID)
	if err != nil {
		return err
	}
	return s.judged(ctx, tx, w, distinct(failing), len(before) == 0, now)
}
