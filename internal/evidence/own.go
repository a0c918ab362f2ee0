package evidence

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"orrery/internal/questionnaire"
)

// OwnFact is a fact that a program of the organisation reported on a workload.
type OwnFact struct {
	ID         uuid.UUID
	Source     string // own:pipeline and the like
	Key        string // what was looked at
	Subject    string // which of several; empty: the workload as a whole
	State      FactState
	Title      string
	Link       string
	ObservedAt time.Time
	ValidUntil time.Time
	ReporterID uuid.UUID
	Reporter   string // a person, or a service of a team
	ReportedAt time.Time
	Document   json.RawMessage // only when one fact is read
	Workload   string          `db:"-"` // key
}

// OwnInput is a fact as it is reported.
type OwnInput struct {
	Source     string
	Key        string
	Subject    string
	State      string
	Title      string
	Link       string
	ObservedAt time.Time
	ValidUntil time.Time // zero: as long as the facts of AWS count
	Document   json.RawMessage
}

// What bounds the facts of an organisation's own.
const (
	MaxReport   = 500      // in one report
	MaxDocument = 64 << 10 // bytes of a document
	maxOwn      = 2000     // of one workload
	maxValid    = 400 * 24 * time.Hour
)

// The reasons of verdicts on own facts, beside SomeFail.
const (
	NotReported     = "not_reported"     // nobody reported such a fact
	ReportedUnknown = "reported_unknown" // its reporter could not tell
	OutOfDate       = "out_of_date"      // a fact ended, and no newer one was reported
)

// ends is until when the fact says something to the check: as long as its reporter said, and
// no longer than the check allows.
func (f OwnFact) ends(c questionnaire.Check) time.Time {
	most := f.ObservedAt.Add(cmp.Or(c.MaxAge, DefaultMaxAge))
	if c.LooksBack() {
		most = f.ObservedAt.Add(c.Within)
	}
	if most.Before(f.ValidUntil) {
		return most
	}
	return f.ValidUntil
}

// sentence says who reported the fact and when.
func (f OwnFact) sentence() string {
	title := strings.TrimRight(f.Title, ".")
	return fmt.Sprintf("%s. Reported by %s, as of %s.", title, f.Reporter, f.ObservedAt.UTC().Format("2 January 2006"))
}

// JudgeOwn computes how the facts that were reported bear on a check of an own source. Every
// fact is of the check's source and key. It is a pure function; its rules:
//
//   - all_pass: a failure contradicts (or makes it mixed beside passes, unless the level is
//     account), however old it is; else a fact that cannot tell or has ended makes it "cannot
//     tell"; else the passes support.
//   - any_pass, seen_within: one pass that has not ended supports; else a failure that has
//     not ended contradicts; else it cannot be told.
//   - What ended never supports: the verdict holds until the first fact that it needs ends.
func JudgeOwn(c questionnaire.Check, facts []OwnFact, now time.Time) Verdict {
	v := Verdict{Check: c.Digest(), ComputedAt: now, Failing: []Failing{}}
	var passes, fails, ended, unclear []OwnFact
	for _, f := range facts {
		over := now.After(f.ends(c))
		switch {
		case f.State == Fail && (c.Expect == "all_pass" || !over):
			fails = append(fails, f)
		case over:
			ended = append(ended, f)
		case f.State == Pass:
			passes = append(passes, f)
		default:
			unclear = append(unclear, f)
		}
	}
	v.Passed, v.Failed, v.NotEvaluated = len(passes), len(fails), len(ended)+len(unclear)
	for _, f := range fails[:min(10, len(fails))] {
		v.Failing = append(v.Failing, Failing{Resource: cmp.Or(f.Subject, f.Key), Note: f.Title})
	}
	all := c.Expect == "all_pass"
	switch {
	case c.Expect == "not_seen_within":
		v.Verdict, v.Reason, v.Detail = CannotTell, NotReported, "What nobody reported may have happened all the same."
	case !all && len(passes) > 0, all && len(passes) > 0 && len(fails)+v.NotEvaluated == 0:
		v.rests(c, Supports, passes, all)
		if len(passes) > 1 && all {
			v.Detail = fmt.Sprintf("All %d that were reported pass. The oldest: %s", len(passes), v.Detail)
		}
	case len(fails) > 0:
		v.rests(c, Contradicts, fails, false)
		if all && c.Level != "account" && len(passes) > 0 {
			v.Verdict, v.Reason = Mixed, SomeFail
		}
	case len(unclear) > 0:
		v.Verdict, v.Reason, v.Detail = CannotTell, ReportedUnknown, "Its reporter could not tell: "+newestOwn(unclear).sentence()
	case len(ended) > 0:
		last := newestOwn(ended)
		v.Verdict, v.Reason, v.Detail = CannotTell, OutOfDate, "What was reported is out of date. "+last.sentence()
	default:
		v.Verdict, v.Reason, v.Detail = CannotTell, NotReported, "Nobody has reported this yet."
	}
	return v
}

// rests lets the verdict rest on the facts: on each of them, or on the newest.
func (v *Verdict) rests(c questionnaire.Check, state State, facts []OwnFact, each bool) {
	on := newestOwn(facts)
	until := on.ends(c)
	if each {
		on = slices.MinFunc(facts, func(a, b OwnFact) int { return a.ObservedAt.Compare(b.ObservedAt) })
		until = slices.MinFunc(facts, func(a, b OwnFact) int { return a.ends(c).Compare(b.ends(c)) }).ends(c)
	}
	v.Verdict, v.AsOf, v.Until, v.Detail = state, on.ObservedAt, &until, on.sentence()
}

func newestOwn(facts []OwnFact) OwnFact {
	return slices.MaxFunc(facts, func(a, b OwnFact) int { return a.ObservedAt.Compare(b.ObservedAt) })
}
