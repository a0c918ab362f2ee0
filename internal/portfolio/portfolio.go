// Package portfolio joins what the other rooms wrote into the lists that people start from:
// what waits for them, all workloads, all reviews, and what evidence says of a workload. It
// writes nothing. Workloads that the reader may not see are left out of every list.
package portfolio

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
)

// Service reads across the rooms. Every method needs an actor who is signed in; each list
// is one statement.
type Service struct {
	db      *pgxpool.Pool
	library *questionnaire.Library
	now     func() time.Time
}

// NewService returns the service on the pool; now gives the time that ends are compared with.
func NewService(db *pgxpool.Pool, library *questionnaire.Library, now func() time.Time) *Service {
	return &Service{db: db, library: library, now: now}
}

const (
	pageSize = 50                  // lines of a list
	soon     = 30 * 24 * time.Hour // a decision that ends within it is said to end soon
)

// pageOf is how many lines a page has when so many are asked for.
func pageOf(limit int) int {
	if limit < 1 || limit > 100 {
		return pageSize
	}
	return limit
}

// atMost is the limit of a statement, as a number in its text: PostgreSQL then knows how few
// rows are wanted when it keeps a plan for all parameters, and does not plan anew each time.
func atMost(rows int) string { return ` limit ` + strconv.Itoa(rows) }

// Readable is the SQL condition on a row w of workloads that says what
// identity.Actor.CanRead says of one target. Reader gives its parameters.
const Readable = `(not w.restricted or @sees_all or w.team_id = any(@teams) or w.id = any(@grants))`

// Reader returns the parameters of Readable for an actor: @sees_all, @teams, @grants.
func Reader(who identity.Actor) pgx.StrictNamedArgs {
	teams, grants := []uuid.UUID{}, []uuid.UUID{}
	for _, m := range who.Teams {
		teams = append(teams, m.TeamID)
	}
	for _, g := range who.Grants {
		if !g.SelfGiven {
			grants = append(grants, g.WorkloadID)
		}
	}
	all := who.System != "" || who.Is(identity.Auditor) ||
		who.Has(identity.Approver, uuid.Nil) || who.Has(identity.Facilitator, uuid.Nil)
	return pgx.StrictNamedArgs{"sees_all": all, "teams": teams, "grants": grants}
}

func signedIn(who identity.Actor) error {
	if who.PersonID == uuid.Nil && who.System == "" {
		return fault.New(fault.Unauthenticated, "Please sign in.")
	}
	return nil
}

// finished in SQL, as remediation.Item.Finished says it of a row i of items.
const finished = `(i.state in ('verified', 'closed') or i.state = 'done' and i.risk <> 'high' and i.cause_kind not in ('condition', 'incident'))`

func today(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }

func badCursor() error {
	return fault.InvalidField("after", "This page of the list cannot be found; start again from the first.")
}

// encodeCursor turns the place of the last line of a page into an opaque word.
func encodeCursor(place any) string {
	b, err := json.Marshal(place)
	if err != nil {
		panic(err) // places are structs of text, numbers and times
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor reads what encodeCursor wrote, or refuses.
func decodeCursor(word string, place any) error {
	b, err := base64.RawURLEncoding.DecodeString(word)
	if err != nil || len(b) > 2000 || json.Unmarshal(b, place) != nil || strings.Contains(string(b), `\u0000`) ||
		encodeCursor(place) != word || strings.Contains(string(b), uuid.Nil.String()) { // nothing is left out, and it names a line
		return badCursor()
	}
	return nil
}
