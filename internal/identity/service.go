package identity

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
)

// Detail is one fact of an act: references and counts. Never a secret.
type Detail struct {
	Name  string
	Value string
}

// Act is one thing done to people, teams, roles or credentials, for the audit record.
type Act struct {
	Verb       string // past tense, dotted: "person.invited"
	TargetKind string // person, team, token, organisation
	TargetID   string
	Details    []Detail
	At         time.Time
}

// Recorder writes the audit row of an act in the transaction of that act; when it fails,
// nothing is done. It is passed in because the audit room stands above this one and imports
// it: audit.RecordIdentity is the one in use.
type Recorder func(ctx context.Context, tx pgx.Tx, who Actor, act Act) error

// Service keeps people, teams, roles, sessions and tokens. Every method that changes
// something runs in one transaction with exactly one audit row; one that finds nothing to
// change writes none. Failed sign-ins and "last seen" times are bookkeeping without a row.
//
// Faults common to all methods: Invalid with a message per field (email, name, password,
// current, key, role, kind, team, workload, scopes, expires), Forbidden for who may not,
// NotFound for an id that is not there.
type Service struct {
	db      *pgxpool.Pool
	record  Recorder
	now     func() time.Time
	hashing chan struct{} // one slot for each password hash at work
}

// NewService returns the service on the pool. record writes the audit row of each act; now
// gives the time of an act.
func NewService(db *pgxpool.Pool, record Recorder, now func() time.Time) *Service {
	return &Service{db: db, record: record, now: now, hashing: make(chan struct{}, hashSlots())}
}

// Client is where a sign-in came from.
type Client struct {
	IP        string // the address of the browser, as the edge trusts it
	UserAgent string // as sent; cleaned and cut before it is stored
	RequestID string // of the request, for the audit record
}

// CommandLine is the actor of acts asked for at the command line of the server: whoever can
// run that holds the database anyway.
var CommandLine = SystemActor("command line")

// clock returns the time of an act in the precision that Postgres keeps.
func (s *Service) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// act runs do in a transaction and records what it says was done. A nil Act means that
// there was nothing to change.
func (s *Service) act(ctx context.Context, who Actor, do func(tx pgx.Tx, now time.Time) (*Act, error)) error {
	now := s.clock()
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		done, err := do(tx, now)
		if err != nil || done == nil {
			return err
		}
		done.At = now
		return s.record(ctx, tx, who, *done)
	})
}

// signedIn refuses who is nobody: neither a person nor a part of the system.
func signedIn(who Actor) error {
	if who.PersonID == uuid.Nil && who.System == "" {
		return fault.New(fault.Unauthenticated, "Please sign in.")
	}
	return nil
}

// inPerson refuses all but a person in a browser: a token never touches credentials.
func inPerson(who Actor) error {
	if who.PersonID == uuid.Nil {
		return fault.New(fault.Unauthenticated, "Please sign in.")
	}
	if who.TokenID != uuid.Nil {
		return fault.New(fault.Forbidden, "An API token may not do this. Sign in with a browser.")
	}
	return nil
}

func personAct(verb string, id uuid.UUID, details ...Detail) *Act {
	return &Act{Verb: verb, TargetKind: "person", TargetID: id.String(), Details: details}
}
