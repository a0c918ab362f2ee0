package evidence

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// writer stores what a collector emits for one source of a cell. It compares with what is
// stored and writes only changes. The advisory lock on the cell keeps other writers out.
type writer struct {
	db     *pgxpool.Pool
	runID  uuid.UUID
	cell   Cell
	source string
	now    time.Time
	known  map[factKey]stored
	seen   map[factKey]sighting
}

// stored is what is known of a fact before a cell is read.
type stored struct {
	id       int64
	hash     []byte
	state    FactState
	observed time.Time
	gone     bool
}

// factKey is the hash of what a fact is about within a source and a cell.
type factKey [16]byte

func keyOf(control, resource string) factKey {
	sum := sha256.Sum256([]byte(control + "\x00" + resource))
	return factKey(sum[:16])
}

// sighting is what the cell has said on one fact so far.
type sighting struct {
	origin   string
	state    FactState
	observed time.Time
}

// yields reports whether o takes the place of what the cell said before: of versions of
// one record the newer counts, of several records on one resource (a finding for each
// standard) the worse.
func (s sighting) yields(o Observation) bool {
	if s.origin == o.Origin {
		return o.ObservedAt.After(s.observed)
	}
	return rank(o.State) > rank(s.state)
}

// newWriter reads what is known of the keys that will be asked for.
func newWriter(ctx context.Context, db *pgxpool.Pool, runID uuid.UUID, cell Cell, source string, keys []string, now time.Time) (*writer, error) {
	const sql = `
		select id, control, resource, hash, state, observed_at, gone_at is not null
		from facts where source = $1 and account = $2 and region = $3 and control = any($4)`
	w := &writer{db: db, runID: runID, cell: cell, source: source, now: now, known: map[factKey]stored{}, seen: map[factKey]sighting{}}
	rows, err := db.Query(ctx, sql, source, cell.Account, cell.Region, notNil(keys))
	if err != nil {
		return nil, fmt.Errorf("read known facts: %w", err)
	}
	var control, resource string
	var k stored
	_, err = pgx.ForEachRow(rows, []any{&k.id, &control, &resource, &k.hash, &k.state, &k.observed, &k.gone}, func() error {
		w.known[keyOf(control, resource)] = k
		k.hash = nil // scanned in place: the next row needs its own
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read known facts: %w", err)
	}
	return w, nil
}

// write stores a batch in one transaction. Writing the same batch again changes nothing.
func (w *writer) write(ctx context.Context, batch []Observation) error {
	var b pgx.Batch
	for _, o := range batch {
		if o = o.cleaned(w.now); w.news(o) {
			w.queue(&b, o)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	err := pgx.BeginFunc(ctx, w.db, func(tx pgx.Tx) error { return tx.SendBatch(ctx, &b).Close() })
	if err != nil {
		return fmt.Errorf("write facts: %w", err)
	}
	return nil
}

// news notes what the cell says and reports whether it has to be stored.
func (w *writer) news(o Observation) bool {
	k := keyOf(o.Control, o.Resource)
	before, again := w.seen[k]
	if again && !before.yields(o) {
		return false
	}
	w.seen[k] = sighting{o.Origin, o.State, o.ObservedAt}
	known, ok := w.known[k]
	return again || !ok || known.gone || !known.covers(o)
}

// covers reports whether o adds nothing to the stored fact: it says the same at no later
// time, or it is an older version of a record that was read before (findings are
// eventually consistent). What only explains why nothing was found never stands in the way
// of a record.
func (k stored) covers(o Observation) bool {
	if slices.Equal(k.hash, o.hash()) {
		return !o.ObservedAt.After(k.observed)
	}
	if o.Reason == NotSeen && k.state == Pass {
		return true // what was seen stays seen
	}
	evaluated := k.state == Pass || k.state == Fail || k.state == Suppressed
	return evaluated && o.ObservedAt.Before(k.observed)
}

// queue adds the upsert of one fact. What it says and which run changed it are renewed
// only when it says something else.
func (w *writer) queue(b *pgx.Batch, o Observation) {
	const sql = `
		insert into facts as f (source, control, account, region, resource, state, reason, title, detail, tags,
			application_arn, hash, observed_at, changed_at, run_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		on conflict (source, control, account, region, resource) do update set state = excluded.state, reason = excluded.reason,
			title = excluded.title, detail = excluded.detail, tags = excluded.tags, application_arn = excluded.application_arn,
			hash = excluded.hash, observed_at = excluded.observed_at, gone_at = null,
			changed_at = case when f.hash = excluded.hash and f.gone_at is null then f.changed_at else excluded.changed_at end,
			run_id = case when f.hash = excluded.hash and f.gone_at is null then f.run_id else excluded.run_id end`
	b.Queue(sql, w.source, o.Control, w.cell.Account, w.cell.Region, o.Resource, o.State, o.Reason, o.Title, o.Detail, o.Tags,
		o.ApplicationARN, o.hash(), o.ObservedAt, w.now, w.runID)
}

// closeAbsent marks as gone what was known and not seen. Only after the source was read
// whole.
func (w *writer) closeAbsent(ctx context.Context, tx pgx.Tx, now time.Time) error {
	var absent []int64
	for k, known := range w.known {
		if _, ok := w.seen[k]; !ok && !known.gone {
			absent = append(absent, known.id)
		}
	}
	if len(absent) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `update facts set gone_at = $2, run_id = $3 where id = any($1)`, absent, now, w.runID)
	if err != nil {
		return fmt.Errorf("close absent facts: %w", err)
	}
	return nil
}
