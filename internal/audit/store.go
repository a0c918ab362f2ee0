package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// head is the newest record of a stream.
type head struct {
	Seq  int64
	Hash []byte
}

// lockHead takes the row lock of the stream's head, making the head on first use.
func lockHead(ctx context.Context, tx pgx.Tx, stream string) (head, error) {
	const sql = `
		insert into audit_heads (stream, seq, hash) values ($1, 0, '')
		on conflict (stream) do update set stream = excluded.stream
		returning seq, hash`
	var h head
	err := tx.QueryRow(ctx, sql, stream).Scan(&h.Seq, &h.Hash)
	return h, err
}

// appendRecord writes the row, and its event when others hear of the verb, and moves the head
// in one statement.
func appendRecord(ctx context.Context, tx pgx.Tx, prev head, b body, actor *uuid.UUID, encoded []byte, at time.Time) error {
	const sql = `
		with record as (
			insert into audit_records (stream, seq, at, actor_id, verb, target_kind, target_id, body, prev_hash, hash)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		), event as (
			insert into audit_events (id, stream, seq, due_at) select $11, $1, $2, $3 where $12
		)
		update audit_heads set seq = $2, hash = $10 where stream = $1`
	_, err := tx.Exec(ctx, sql, b.Stream, b.Seq, at, actor, b.Verb, b.TargetKind, b.TargetID,
		encoded, prev.Hash, digest(prev.Hash, encoded), uuid.Must(uuid.NewV7()), IsEvent(b.Verb))
	if err != nil {
		return fmt.Errorf("append audit record: %w", err)
	}
	return nil
}
