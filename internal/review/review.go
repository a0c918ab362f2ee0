// Package review holds what Orrery exists for: reviews of workloads, the answers of teams,
// the sign-offs and decisions of approvers, and the launch gate that follows from them.
package review

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/workload"
)

// The states of a review.
const (
	Open      = "open"
	Closed    = "closed"
	Cancelled = "cancelled"
)

// The states of a round.
const (
	Draft     = "draft"
	Submitted = "submitted" // frozen: answers cannot change
	Sealed    = "sealed"    // decided: nothing can change

	Superseded = "superseded" // an upgrade took its place: nothing can change
)

// The outcomes of a decision.
const (
	Go          = "go"
	Conditional = "conditional"
	NoGo        = "no_go"
)

// The voices of a sign-off.
const (
	Agree  = "agree"
	Object = "object"
)

// Review is one review type on one subject, with the round that is worked on or was last.
type Review struct {
	ID              uuid.UUID
	Workload        workload.Workload
	TypeKey         string
	TypeName        string
	ChangeKey       string // empty: the whole workload
	ChangeTitle     string
	ChangeTicket    string
	State           string
	CorePath        bool
	GatesLaunch     bool
	ValidDays       int
	SignoffsNeeded  int
	Tier            int // the stricter of the tier when the review started and now
	StartedBy       string
	StartedAt       time.Time
	Round           Round
	Pins            []Pin
	AuthoredByActor bool // the reader saved an answer in this round, or one that it carries on
	Agenda          Agenda
}

// Round is one pass from draft to decision.
type Round struct {
	ID            uuid.UUID
	Number        int
	State         string
	OpenedAt      time.Time
	Submissions   int
	SubmittedBy   string
	SubmittedAt   *time.Time
	ContentSHA256 []byte
	ReturnedNote  string // what an approver wanted changed, when the round was last sent back
	ReturnedBy    string
}

// Pin is one questionnaire version a review asks.
type Pin struct {
	Key       string
	VersionID uuid.UUID
	Extra     bool // chosen beside those of the type: it is asked whole
}

// Target is what identity decides on.
func (r Review) Target() identity.Target { return r.Workload.Target() }

// Pin returns the pin of the questionnaire with the key.
func (r Review) Pin(key string) (Pin, bool) {
	for _, p := range r.Pins {
		if p.Key == key {
			return p, true
		}
	}
	return Pin{}, false
}

// pinOf returns the pin of the version.
func (r Review) pinOf(version uuid.UUID) Pin {
	for _, p := range r.Pins {
		if p.VersionID == version {
			return p
		}
	}
	return Pin{}
}

// Title names the review: its type, and the change if it is about one.
func (r Review) Title() string {
	if r.ChangeKey == "" {
		return r.TypeName
	}
	return r.TypeName + ", " + r.ChangeKey
}

// Answer is the present state of one answer.
type Answer struct {
	VersionID     uuid.UUID
	QuestionID    string
	Position      int
	Required      bool
	Chosen        []string
	Unknown       bool
	NotApplicable bool
	Reason        string
	NAChoices     []string // choices that do not apply, with NAReasons beside
	NAReasons     []string
	Notes         string
	Risk          questionnaire.Risk
	Version       int // 0: never saved
	SavedBy       string
	SavedByID     *uuid.UUID
	SavedAt       *time.Time
	ToConfirm     bool    // carried from an earlier round, or drafted; nobody confirmed it in this one
	Origin        *Origin // the earlier answer it was carried from
	Drafted       Drafted // where its ticks were taken from; the zero Drafted when people ticked them
}

// Drafted says where the ticks of an answer were taken from before somebody confirmed it.
type Drafted struct {
	From string     // workloads of the Well-Architected Tool by name; empty: it was not drafted
	AsOf *time.Time // when they were last changed there
}

// Origin names the earlier answer that an answer was carried from.
type Origin struct {
	RoundID    uuid.UUID
	VersionID  uuid.UUID
	QuestionID string
	SavedBy    string
	SavedAt    *time.Time
	Flagged    bool // the question or a choice was not applicable then
}

// Selection is the answer as the questionnaire scores it.
func (a Answer) Selection() questionnaire.Selection {
	return questionnaire.Selection{
		Chosen: a.Chosen, NotApplicable: a.NotApplicable, ChoicesNotApplicable: a.NAChoices, Unknown: a.Unknown,
	}
}

// NAReason returns why the choice does not apply, and whether it was marked so.
func (a Answer) NAReason(choice string) (string, bool) {
	for i, id := range a.NAChoices {
		if id == choice {
			return a.NAReasons[i], true
		}
	}
	return "", false
}

// Has reports whether the choice is ticked.
func (a Answer) Has(choice string) bool {
	for _, id := range a.Chosen {
		if id == choice {
			return true
		}
	}
	return false
}

// Service starts, answers, submits and decides reviews, and answers the launch gate.
type Service struct {
	db      *pgxpool.Pool
	library *questionnaire.Library
	baseURL string
	now     func() time.Time
	key     audit.Key // signs what is sealed; see SignWith
}

// NewService returns the service on the pool. baseURL is where people reach the portal,
// without a slash at the end: links in the gate's answer begin with it. now gives the time
// of an act.
func NewService(db *pgxpool.Pool, library *questionnaire.Library, baseURL string, now func() time.Time) *Service {
	return &Service{db: db, library: library, baseURL: baseURL, now: now}
}
