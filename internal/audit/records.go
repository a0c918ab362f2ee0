package audit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// Entry is one record as pages and exports show it.
type Entry struct {
	Stream     string
	Seq        int64
	At         time.Time
	ActorID    uuid.UUID // uuid.Nil: a part of the system
	ActorName  string    // as it was then
	TokenID    uuid.UUID // uuid.Nil: not by an API token
	RequestID  string
	Verb       string
	TargetKind string
	TargetID   string
	Details    []Detail
	Hash       []byte
}

// Filter narrows the list of records. Empty fields do not.
type Filter struct {
	Stream     string
	ActorID    uuid.UUID
	Verb       string // exactly, or all that begin with it when it ends in a dot: "review."
	TargetKind string
	TargetID   string
	Since      time.Time // inclusive
	Until      time.Time // exclusive
	After      string    // the cursor returned with the page before
	Limit      int       // 1 to 500; 0: 50
}

// Records lists records newest first, and the cursor of the next page, empty on the last
// one. Auditors and admins may: Forbidden for others. An admin who is no auditor does not
// see the streams of restricted workloads that they may not read. Invalid on "after" for a
// cursor that is not one.
func Records(ctx context.Context, q postgres.Querier, who identity.Actor, f Filter) ([]Entry, string, error) {
	if err := who.May(identity.ReadAudit, identity.Target{}); err != nil {
		return nil, "", err
	}
	return list(ctx, q, f, who)
}

// WorkloadRecords lists the records of one workload's stream newest first, as Records does.
// It does not authorise: the caller has decided that the asker may read the workload.
func WorkloadRecords(ctx context.Context, q postgres.Querier, workload uuid.UUID, f Filter) ([]Entry, string, error) {
	f.Stream = WorkloadStream(workload)
	return list(ctx, q, f, identity.SystemActor("audit"))
}

func list(ctx context.Context, q postgres.Querier, f Filter, who identity.Actor) ([]Entry, string, error) {
	after, err := parseCursor(f.After)
	if err != nil {
		return nil, "", err
	}
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 50
	}
	found, err := selectEntries(ctx, q, f, after, who)
	if err != nil {
		return nil, "", fmt.Errorf("list audit records: %w", err)
	}
	next := ""
	if len(found) > f.Limit {
		found = found[:f.Limit]
		next = cursorOf(found[f.Limit-1]).String()
	}
	return found, next, nil
}

// cursor is the place of a record in the order of the list.
type cursor struct {
	At     time.Time `json:"at"`
	Stream string    `json:"stream"`
	Seq    int64     `json:"seq"`
}

func cursorOf(e Entry) *cursor { return &cursor{e.At, e.Stream, e.Seq} }

func (c *cursor) String() string {
	b, _ := json.Marshal(c) // a time, a string and a number
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string) (*cursor, error) {
	if s == "" {
		return nil, nil
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err == nil && (c.At.Year() < 1 || c.At.Year() > 9999 || strings.ContainsRune(c.Stream, 0)) {
		err = errors.New("out of range")
	}
	if err == nil && c.String() != s {
		err = errors.New("something is left out")
	}
	if err != nil {
		return nil, fault.InvalidField("after", "This is not the end of a page. Start again from the first page.")
	}
	return &c, nil
}

// entriesWhere holds the parts of the condition; only those that a filter uses are written,
// so that the index fits.
func entriesWhere(f Filter, after *cursor, who identity.Actor) (string, pgx.StrictNamedArgs) {
	var parts []string
	args := pgx.StrictNamedArgs{}
	add := func(use bool, sql, name string, value any) {
		if use {
			parts, args[name] = append(parts, sql), value
		}
	}
	add(f.Stream != "", "r.stream = @stream", "stream", f.Stream)
	add(f.ActorID != uuid.Nil, "r.actor_id = @actor", "actor", f.ActorID)
	if prefix := strings.HasSuffix(f.Verb, "."); prefix {
		add(true, "starts_with(r.verb, @verb)", "verb", f.Verb)
	} else {
		add(f.Verb != "", "r.verb = @verb", "verb", f.Verb)
	}
	add(f.TargetKind != "", "r.target_kind = @kind", "kind", f.TargetKind)
	add(f.TargetID != "", "r.target_id = @target", "target", f.TargetID)
	add(!f.Since.IsZero(), "r.at >= @since", "since", f.Since)
	add(!f.Until.IsZero(), "r.at < @until", "until", f.Until)
	if after != nil && f.Stream != "" {
		add(true, "r.seq < @seq", "seq", after.Seq)
	} else if after != nil {
		add(true, "(r.at, r.stream, r.seq) < (@at, @after, @seq)", "at", after.At)
		args["after"], args["seq"] = after.Stream, after.Seq
	}
	if who.System == "" && !who.Is(identity.Auditor) {
		parts = append(parts, `not exists (
			select from workloads w where w.restricted and r.stream = 'workload/' || w.id
			and w.team_id <> all(@teams) and w.id <> all(@granted) and not @everywhere)`)
		args["teams"], args["granted"], args["everywhere"] = reach(who)
	}
	if len(parts) == 0 {
		return "", args
	}
	return " where " + strings.Join(parts, " and "), args
}

// reach is what of the restricted workloads the actor may read, as Actor.CanRead has it: a
// grant one gave oneself opens nothing.
func reach(who identity.Actor) (teams, workloads []uuid.UUID, everywhere bool) {
	teams, workloads = []uuid.UUID{}, []uuid.UUID{}
	for _, m := range who.Teams {
		teams = append(teams, m.TeamID)
	}
	for _, g := range who.Grants {
		if g.SelfGiven {
			continue
		}
		workloads = append(workloads, g.WorkloadID)
		everywhere = everywhere || g.WorkloadID == uuid.Nil
	}
	return teams, workloads, everywhere
}

// selectEntries returns one more than the limit when there is a next page.
func selectEntries(ctx context.Context, q postgres.Querier, f Filter, after *cursor, who identity.Actor) ([]Entry, error) {
	where, args := entriesWhere(f, after, who)
	order := "r.at desc, r.stream desc, r.seq desc"
	if f.Stream != "" {
		order = "r.seq desc" // a stream's order, whatever the clock did
	}
	args["limit"] = f.Limit + 1
	rows, err := q.Query(ctx, `select r.stream, r.seq, r.at, r.body, r.hash from audit_records r`+
		where+` order by `+order+` limit @limit`, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanEntry)
}

func scanEntry(row pgx.CollectableRow) (Entry, error) {
	var e Entry
	var encoded []byte
	if err := row.Scan(&e.Stream, &e.Seq, &e.At, &encoded, &e.Hash); err != nil {
		return e, err
	}
	var b body
	if err := json.Unmarshal(encoded, &b); err != nil {
		return e, fmt.Errorf("body of %s %d: %w", e.Stream, e.Seq, err)
	}
	return b.entry(e), nil
}

// entry fills an entry with what the body says.
func (b body) entry(e Entry) Entry {
	e.ActorName, e.RequestID, e.Details = b.ActorName, b.RequestID, b.Details
	e.Verb, e.TargetKind, e.TargetID = b.Verb, b.TargetKind, b.TargetID
	e.ActorID, _ = uuid.Parse(b.ActorID) // empty for a part of the system
	e.TokenID, _ = uuid.Parse(b.TokenID) // empty without a token
	return e
}
