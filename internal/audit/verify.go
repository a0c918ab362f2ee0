package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/postgres"
)

// Report says how much was verified.
type Report struct {
	Streams int
	Records int
}

// Broken names the first record at which the audit record is not what was written: a record
// that was changed, or the number of one that is missing or should not be there.
type Broken struct {
	Stream string
	Seq    int64
	Why    string // a whole sentence
}

// verifyPage is how many records one statement reads: little enough to end long before a
// statement times out.
const verifyPage = 20_000

// Verify walks every stream in the order of seq. It computes each hash again from the stored
// bytes and compares the hash, the hash before it, the numbering, the columns with what the
// body says, and the stream's head with its last record. It returns the first broken record,
// in the order of streams, or nil; Report counts what was read until then.
//
// It reads in pages, in constant memory, beside writers: each page is one statement, so what
// is written meanwhile is seen whole or not at all. It does not authorise: the command line
// and the operator's checks call it. A chain that was rewritten from some record to its head
// by somebody who knows how is whole again; only a copy of a head kept outside shows that.
func Verify(ctx context.Context, q postgres.Querier) (Report, *Broken, error) {
	return verify(ctx, q, verifyPage)
}

func verify(ctx context.Context, q postgres.Querier, page int) (Report, *Broken, error) {
	var w walk
	for {
		more, err := w.page(ctx, q, page)
		if err != nil {
			return w.report, nil, fmt.Errorf("verify the audit record: %w", err)
		}
		if w.broken != nil || !more {
			break
		}
	}
	if w.broken == nil {
		w.endStream()
	}
	if w.broken != nil {
		return w.report, w.broken, nil
	}
	lost, err := lostStream(ctx, q)
	if err != nil {
		return w.report, nil, fmt.Errorf("verify the audit record: %w", err)
	}
	return w.report, lost, nil
}

// record is a stored row and, beside it, its stream's head at the same moment.
type record struct {
	stream, verb, targetKind, targetID string
	seq                                int64
	at                                 time.Time
	actor                              *uuid.UUID
	body, prevHash, hash               []byte
	headSeq                            *int64
	headHash                           []byte
}

// walk is where the verification stands: the last record that was found good.
type walk struct {
	report  Report
	broken  *Broken
	last    record
	started bool
}

// page verifies the next records and reports whether there may be more.
func (w *walk) page(ctx context.Context, q postgres.Querier, size int) (more bool, err error) {
	rows, err := recordsAfter(ctx, q, w.last.stream, w.last.seq, size)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return false, err
		}
		n++
		if w.next(r); w.broken != nil {
			return false, nil
		}
	}
	return n == size, rows.Err()
}

// next verifies one record.
func (w *walk) next(r record) {
	if !w.started || r.stream != w.last.stream {
		if w.endStream(); w.broken != nil {
			return
		}
		w.last = record{stream: r.stream}
		w.started = true
		w.report.Streams++
	}
	w.report.Records++
	if why := flaw(w.last, r); why != "" {
		seq := r.seq
		if r.seq > w.last.seq+1 {
			seq = w.last.seq + 1
		}
		w.broken = &Broken{Stream: r.stream, Seq: seq, Why: why}
		return
	}
	w.last = r
}

// flaw says what is wrong with r as the record after last, or nothing.
func flaw(last, r record) string {
	switch {
	case r.seq > last.seq+1:
		return "The record is missing: the next one has a higher number."
	case !bytes.Equal(r.prevHash, last.hash):
		return "The record does not follow the one before it: the previous hash differs."
	case !bytes.Equal(r.hash, digest(r.prevHash, r.body)):
		return "The record was changed: its hash does not fit its content."
	case r.headSeq == nil:
		return "The stream has records but no head."
	case r.seq > *r.headSeq:
		return "The record was added behind the head of the stream."
	}
	return contradiction(r)
}

// contradiction says which column tells another story than the body.
func contradiction(r record) string {
	var b struct { // what the columns repeat of body; the rest only the hash guards
		Stream     string `json:"stream"`
		Seq        int64  `json:"seq"`
		At         string `json:"at"`
		ActorID    string `json:"actor_id"`
		Verb       string `json:"verb"`
		TargetKind string `json:"target_kind"`
		TargetID   string `json:"target_id"`
	}
	if err := json.Unmarshal(r.body, &b); err != nil {
		return "The record's content cannot be read."
	}
	actor := ""
	if r.actor != nil {
		actor = r.actor.String()
	}
	for _, c := range []struct{ name, column, body string }{
		{"stream", r.stream, b.Stream},
		{"at", r.at.UTC().Format(timeLayout), b.At},
		{"actor_id", actor, b.ActorID},
		{"verb", r.verb, b.Verb},
		{"target_kind", r.targetKind, b.TargetKind},
		{"target_id", r.targetID, b.TargetID},
	} {
		if c.column != c.body {
			return "The column " + c.name + " was changed: it differs from the record's content."
		}
	}
	if r.seq != b.Seq {
		return "The column seq was changed: it differs from the record's content."
	}
	return ""
}

// endStream compares the last record of a stream with the head that was read beside it.
func (w *walk) endStream() {
	if !w.started {
		return
	}
	switch l := w.last; {
	case *l.headSeq > l.seq:
		w.broken = &Broken{Stream: l.stream, Seq: l.seq + 1, Why: "The record is missing: the head of the stream has a higher number."}
	case !bytes.Equal(l.headHash, l.hash):
		w.broken = &Broken{Stream: l.stream, Seq: l.seq, Why: "The head of the stream has another hash than its last record."}
	}
}

// recordsAfter reads the records that follow one, in the order of the primary key.
func recordsAfter(ctx context.Context, q postgres.Querier, stream string, seq int64, limit int) (pgx.Rows, error) {
	const sql = `
		select r.stream, r.seq, r.at, r.actor_id, r.verb, r.target_kind, r.target_id, r.body, r.prev_hash, r.hash, h.seq, h.hash
		from audit_records r left join audit_heads h on h.stream = r.stream
		where (r.stream, r.seq) > ($1, $2)
		order by r.stream, r.seq limit $3`
	return q.Query(ctx, sql, stream, seq, limit)
}

func scanRecord(row pgx.Row) (r record, err error) {
	err = row.Scan(&r.stream, &r.seq, &r.at, &r.actor, &r.verb, &r.targetKind, &r.targetID,
		&r.body, &r.prevHash, &r.hash, &r.headSeq, &r.headHash)
	return r, err
}

// lostStream finds a head without any record: all of its stream was deleted.
func lostStream(ctx context.Context, q postgres.Querier) (*Broken, error) {
	const sql = `
		select stream, 1::bigint as seq, 'All records are missing: only the head of the stream is left.' as why
		from audit_heads h where not exists (select from audit_records r where r.stream = h.stream)
		order by stream limit 1`
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[Broken])
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}
