// Package webhook tells others of what happened: signed and thin, by the Standard Webhooks
// specification, at least once. What happened is an event of the audit record; each is one
// delivery for each endpoint that wants it, tried again over a day.
package webhook

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"orrery/internal/outbound"
)

// The states of an endpoint.
const (
	On   = "on"
	Off  = "off"
	Gone = "gone" // the receiver answered 410
)

// The states of a delivery.
const (
	Pending   = "pending"
	Delivered = "delivered"
	Failed    = "failed"
)

// TestType is the type of what "send a test" sends. It is no event of the record.
const TestType = "endpoint.test"

// RotationTime is how long the secret before signs beside a new one.
const RotationTime = 24 * time.Hour

// Endpoint is who is told.
type Endpoint struct {
	ID          uuid.UUID
	Name        string
	URL         string
	Events      []string // empty: every event
	Restricted  bool     // also events of restricted workloads
	State       string
	BeforeUntil *time.Time // until then the secret before signs too
	Version     int
	MadeAt      time.Time
	MadeBy      string
	Pending     int // deliveries that are not through yet
	Failed      int // deliveries given up
	LastStatus  int // of the newest attempt; 0: there was no answer
	LastAt      *time.Time
	LastProblem string
}

// Rotating reports whether two secrets sign now.
func (e Endpoint) Rotating(now time.Time) bool {
	return e.BeforeUntil != nil && now.Before(*e.BeforeUntil)
}

// Input is what an admin says of an endpoint.
type Input struct {
	Name       string
	URL        string
	Events     []string
	Restricted bool
	On         bool
}

// Delivery is one event for one endpoint.
type Delivery struct {
	ID          uuid.UUID
	EndpointID  uuid.UUID
	EventID     uuid.UUID
	Type        string
	Restricted  bool   // of a restricted workload, or of a webhook that heard of them
	Body        []byte // nil for who may not read what is restricted
	State       string
	Attempts    int
	MadeAt      time.Time
	DueAt       time.Time // of the next attempt, while it is pending
	EndedAt     *time.Time
	LastStatus  int
	LastProblem string
	Tries       []Attempt `db:"-"`
}

// MessageID is the delivery's webhook-id: the same on every attempt, replay and endpoint.
func (d Delivery) MessageID() string { return messageID(d.EventID) }

func messageID(event uuid.UUID) string { return "evt_" + event.String() }

// Attempt is one try at a delivery.
type Attempt struct {
	Number  int
	At      time.Time
	TookMS  int
	Status  int // 0: there was no answer
	Problem string
}

// Service keeps the endpoints and delivers to them. Only admins may use it.
type Service struct {
	db   *pgxpool.Pool
	jobs *river.Client[pgx.Tx] // inserts only
	door *outbound.Door
	url  string // of this portal, without a slash at the end
	now  func() time.Time

	doors chan struct{} // taken while an attempt begins or ends
}

// NewService returns the service on the pool. Deliveries go through the door, secrets
// are sealed by it; now gives the time of an act.
func NewService(db *pgxpool.Pool, jobs *river.Client[pgx.Tx], door *outbound.Door, publicURL string, now func() time.Time) *Service {
	return &Service{db: db, jobs: jobs, door: door, url: publicURL, now: now, doors: make(chan struct{}, doors)}
}
