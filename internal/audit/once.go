package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// KeysKept is how long the key of a request is known.
const KeysKept = 7 * 24 * time.Hour

// ErrRepeated says that a request with the same key did its act already. Read what it did
// with Done.
var ErrRepeated = fault.New(fault.Conflict, "A request with this key is being answered already. Send it again in a moment.")

// Did is what a request with a key acted on.
type Did struct {
	Request    []byte // SHA-256 of what it asked
	TargetKind string
	TargetID   string
}

// keepKey stores the key of the request with what it acts on, and forgets those of more than
// a week ago. It waits for another request with the same key that is at work.
func keepKey(ctx context.Context, tx pgx.Tx, who identity.Actor, act Act) error {
	if who.Once.Key == "" || who.TokenID == uuid.Nil {
		return nil
	}
	const sql = `
		with old as (
			delete from idempotency_keys where (token_id, key) in (
				select token_id, key from idempotency_keys where at < $8 order by at limit 20 for update skip locked))
		insert into idempotency_keys (token_id, key, request_sha256, attempt, target_kind, target_id, at)
		values ($1, $2, $3, $4, $5, $6, $7) on conflict (token_id, key) do nothing`
	tag, err := tx.Exec(ctx, sql, who.TokenID, who.Once.Key, who.Once.Request, who.Once.Attempt, act.TargetKind, act.TargetID, act.At, act.At.Add(-KeysKept))
	if err != nil {
		return fmt.Errorf("keep key of request: %w", err)
	}
	if tag.RowsAffected() > 0 {
		return nil
	}
	var attempt uuid.UUID
	err = tx.QueryRow(ctx, `select attempt from idempotency_keys where token_id = $1 and key = $2`, who.TokenID, who.Once.Key).Scan(&attempt)
	if err != nil {
		return fmt.Errorf("read key of request: %w", err)
	}
	if attempt != who.Once.Attempt {
		return ErrRepeated
	}
	return nil // a later record of the same act
}

// Done returns what a request with the actor's token and key did, and whether there was one.
func Done(ctx context.Context, q postgres.Querier, who identity.Actor) (Did, bool, error) {
	if who.Once.Key == "" || who.TokenID == uuid.Nil {
		return Did{}, false, nil
	}
	var d Did
	err := q.QueryRow(ctx, `select request_sha256, target_kind, target_id from idempotency_keys where token_id = $1 and key = $2`,
		who.TokenID, who.Once.Key).Scan(&d.Request, &d.TargetKind, &d.TargetID)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("read key of request: %w", err)
	}
	return d, true, nil
}
