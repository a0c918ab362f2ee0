package evidence

import (
	"time"

	"github.com/google/uuid"
)

// State is how evidence bears on a check.
type State string

// The states of a verdict.
const (
	Supports    State = "supports"
	Contradicts State = "contradicts"
	Mixed       State = "mixed"
	CannotTell  State = "cannot_tell"
	Stale       State = "stale" // only from At: it said something, but too long ago
)

// DefaultMaxAge is how old the facts of a verdict may be when the check does not say.
const DefaultMaxAge = 30 * time.Hour

// Failing is one resource that fails a check.
type Failing struct {
	Resource string `json:"resource"`
	Account  string `json:"account"`
	Region   string `json:"region"`
	Note     string `json:"note"`
}

// Verdict is how the facts bear on a check for a workload, as computed at the end of a run.
type Verdict struct {
	Check        string     // the check's digest
	Verdict      State      // never Stale: see At
	Reason       string     // a code of Reasons; empty when it supports, or contradicts without more to say
	Detail       string     // one or two sentences for people
	Passed       int        // resources (or accounts and Regions) that pass
	Failed       int        //
	Suppressed   int        // failures accepted in AWS
	NotEvaluated int        // unknown or not applicable
	Untagged     int        // resources without any tag, not counted for a scope with tags
	Failing      []Failing  // the first ten
	AsOf         time.Time  // the age of what it rests on; zero when it rests on nothing
	Until        *time.Time // of what was reported: when it ends; nil for what was read, see At
	RunID        uuid.UUID  // uuid.Nil: it rests on what was reported
	ComputedAt   time.Time
}

// At is the verdict as it stands at now: Stale when what it rests on is older than maxAge
// (DefaultMaxAge when zero), or has ended. A verdict that cannot tell stays so.
func (v Verdict) At(now time.Time, maxAge time.Duration) State {
	if v.Until != nil {
		if v.Verdict != CannotTell && now.After(*v.Until) {
			return Stale
		}
		return v.Verdict
	}
	if maxAge <= 0 {
		maxAge = DefaultMaxAge
	}
	if v.Verdict != CannotTell && now.Sub(v.AsOf) > maxAge {
		return Stale
	}
	return v.Verdict
}
