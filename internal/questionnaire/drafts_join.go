package questionnaire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// PublishHook is called in the transaction in which a version of a set of the organisation
// is published, once it is stored. It is a function because the room that follows up what is
// published stands above this one.
type PublishHook func(ctx context.Context, tx pgx.Tx, who identity.Actor, version Published, set *Questionnaire) error

// OnPublish sets the hook. cmd/server calls it once, before anything is published.
func (l *Library) OnPublish(hook PublishHook) { l.published = hook }

// Beginning is what the next draft of a set of the organisation begins with: a copy of its
// newest version, or nothing, under the name, for a new one. Invalid on "key" and "name".
func (l *Library) Beginning(ctx context.Context, key, name string) (*Questionnaire, error) {
	in := DraftInput{Key: key, Name: name}
	origin, err := l.Origin(ctx, l.db, key)
	if err != nil {
		return nil, err
	}
	if origin == Organisation {
		in.From, in.Name = key, ""
	}
	return l.beginning(ctx, in)
}

// EditDraft applies the edit to the draft of the set within the caller's transaction; where
// there is no draft, one begins with what Beginning gave. It does not authorise: lessons
// call it when a curator accepts one.
func EditDraft(ctx context.Context, tx pgx.Tx, who identity.Actor, beginning *Questionnaire, edit Edit, now time.Time) (Draft, error) {
	d, err := DraftOf(ctx, tx, beginning.Key)
	if err != nil {
		return Draft{}, err
	}
	if d.ID == uuid.Nil {
		d = Draft{ID: uuid.Must(uuid.NewV7()), Key: beginning.Key, Set: beginning}
	}
	d.Set.index()
	if err := edit(d.Set); err != nil {
		return d, err
	}
	d.Set.index()
	d.Revision, d.UpdatedBy, d.UpdatedAt = d.Revision+1, who.Name, now
	document, err := json.Marshal(d.Set)
	if err != nil {
		return d, fmt.Errorf("encode draft: %w", err)
	}
	const sql = `insert into questionnaire_drafts (id, key, revision, document, created_by, created_at, updated_by, updated_at)
		values ($1, $2, $3, $4, $5, $6, $5, $6)
		on conflict (id) do update set revision = excluded.revision, document = excluded.document,
			updated_by = excluded.updated_by, updated_at = excluded.updated_at`
	if _, err := tx.Exec(ctx, sql, d.ID, d.Key, d.Revision, document, personOf(who), now); err != nil {
		return d, fmt.Errorf("write draft: %w", err)
	}
	return d, recordDraft(ctx, tx, who, d, "questionnaire.draft_saved")
}

// DraftOf reads the draft of a set, locked within a transaction; the zero Draft when there is
// none. It does not authorise: lessons call it for curators.
func DraftOf(ctx context.Context, q postgres.Querier, key string) (Draft, error) {
	lock := ""
	if _, ok := q.(pgx.Tx); ok {
		lock = " for update of d"
	}
	rows, err := q.Query(ctx, draftColumns+` where d.key = $1`+lock, key)
	if err != nil {
		return Draft{}, fmt.Errorf("read draft: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[draftRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return Draft{}, nil
	}
	if err != nil {
		return Draft{}, fmt.Errorf("read draft: %w", err)
	}
	return row.draft()
}
