package review

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
)

// justNow is how long the same record of the same person is one that was sent twice.
const justNow = time.Minute

// recordedTwice returns the equal decision that the person recorded just now; uuid.Nil when
// there is none. Of two acts at once the second waits for the first.
func recordedTwice(ctx context.Context, tx pgx.Tx, who identity.Actor, workloadID uuid.UUID, o outside, now time.Time) (uuid.UUID, error) {
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('elsewhere/' || $1::text, 0))`, who.PersonID.String()); err != nil {
		return uuid.Nil, fmt.Errorf("wait for records of the same person: %w", err)
	}
	const sql = `
		select id from outside_decisions
		where workload_id = $1 and recorded_by = $2 and recorded_at between $3 and $4 and outcome = $5 and decided_on = $6 and decided_by = $7
			and valid_until = $8 and link = $9 and note = $10 and file_name = $11 and file_sha256 is not distinct from $12
		order by recorded_at desc limit 1`
	var id uuid.UUID
	err := tx.QueryRow(ctx, sql, workloadID, who.PersonID, now.Add(-justNow), now, o.Outcome, o.DecidedOn, o.DecidedBy, o.ValidUntil, o.Link, o.Note, o.FileName, o.sum).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("look for the same record: %w", err)
	}
	return id, nil
}
