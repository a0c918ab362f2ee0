// Package remediation holds the items, dated work on a workload with an owner and a cause,
// and the acceptances of risks, which always end. It knows causes and questions only as text
// and imports none of the rooms they come from.
package remediation

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
)

// The kinds of causes.
const (
	CauseQuestion  = "question"  // key: questionnaire/question
	CauseCondition = "condition" // key: decision id/position
	CauseEvidence  = "evidence"  // key: source/control; only evidence closes it
	CauseManual    = "manual"
	CauseIncident  = "incident"  // key: id of the action
	CauseFollowUp  = "follow_up" // key: questionnaire/question
)

// The states of an item, in their order.
const (
	Open       = "open"
	InProgress = "in_progress"
	Done       = "done"
	Verified   = "verified"
	Closed     = "closed" // ended without being done: its workload was retired
)

// The timings of an item that carries a condition.
const (
	BeforeLaunch = "before_launch"
	AfterLaunch  = "after_launch"
)

// Item is dated work on a workload.
type Item struct {
	ID           uuid.UUID
	WorkloadID   uuid.UUID
	WorkloadKey  string
	WorkloadName string
	TeamID       uuid.UUID
	TeamName     string
	Tier         int
	Restricted   bool
	CauseKind    string
	CauseKey     string
	Title        string
	Detail       string
	Risk         string    // high, medium, none
	Timing       string    // BeforeLaunch, AfterLaunch, or empty
	Href         string    // where it comes from, a path of ours
	OwnerID      uuid.UUID // uuid.Nil: nobody; it is in the team's queue
	OwnerName    string
	DueOn        time.Time // a day
	State        string
	Resolution   string
	Version      int
	OpenedAt     time.Time
	DoneBy       *uuid.UUID
	DoneByName   string
	DoneAt       *time.Time
	HadTicket    []uuid.UUID // who owned it before, and whose tickets closed it
	VerifiedBy   string
	VerifiedAt   *time.Time
	ClosedBy     string
	ClosedAt     *time.Time
	ClosedReason string
}

// Target is what identity decides on.
func (it Item) Target() identity.Target {
	return identity.Target{WorkloadID: it.WorkloadID, TeamID: it.TeamID, Restricted: it.Restricted}
}

// NeedsVerification reports whether another person must confirm that the work is done:
// highs, conditions and the actions of incidents. Everything else is finished when it is done.
func (it Item) NeedsVerification() bool {
	return it.Risk == "high" || it.CauseKind == CauseCondition || it.CauseKind == CauseIncident
}

// VerifiableBy reports whether the person is another than who did the work. What a closed ticket
// made done names nobody: whoever owned it and who made the ticket are taken for them.
func (it Item) VerifiableBy(person uuid.UUID) bool {
	switch {
	case !it.NeedsVerification():
		return true
	case it.DoneBy != nil:
		return *it.DoneBy != person
	}
	return it.OwnerID != person && !slices.Contains(it.HadTicket, person)
}

// Finished reports whether nothing is left to do.
func (it Item) Finished() bool {
	return it.State == Verified || it.State == Closed || it.State == Done && !it.NeedsVerification()
}

// LateBy returns the whole days since the due day, 0 when it is not late or finished.
func (it Item) LateBy(now time.Time) int {
	if it.Finished() {
		return 0
	}
	return max(0, int(today(now).Sub(it.DueOn).Hours()/24))
}

func today(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }

// Opening is what opens an item, or reopens the item of the same cause.
type Opening struct {
	WorkloadID uuid.UUID
	CauseKind  string
	CauseKey   string
	Title      string
	Detail     string
	Risk       string
	Timing     string
	Href       string
	OwnerID    uuid.UUID
	DueOn      time.Time
}

// Change is what a person may change of an item, as it was seen at Version.
type Change struct {
	Version    int
	OwnerID    string // a person's id
	DueOn      string // 2006-01-02
	State      string
	Resolution string // what was done; needed for done
}

// The orders of a list; each groups it too.
const (
	ByDue      = ""
	ByRisk     = "risk"
	ByWorkload = "workload"
	ByOwner    = "owner"
)

// Filter narrows a list of items. The zero Filter lists everything that is open.
type Filter struct {
	WorkloadKey string
	TeamKey     string
	Risk        string // high, medium, none
	Search      string // a part of the title
	Queue       bool   // only what nobody owns
	OwnerID     uuid.UUID
	State       string    // one state, "all", or empty: everything that is not finished
	OverdueAt   time.Time // not zero: only what was due before this day
	Sort        string    // ByDue and so on
	After       string    // cursor from a List before
	Limit       int       // 1 to 100, 50 when 0
}
