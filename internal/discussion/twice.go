package discussion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
)

// justNow is how long the same words of the same person in the same place are one comment
// that was sent twice.
const justNow = 10 * time.Second

// sentTwice returns the comment of the same words that the person wrote just now in the
// thread, or to start one of the kind beside the target; uuid.Nil when there is none. Of two
// acts at once the second waits for the first. What is no comment is left to say.
func sentTwice(ctx context.Context, tx pgx.Tx, who identity.Actor, t Target, h Thread, in Input, now time.Time) (uuid.UUID, error) {
	body, err := checkBody(in.Body)
	if err != nil {
		return uuid.Nil, nil //nolint:nilerr // say refuses it
	}
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('comment/' || $1::text, 0))`, who.PersonID.String()); err != nil {
		return uuid.Nil, fmt.Errorf("wait for comments of the same person: %w", err)
	}
	const sql = `
		select c.id from comments c join threads h on h.id = c.thread_id
		where c.author_id = @me and c.body = @body and c.answers = @answers and c.removed_at is null and c.written_at between @since and @now
			and h.target_kind = @kind and h.target_id = @target
			and (h.id = @thread or @thread = @nobody and h.kind = @thread_kind and h.started_by = @me and h.started_at = c.written_at)
		order by c.written_at desc limit 1`
	var id uuid.UUID
	err = tx.QueryRow(ctx, sql, pgx.StrictNamedArgs{
		"me": who.PersonID, "body": body, "answers": in.Answers, "since": now.Add(-justNow), "now": now, "kind": t.Kind, "target": t.ID,
		"thread": h.ID, "nobody": uuid.Nil, "thread_kind": h.Kind,
	}).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("look for the same comment: %w", err)
	}
	return id, nil
}
