package audit_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/audit"
	"orrery/internal/postgres/pgtest"
)

// copyChains writes streams of n records each, much faster than the service would, as the
// format is documented: anybody can check a chain with SHA-256 and JSON alone.
func copyChains(t testing.TB, db *pgxpool.Pool, streams, n int) {
	t.Helper()
	type body struct {
		Schema     int            `json:"schema"`
		Stream     string         `json:"stream"`
		Seq        int64          `json:"seq"`
		At         string         `json:"at"`
		ActorID    string         `json:"actor_id"`
		ActorName  string         `json:"actor_name"`
		RequestID  string         `json:"request_id"`
		Verb       string         `json:"verb"`
		TargetKind string         `json:"target_kind"`
		TargetID   string         `json:"target_id"`
		Details    []audit.Detail `json:"details"`
	}
	details := act("", "", noon).Details
	for s := range streams {
		stream := fmt.Sprintf("workload/%04d", s)
		prev, seq := []byte{}, int64(0)
		columns := strings.Split("stream,seq,at,actor_id,verb,target_kind,target_id,body,prev_hash,hash", ",")
		_, err := db.CopyFrom(t.Context(), pgx.Identifier{"audit_records"}, columns, pgx.CopyFromFunc(func() ([]any, error) {
			if seq == int64(n) {
				return nil, nil
			}
			seq++
			at := noon.Add(time.Duration(seq) * time.Millisecond).Truncate(time.Microsecond)
			b, err := json.Marshal(body{1, stream, seq, at.Format("2006-01-02T15:04:05.000000Z"), ada.PersonID.String(), ada.Name, "req-1", "answer.saved", "answer", "OPS07", details})
			hash := audit.Digest(prev, b)
			row := []any{stream, seq, at, ada.PersonID, "answer.saved", "answer", "OPS07", b, prev, hash}
			prev = hash
			return row, err
		}))
		if err == nil {
			_, err = db.Exec(t.Context(), `insert into audit_heads values ($1, $2, $3)`, stream, seq, prev)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkVerify reports records a second; the figure to hold is 100,000.
func BenchmarkVerify(b *testing.B) {
	db := pgtest.New(b)
	const streams, n = 20, 10_000
	copyChains(b, db, streams, n)
	if _, err := db.Exec(b.Context(), `vacuum analyze audit_records, audit_heads`); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		report, broken, err := audit.Verify(b.Context(), db)
		if err != nil || broken != nil || report.Records != streams*n {
			b.Fatal(report, broken, err)
		}
	}
	b.ReportMetric(float64(streams*n*b.N)/b.Elapsed().Seconds(), "records/s")
}
