// Package incident holds what went wrong and what it taught: incidents, the lessons that are
// drawn from them, and the follow-ups that ask a lesson's question of the workloads it
// concerns. It is no incident tool: it takes what a correction-of-errors record says and
// spreads it.
package incident

import (
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/remediation"
)

// The states of an incident.
const (
	Draft  = "draft"  // written by the teams of its workloads; they read it, and auditors
	Closed = "closed" // read by everyone who reads all of its workloads
)

// What became of the readiness question that would have prevented the incident.
const (
	NotAsked      = "not_asked"
	AnsweredRight = "right"
	AnsweredWrong = "wrong"
)

// Incident is one record.
type Incident struct {
	ID           uuid.UUID
	Title        string
	Severity     int // 1 worst .. 4
	Link         string
	Summary      string
	Impact       string
	StartedAt    *time.Time
	DetectedAt   *time.Time
	MitigatedAt  *time.Time
	ResolvedAt   *time.Time
	Scenario     string // how it was built
	Change       string // the change that contributed
	Causes       []string
	WhyNotCaught string
	QuestionSet  string // with QuestionID: the readiness question that would have prevented it; empty when none is named
	QuestionID   string
	Answered     string // NotAsked, AnsweredRight, AnsweredWrong, or empty
	State        string
	Version      int
	CreatedBy    string
	CreatedAt    time.Time
	UpdatedAt    time.Time
	ClosedBy     string
	ClosedAt     *time.Time

	Places  []Place   // the workloads it touched, by name
	Related []Related // earlier incidents of the kind, as far as the reader may know them
	Actions []Action
}

// ForEveryone reports whether everyone who is signed in may read it: it is closed, and touched
// no restricted workload.
func (i Incident) ForEveryone() bool {
	return i.State == Closed && !slices.ContainsFunc(i.Places, func(p Place) bool { return p.Restricted })
}

// Place is a workload that an incident touched.
type Place struct {
	ID         uuid.UUID
	Key        string
	Name       string
	Tier       int
	TeamID     uuid.UUID
	TeamName   string
	Restricted bool
}

// Target is what identity decides on.
func (p Place) Target() identity.Target {
	return identity.Target{WorkloadID: p.ID, TeamID: p.TeamID, Restricted: p.Restricted}
}

// Related is an earlier incident, with why its actions did not prevent this one.
type Related struct {
	ID    uuid.UUID
	Title string
	Why   string
}

// Action is what shall prevent the next one: an item as soon as it has an owner.
type Action struct {
	ID           uuid.UUID
	WorkloadID   uuid.UUID
	WorkloadKey  string
	WorkloadName string
	Title        string
	DueOn        *time.Time
	Item         *remediation.Item // nil: nobody owns it yet
}

// Question is the set and the question as one word, as forms and items write it; empty when
// no question is named.
func (i Incident) Question() string {
	if i.QuestionID == "" {
		return ""
	}
	return i.QuestionSet + "/" + i.QuestionID
}

// Line is an incident in a list.
type Line struct {
	ID        uuid.UUID
	Title     string
	Severity  int
	State     string
	StartedAt *time.Time
	Workloads string // their names, with commas between
	Actions   int
	Mended    int // of these, whose items are finished
	Lessons   int
}

// Filter narrows the list of incidents. Empty fields do not.
type Filter struct {
	State       string // Draft or Closed
	WorkloadKey string
	After       string // cursor from a List before
	Limit       int    // 1 to 100, 50 when 0
}

// Input is what a person writes of an incident. Times are UTC, as 2006-01-02T15:04, or empty.
type Input struct {
	Title        string
	Severity     string
	Workloads    []string // keys
	Link         string
	Summary      string
	Impact       string
	Started      string
	Detected     string
	Mitigated    string
	Resolved     string
	Scenario     string
	Change       string
	Causes       []string
	WhyNotCaught string
	Question     string // set/question, or empty
	Answered     string
	Related      []RelatedInput
}

// Input is what a person would write to get the incident as it stands.
func (i Incident) Input() Input {
	in := Input{
		Title: i.Title, Severity: strconv.Itoa(i.Severity), Link: i.Link, Summary: i.Summary, Impact: i.Impact, Started: typedTime(i.StartedAt),
		Detected: typedTime(i.DetectedAt), Mitigated: typedTime(i.MitigatedAt), Resolved: typedTime(i.ResolvedAt), Scenario: i.Scenario,
		Change: i.Change, Causes: i.Causes, WhyNotCaught: i.WhyNotCaught, Question: i.Question(), Answered: i.Answered,
	}
	for _, p := range i.Places {
		in.Workloads = append(in.Workloads, p.Key)
	}
	for _, r := range i.Related {
		in.Related = append(in.Related, RelatedInput{ID: r.ID.String(), Why: r.Why})
	}
	return in
}

func typedTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04")
}

// RelatedInput names an earlier incident by its id; one without an id is left out.
type RelatedInput struct{ ID, Why string }

// ActionInput is an action as it is written. Without an owner it is no item yet, and the
// incident cannot be closed.
type ActionInput struct {
	ID       string // of an action without an owner; empty adds one
	Title    string
	Workload string // key of one of the incident's workloads
	Owner    string // id of a person, or empty
	DueOn    string // 2006-01-02; needed with an owner
}
