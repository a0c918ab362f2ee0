package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	"maps"
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
	unread map[string]bool // controls that nobody could look at: what stands of them stays
	count  int             // of what was seen, once the maps are given up
}

// origins hashes where records come from, to tell two of them apart.
var origins = maphash.MakeSeed()

// release gives up what is only needed while the cell is read: there may be a hundred
// thousand facts, and the verdicts need room too.
func (w *writer) release() { w.count, w.known, w.seen = len(w.seen), nil, nil }

// stored is what is known of a fact before a cell is read.
type stored struct {
	id       int64
	hash     [sha256.Size]byte
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
	origin   uint64
	state    FactState
	observed time.Time
	changed  bool // a line of history was written
}

// yields reports whether o takes the place of what the cell said before: of versions of
// one record the newer counts, of several records on one resource (a finding for each
// standard) the worse.
func (s sighting) yields(o Observation) bool {
	if s.origin == maphash.String(origins, o.Origin) {
		return o.ObservedAt.After(s.observed)
	}
	return rank(o.State) > rank(s.state)
}

// newWriter reads what is known of the keys that will be asked for.
func newWriter(ctx context.Context, db *pgxpool.Pool, runID uuid.UUID, cell Cell, source string, keys []string, now time.Time) (*writer, error) {
	const sql = `
		select id, control, resource, hash, state, observed_at, gone_at is not null
		from facts where source = $1 and account = $2 and region = $3 and control = any($4)`
	w := &writer{db: db, runID: runID, cell: cell, source: source, now: now, known: map[factKey]stored{}, seen: map[factKey]sighting{}, unread: map[string]bool{}}
	rows, err := db.Query(ctx, sql, source, cell.Account, cell.Region, notNil(keys))
	if err != nil {
		return nil, fmt.Errorf("read known facts: %w", err)
	}
	var control, resource string
	var k stored
	var hash []byte
	var state FactState
	_, err = pgx.ForEachRow(rows, []any{&k.id, &control, &resource, &hash, &state, &k.observed, &k.gone}, func() error {
		clear(k.hash[:])
		copy(k.hash[:], hash)
		k.state = known(state)
		w.known[keyOf(control, resource)] = k
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read known facts: %w", err)
	}
	return w, nil
}

// write stores a batch in one go to the database and one transaction. Writing the same batch
// again changes nothing.
func (w *writer) write(ctx context.Context, batch []Observation) error {
	var same renewal
	var rows rows
	at := map[factKey]int{} // where a fact stands in rows: the last of a batch counts
	for _, o := range batch {
		o = o.cleaned(w.now)
		if unread(o.State, o.Reason) {
			w.unread[o.Control] = true
		}
		k := keyOf(o.Control, o.Resource)
		switch again, store := w.news(k, o); {
		case again != 0:
			same.add(again, o, w.source)
		case store:
			i, known := at[k]
			if !known {
				i = rows.grow()
				at[k] = i
			}
			rows.set(i, o, w.turned(k, o))
		}
	}
	var b pgx.Batch // without a word on transactions it is one
	same.queue(&b)
	rows.queue(&b, w)
	if b.Len() == 0 {
		return nil
	}
	if err := w.db.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("write facts: %w", err)
	}
	return nil
}

// news notes what the cell says and reports whether it has to be stored; renewed is the id
// of the stored fact when it only says the same at a later time.
func (w *writer) news(k factKey, o Observation) (renewed int64, store bool) {
	before, again := w.seen[k]
	if again && !before.yields(o) {
		return 0, false
	}
	w.seen[k] = sighting{maphash.String(origins, o.Origin), o.State, o.ObservedAt, before.changed}
	known, ok := w.known[k]
	switch {
	case again, !ok, known.gone:
		return 0, true
	case known.covers(o):
		return 0, false
	case bytes.Equal(known.hash[:], o.hash()):
		return known.id, false
	}
	return 0, true
}

// renewal are facts that say the same as before at a later time. That time is written, and
// the document where it differs: the row stays on its page, so the table does not grow. A
// finding's document is left alone, for AWS writes new times into it whenever it looks.
type renewal struct {
	ids    []int64
	at     []time.Time
	detail []*string // nil: stays
}

func (r *renewal) add(id int64, o Observation, source string) {
	var detail *string
	if source != ControlSource {
		text := string(cleanDocument(o.Detail))
		detail = &text
	}
	r.ids, r.at, r.detail = append(r.ids, id), append(r.at, o.ObservedAt), append(r.detail, detail)
}

func (r *renewal) queue(b *pgx.Batch) {
	const sql = `
		update facts f set observed_at = n.at, detail = coalesce(nullif(n.detail::jsonb, f.detail), f.detail)
		from unnest($1::bigint[], $2::timestamptz[], $3::text[]) as n(id, at, detail)
		where f.id = n.id and f.gone_at is null`
	if len(r.ids) > 0 {
		b.Queue(sql, r.ids, r.at, r.detail)
	}
}

// covers reports whether o adds nothing to the stored fact: it says the same at no later
// time, or it is an older version of a record that was read before (findings are
// eventually consistent). What only explains why nothing was found never stands in the way
// of a record.
func (k stored) covers(o Observation) bool {
	if bytes.Equal(k.hash[:], o.hash()) {
		return !o.ObservedAt.After(k.observed)
	}
	if o.Reason == NotSeen && k.state == Pass {
		return true // what was seen stays seen
	}
	evaluated := k.state == Pass || k.state == Fail || k.state == Suppressed
	return evaluated && o.ObservedAt.Before(k.observed)
}

// turned is what the fact said before this cell was read, where it says something else now:
// a line of history. Empty is that it was not there.
func (w *writer) turned(k factKey, o Observation) *string {
	known, before := w.known[k], ""
	if !known.gone {
		before = string(known.state)
	}
	s := w.seen[k]
	if before == string(o.State) && !s.changed {
		return nil
	}
	s.changed = true
	w.seen[k] = s
	return &before
}

// closeAbsent marks as gone what was known and not seen, but for controls that nobody could
// look at. Only after the source was read whole.
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
	unread := slices.Collect(maps.Keys(w.unread))
	const history = `
		insert into fact_changes (fact_id, at, run_id, before, after) select id, $2, $3, state, '' from facts where id = any($1) and control <> all($4)
		on conflict (fact_id, at) do update set after = ''`
	if _, err := tx.Exec(ctx, history, absent, now, w.runID, notNil(unread)); err != nil {
		return fmt.Errorf("close absent facts: %w", err)
	}
	_, err := tx.Exec(ctx, `update facts set gone_at = $2, run_id = $3 where id = any($1) and control <> all($4)`, absent, now, w.runID, notNil(unread))
	if err != nil {
		return fmt.Errorf("close absent facts: %w", err)
	}
	return nil
}
