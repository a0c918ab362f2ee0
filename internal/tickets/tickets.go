// Package tickets keeps items and tickets in step: a ticket is made from an item in Jira
// Cloud or GitHub Issues, its status comes back by signed webhooks and by a slow poll, which
// is the truth, and the ticket is closed and opened with its item. A closed ticket makes an item
// done; it never verifies one, and ends none of evidence.
package tickets

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"orrery/internal/outbound"
)

// The kinds of trackers.
const (
	Jira   = "jira"
	GitHub = "github"
)

// The states of a link.
const (
	Creating = "creating"
	Linked   = "linked"
	Refused  = "failed"
	Removed  = "removed"
)

// Tracker is where tickets are made.
type Tracker struct {
	ID        uuid.UUID
	Kind      string
	Name      string
	URL       string // of the site (Jira) or the API (GitHub), without a slash at the end
	Project   string // key of a project, or owner/repository
	Account   string // the address of the account of a Jira token
	IssueType string // of Jira
	Active    bool
	Version   int
	MadeAt    time.Time
	Links     int // tickets that are followed
}

// TrackerInput is what an admin says of a tracker. An empty token keeps the stored one.
type TrackerInput struct {
	Kind      string // of a new one
	Name      string
	URL       string
	Project   string
	Account   string
	IssueType string
	Token     string
	Active    bool
}

// Link is a ticket of an item.
type Link struct {
	ID          uuid.UUID
	ItemID      uuid.UUID
	TrackerID   *uuid.UUID // nil: written by hand, and not followed
	TrackerName string     // empty without a tracker
	Kind        string
	Key         string // empty while it is being made
	URL         string
	State       string
	Status      string // in the tracker's words
	Closed      bool
	Told        bool // the tracker knows the item as finished
	SyncedAt    *time.Time
	Problem     string
	MadeBy      *uuid.UUID // nil: nobody who is a person
	MadeAt      time.Time
	System      string // as a program named it; empty with a tracker, and when it was typed
	Version     int
}

// issue is a ticket as its tracker shows it.
type issue struct {
	Key       string
	URL       string
	Status    string
	Closed    bool
	UpdatedAt time.Time
}

// ticket is what a tracker is asked to make or told.
type ticket struct {
	ItemID  uuid.UUID
	Key     string // of what an earlier try made, as far as it is known
	Title   string
	Text    string
	Href    string // the item's page
	DueOn   time.Time
	Summary string // of the workload, one line
	Dropped bool   // the item ended without being done
}

// remote is a tracker's API. Jira and GitHub fill it.
type remote interface {
	// make makes the ticket, or finds the one that an earlier try made. It calls sending just before
	// it asks for one. With an error it returns the key, when that is known; without the key a
	// refusal says that none was made, and any other error leaves that open.
	make(ctx context.Context, t ticket, sending func() error) (issue, error)
	read(ctx context.Context, key string) (issue, error)
	// tell closes the ticket of a finished item, or opens it with the item again, and returns
	// it as it is then; with a refusal too, as far as it could be read.
	tell(ctx context.Context, key string, t ticket, finished bool) (issue, error)
}

// Service makes tickets and follows them.
type Service struct {
	db   *pgxpool.Pool
	jobs *river.Client[pgx.Tx] // inserts only
	door *outbound.Door
	url  string // of this portal, without a slash at the end
	now  func() time.Time
}

// NewService returns the service on the pool. Trackers are reached through the door, their
// secrets sealed by it; now gives the time of an act.
func NewService(db *pgxpool.Pool, jobs *river.Client[pgx.Tx], door *outbound.Door, publicURL string, now func() time.Time) *Service {
	return &Service{db: db, jobs: jobs, door: door, url: publicURL, now: now}
}

// remote opens the API of a tracker.
func (s *Service) remote(t Tracker, token string) remote {
	c := caller{client: s.door.Client, base: t.URL}
	if t.Kind == Jira {
		c.user, c.token = t.Account, token
		return jira{c, t}
	}
	c.token = token
	return gitHub{c, t}
}

func tokenPurpose(id uuid.UUID) string { return "tracker/" + id.String() + "/token" }
func hookPurpose(id uuid.UUID) string  { return "tracker/" + id.String() + "/hook" }
