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
// fail anew, by the checks that ask for what they are about. It is called at the end of a run.
func (s *Service) settle(ctx context.Context, tx pgx.Tx, run Run, g Ground, checks []questionnaire.Check, foreign []string) error {
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
	here := g.extent(foreign)
	for _, it := range items {
		source, control, _ := strings.Cut(it.CauseKey, "/")
		if g.Facts, err = factsFor(ctx, tx, run.ID, source, control, foreign); err != nil {
			return err
		}
		b := bounds{here: here}
		if b.found, err = foundIn(ctx, tx, it); err != nil {
			return err
		}
		if err := settleOne(ctx, tx, w, it, g, asking(checks, source, control), b); err != nil {
			return err
		}
	}
	return nil
}

// asking lists the checks that ask for a key of a source, each once.
func asking(checks []questionnaire.Check, source, key string) []questionnaire.Check {
	var out []questionnaire.Check
	for _, c := range checks {
		same := func(o questionnaire.Check) bool { return o.Digest() == c.Digest() }
		if c.Source == source && c.Key == key && !slices.ContainsFunc(out, same) {
			out = append(out, c)
		}
	}
	return out
}

// settleOne moves one item: what every check on it finds mended closes it, and what any
// check judges as failing opens it again. What no check asks for stays as it is, and so does
// what failed under a scope that the run did not look at whole. Done is no end of an item of
// evidence: a closed ticket could make it that once.
func settleOne(ctx context.Context, tx pgx.Tx, w workload.Workload, it remediation.Item, g Ground, checks []questionnaire.Check, b bounds) error {
	who := identity.SystemActor("evidence")
	all, said := len(checks) > 0, ""
	for _, c := range checks {
		t, v := judge(c, g)
		if v.fails() && it.State != remediation.Closed {
			if err := noteFound(ctx, tx, it.WorkloadID, it.CauseKey, b.here); err != nil {
				return err
			}
		}
		if v.fails() && (it.State == remediation.Verified || it.State == remediation.Done) {
			policy, err := remediation.LoadPolicy(ctx, tx)
			if err != nil {
				return err
			}
			return remediation.ReopenByEvidence(ctx, tx, who, it, v.failure(), policy.Due(it.Risk, w.Tier, t.now), t.now)
		}
		found, ok := t.mended(v)
		all, said = all && ok && b.hold(c, v), found
	}
	if all && it.State != remediation.Verified && it.State != remediation.Closed {
		if err := remediation.VerifyByEvidence(ctx, tx, who, it, said, g.Now); err != nil {
			return err
		}
		return forgetFound(ctx, tx, it)
	}
	return nil
}

// fails reports whether the verdict rests on something that fails.
func (v Verdict) fails() bool {
	return v.Verdict == Contradicts || v.Verdict == Mixed && v.Failed > 0
}

// nothing are the reasons that say that there is nothing of the kind that could fail.
var nothing = []string{NoFinding, Vacuous, RuleNotApplied, NothingThere, DoesNotApply, NoRootKeys}

// mended says what shows that nothing fails any more: the check holds by what is fresh, or
// nothing of the kind is left, after everything was looked at. A suppressed failure is not
// mended, and neither is what lost its tags and fails.
func (t *tally) mended(v Verdict) (found string, ok bool) {
	day := t.now.UTC().Format("2 January 2006")
	if v.Verdict == Supports {
		return "The collection of " + day + " found it mended. " + v.Detail, v.At(t.now, t.check.MaxAge) == Supports
	}
	seen := len(t.passes) + len(t.fails) + len(t.late) + len(t.unseen) + len(t.gaps) + t.suppressed + t.unsaid
	left := t.empty != "" || t.elsewhere > 0
	return "The collection of " + day + " found that nothing of the kind is left.", seen == 0 && left && t.strays == 0
}

// failure says what fails, and which resources first.
func (v Verdict) failure() string {
	said := v.Detail
	for _, f := range v.Failing[:min(5, len(v.Failing))] {
		said += "\n- " + f.Resource
	}
	if more := v.Failed - 5; more > 0 {
		said += fmt.Sprintf("\n- and %d more", more)
	}
	return said
}

// Judged is called at the end of a run, within its transaction, with the digests of the
// checks that newly fail; first is the workload's first run that read something, which shows a
// baseline.
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
	var failing []string
	for digest, v := range after {
		if v.RunID == run.ID && v.fails() && !before[digest].fails() {
			failing = append(failing, digest)
		}
	}
	w, err := workload.Load(ctx, tx, identity.SystemActor("evidence"), run.WorkloadID)
	if err != nil {
		return err
	}
	first, err := firstReading(ctx, tx, run)
	if err != nil {
		return err
	}
	return s.judged(ctx, tx, w, distinct(failing), first, now)
}
