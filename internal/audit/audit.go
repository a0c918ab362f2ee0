// Package audit keeps the append-only record of what was done. One act is one row, written
// in the transaction of the act: no record, no act. Rows form a hash chain per stream (a
// workload, or the organisation), so a changed, missing or inserted row is found.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
)

// OrgStream is the stream of acts that belong to no workload.
const OrgStream = "org"

// WorkloadStream is the stream of a workload.
func WorkloadStream(id uuid.UUID) string { return "workload/" + id.String() }

// Detail is one fact of an act: references, counts and hashes. Never the text of an
// answer or a secret.
type Detail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Act is what was done, to what.
type Act struct {
	Stream     string
	Verb       string // past tense, dotted: "answer.saved"
	TargetKind string // "answer"
	TargetID   string
	Details    []Detail
	At         time.Time // the time of the act, read once by the service
}

// body is the hashed content of a row. Its encoding is stored as it was hashed and never
// marshalled again. Field order is fixed by this struct; there are no maps and no floats.
type body struct {
	Schema     int      `json:"schema"`
	Stream     string   `json:"stream"`
	Seq        int64    `json:"seq"`
	At         string   `json:"at"` // RFC 3339, UTC, microseconds
	ActorID    string   `json:"actor_id"`
	ActorName  string   `json:"actor_name"`
	TokenID    string   `json:"token_id,omitempty"`
	RequestID  string   `json:"request_id,omitempty"`
	Verb       string   `json:"verb"`
	TargetKind string   `json:"target_kind"`
	TargetID   string   `json:"target_id"`
	Details    []Detail `json:"details"`
}

const (
	domainTag  = "orrery.audit.v1\n"
	timeLayout = "2006-01-02T15:04:05.000000Z"
)

// digest is SHA-256 over the domain tag, the previous hash and the stored body.
func digest(prev, body []byte) []byte {
	h := sha256.New()
	h.Write([]byte(domainTag))
	h.Write(prev)
	h.Write(body)
	return h.Sum(nil)
}

// Record appends the act to its stream within tx. It locks the stream's head, so call it
// last: what follows the lock is only the commit. It is called by every service that
// changes anything, after authorisation. The first record of a request with a key keeps it;
// ErrRepeated when another request did so before: this one did nothing then.
func Record(ctx context.Context, tx pgx.Tx, who identity.Actor, act Act) error {
	act.At = act.At.UTC().Truncate(time.Microsecond) // what Postgres keeps
	if err := keepKey(ctx, tx, who, act); err != nil {
		return err
	}
	head, err := lockHead(ctx, tx, act.Stream)
	if err != nil {
		return fmt.Errorf("lock audit stream %s: %w", act.Stream, err)
	}
	b := body{
		Schema: 1, Stream: act.Stream, Seq: head.Seq + 1,
		At: act.At.Format(timeLayout), ActorName: who.Name, RequestID: who.RequestID,
		Verb: act.Verb, TargetKind: act.TargetKind, TargetID: act.TargetID, Details: act.Details,
	}
	if b.Details == nil {
		b.Details = []Detail{}
	}
	var actorID *uuid.UUID
	if who.PersonID != uuid.Nil {
		actorID, b.ActorID = &who.PersonID, who.PersonID.String()
	} else {
		b.ActorName = "system: " + who.System
	}
	if who.TokenID != uuid.Nil {
		b.TokenID = who.TokenID.String()
	}
	encoded, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encode audit record: %w", err)
	}
	return appendRecord(ctx, tx, head, b, actorID, encoded, act.At)
}
