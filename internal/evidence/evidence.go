// Package evidence reads dated facts from AWS, keeps a ledger of what was looked at, and
// judges how the facts bear on the checks of the published questionnaires. It knows no
// review. What it could not look at is never told as a pass.
package evidence

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
)

// The first sources of facts; sources.go has more. The same words stand in a check, in the ledger of a run and in a
// fact. A check on any other source is answered with "cannot tell: not read".
const (
	ControlSource  = "securityhub.control" // findings of a Security Hub control; the key is the control's id
	RuleSource     = "config.rule"         // compliance of a Config rule; the key is the rule's name
	RecorderSource = "config.recorder"     // the state of the Config recorder; the key is RecorderKey
	TrailSource    = "cloudtrail.trail"    // the state of CloudTrail; the keys are TrailKey and ValidatedKey
)

// The keys of the sources that have few.
const (
	RecorderKey  = "recorder"
	TrailKey     = "trail"
	ValidatedKey = "validated" // a trail as TrailKey wants it that also validates its log files
)

// FactState is what a fact says.
type FactState string

// The states of a fact.
const (
	Pass          FactState = "pass"
	Fail          FactState = "fail"
	Suppressed    FactState = "suppressed"     // somebody accepted the failure in AWS; not a pass
	NotApplicable FactState = "not_applicable" // there was nothing to evaluate; not a pass
	Unknown       FactState = "unknown"        // AWS could not tell; Reason says why
	Stated        FactState = "stated"         // people said so in another tool; neither a pass nor a failure
)

// Cell is the unit of collection: what one job reads.
type Cell struct {
	Account string // twelve digits
	Region  string
}

// Ask is what to read in a cell: no more than the published checks look at.
type Ask struct {
	Controls    []string // Security Hub control ids
	ConfigRules []string // names of Config rules
	Recorder    bool
	Trail       bool                // TrailKey
	Validated   bool                // ValidatedKey
	Access      Access              // how to reach the account
	Hub         *Hub                // asked before the account; nil: there is none
	More        map[string][]string // by further source, its keys
}

// Sources lists every source that is read, in the order of Ask.Sources.
func Sources() []string {
	return append([]string{ControlSource, RuleSource, RecorderSource, TrailSource}, furtherSources...)
}

// Sources lists the sources the ask touches, in a fixed order.
func (a Ask) Sources() []string {
	var s []string
	if len(a.Controls) > 0 {
		s = append(s, ControlSource)
	}
	if len(a.ConfigRules) > 0 {
		s = append(s, RuleSource)
	}
	if a.Recorder {
		s = append(s, RecorderSource)
	}
	if a.Trail || a.Validated {
		s = append(s, TrailSource)
	}
	return append(s, a.further()...)
}

// keys are what the ask looks at in the source.
func (a Ask) keys(source string) []string {
	switch source {
	case ControlSource:
		return a.Controls
	case RuleSource:
		return a.ConfigRules
	case RecorderSource:
		return []string{RecorderKey}
	case TrailSource:
		return a.trailKeys()
	}
	return a.More[source]
}

func (a Ask) trailKeys() []string {
	var out []string
	if a.Trail {
		out = append(out, TrailKey)
	}
	if a.Validated {
		out = append(out, ValidatedKey)
	}
	return out
}

// only is the part of the ask that touches the sources.
func (a Ask) only(sources []string) Ask {
	if !slices.Contains(sources, ControlSource) {
		a.Controls = nil
	}
	if !slices.Contains(sources, RuleSource) {
		a.ConfigRules = nil
	}
	a.Recorder = a.Recorder && slices.Contains(sources, RecorderSource)
	trail := slices.Contains(sources, TrailSource)
	a.Trail, a.Validated = a.Trail && trail, a.Validated && trail
	a.More = a.onlyMore(sources)
	return a
}

// Observation is one fact as a collector saw it in a cell.
type Observation struct {
	Control        string // the key of the check: a control id, a rule's name, RecorderKey and the like
	Resource       string // an ARN or id; AccountResource for facts on the whole account
	Origin         string // the record it was read from (a finding's id), to tell two records on one resource apart
	State          FactState
	Reason         string          // a code of Reasons, or AWS's own status reason; empty for a plain pass or fail
	Title          string          // one sentence: what was seen
	Detail         json.RawMessage // the document behind it, at most MaxDetail bytes
	Tags           []string        // key=value, sorted
	ApplicationARN string
	ObservedAt     time.Time // when AWS last looked; for states read live, when they were read
}

// MaxDetail is the largest document kept with a fact, in bytes.
const MaxDetail = 10 << 10

const accountPrefix = "AWS::::Account:"

// AccountResource is the resource of a fact on an account as a whole, written as Security
// Hub writes it. Such a fact belongs to every workload of the account.
func AccountResource(account string) string { return accountPrefix + account }

// Result is how reading a source in a cell ended.
type Result string

// The results of a cell.
const (
	OK           Result = "ok"            // everything asked for was read
	Partial      Result = "partial"       // some of it was read
	Denied       Result = "denied"        // Outcome.Permission would mend it
	Throttled    Result = "throttled"     // AWS kept answering "too many requests"
	Off          Result = "off"           // the service is not enabled there
	WrongAccount Result = "wrong_account" // the credentials belong to another account
	Expired      Result = "expired"       // the credentials expired
	RegionOff    Result = "region_off"    // the account has not opted in to the Region
	Error        Result = "error"         // anything else; Outcome.Detail says what
)

// Outcome is how reading one source in a cell ended.
type Outcome struct {
	Source     string
	Result     Result
	Detail     string // a whole sentence for people; may be empty when OK
	Permission string // the IAM action that was missing, as "service:Action"; also beside OK when only extras were denied
}

// Collector reads facts. It emits what it saw while it goes, in batches, and returns one
// outcome for each source of the ask. It emits nothing for credentials of another account.
// When emit fails or ctx ends it stops; its outcomes are then not used. For a control or
// rule on which nothing was found although it could have been, it emits one observation on
// the account that says why (not_applicable or unknown).
type Collector interface {
	Collect(ctx context.Context, cell Cell, ask Ask, emit func(source string, facts []Observation) error) []Outcome
}

// Fact is a stored fact.
type Fact struct {
	ID             int64
	Source         string
	Control        string
	Account        string
	Region         string
	Resource       string
	State          FactState
	Reason         string
	Title          string
	Detail         json.RawMessage
	Tags           []string
	ApplicationARN string
	ObservedAt     time.Time // when AWS last looked
	ChangedAt      time.Time // when the fact last said something else than before
	RunID          uuid.UUID // the run that last changed it
}
