// Package discussion holds what people say and bring beside answers and items: threads of
// comments, a facilitator's challenges, mentions, and files, links and statements as dated evidence. It
// knows what is talked about as text (kind, id) and reads the rows behind it in joins.
package discussion

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/identity"
	"orrery/internal/questionnaire"
)

// The kinds of targets: what may be talked about.
const (
	OnQuestion = "question" // id: review id/questionnaire/question
	OnItem     = "item"     // id: item id
	OnReview   = "review"   // id: review id
)

// The kinds of threads.
const (
	Comment   = "comment"
	Challenge = "challenge"
)

// The states of a thread. A comment is open or resolved; a challenge is challenged,
// answered or resolved.
const (
	Open       = "open"
	Challenged = "challenged"
	Answered   = "answered"
	Resolved   = "resolved"
)

// The limits of what is written and brought.
const (
	MaxBody        = 10_000           // characters of a comment
	MaxFile        = 10 << 20         // bytes of a file
	MaxAttachments = 20               // files, links and statements of a target that are not removed
	EditWindow     = 15 * time.Minute // how long an author may mend a comment
	// freshFor is how long what people brought counts as fresh: what a review shows is shown
	// again each year, so a proof that no year has seen again is said to be stale.
	freshFor = 365 * 24 * time.Hour
)

// Target is what is talked about, as its row says. Who may read it follows its workload.
type Target struct {
	Kind         string
	ID           string
	Title        string // of the question, the item or the review
	Path         string // the page it stands on, a path of ours
	WorkloadID   uuid.UUID
	WorkloadKey  string
	WorkloadName string
	TeamID       uuid.UUID
	TeamName     string
	Restricted   bool
	ReviewID     uuid.UUID // of a question or review
	RoundState   string    // of its newest round: files are added to a draft only
	Choices      []questionnaire.Choice
}

// Identity is what identity decides on.
func (t Target) Identity() identity.Target {
	return identity.Target{WorkloadID: t.WorkloadID, TeamID: t.TeamID, Restricted: t.Restricted}
}

// TalkPath is the page that shows the threads of the target alone.
func (t Target) TalkPath() string { return t.Path + "/talk" }

// choice reports whether the question offers the choice.
func (t Target) choice(id string) bool {
	for _, c := range t.Choices {
		if c.ID == id {
			return true
		}
	}
	return false
}

// Thread is a line of talk about a target.
type Thread struct {
	ID        uuid.UUID
	TargetID  string
	Kind      string // Comment or Challenge
	State     string
	StartedBy uuid.UUID
	Starter   string
	StartedAt time.Time
	Mover     string // who moved it last; empty when nobody did
	MovedAt   *time.Time
	Comments  []Said       `db:"-"`
	Files     []Attachment `db:"-"` // that were brought in this thread
	May       Moves        `db:"-"`
}

// OpenChallenge reports whether the thread is a challenge that is not resolved.
func (t Thread) OpenChallenge() bool { return t.Kind == Challenge && t.State != Resolved }

// Moves is what the reader may do to a thread.
type Moves struct {
	Answer    bool // say "this answers the challenge"
	Resolve   bool
	Reopen    bool
	Challenge bool // challenge again
}

// Said is one comment.
type Said struct {
	ID        uuid.UUID
	ThreadID  uuid.UUID
	AuthorID  uuid.UUID
	Author    string
	Body      string // Markdown; empty when removed
	Answers   bool   // it was given as the answer to a challenge
	Version   int
	WrittenAt time.Time
	EditedAt  *time.Time
	RemovedAt *time.Time
	Mentioned []string // names
	MayEdit   bool     `db:"-"`
	MayRemove bool     `db:"-"`
}

// Attachment is a file, a link or a statement that a person brought.
type Attachment struct {
	ID          uuid.UUID
	TargetID    string
	ThreadID    *uuid.UUID // nil: it stands beside the target itself
	Name        string     // of the file, the text of the link, or what was stated
	Description string
	Dated       time.Time // the day it speaks of
	Choice      string    // the choice it supports; may be empty
	URL         string    // of a link; empty otherwise
	MediaType   string
	Size        int
	SHA256      []byte
	Kept        bool // its bytes, or its address, are still there
	AddedBy     uuid.UUID
	Adder       string
	AddedAt     time.Time
	Remover     string // empty when it was not removed
	RemovedAt   *time.Time
	MayRemove   bool `db:"-"`
}

// IsLink reports whether it is an address instead of a file.
func (a Attachment) IsLink() bool { return a.URL != "" }

// IsStatement reports whether it is what a person says, without a file or a link.
func (a Attachment) IsStatement() bool { return a.URL == "" && len(a.SHA256) == 0 }

// Stale reports whether what it speaks of is more than a year old.
func (a Attachment) Stale(now time.Time) bool { return now.Sub(a.Dated) > freshFor }

// Talk is everything said and brought about a target, with what the reader may do.
type Talk struct {
	Target
	Threads      []Thread // unresolved first, each oldest first
	Evidence     []Attachment
	Notify       []identity.Ref // whom the form offers to mention
	MayComment   bool
	MayChallenge bool
	MayAttach    bool
	WhyNotAttach string
}

// Tally counts what is said and brought about one target.
type Tally struct {
	Comments       int // that are not removed
	OpenThreads    int // challenges included
	OpenChallenges int
	Attachments    int // files, links and statements that are not removed
}

// Service keeps what people say and bring. Who may read the workload of a target may read
// all of it and comment; for anybody else the target is not found. A token reads only.
type Service struct {
	db      *pgxpool.Pool
	library *questionnaire.Library
	now     func() time.Time
}

// NewService returns the service on the pool; now gives the time of an act.
func NewService(db *pgxpool.Pool, library *questionnaire.Library, now func() time.Time) *Service {
	return &Service{db: db, library: library, now: now}
}
