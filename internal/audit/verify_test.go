package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/postgres/pgtest"
)

var (
	noon = time.Date(2026, 3, 2, 12, 0, 0, 123456789, time.UTC)
	ada  = identity.Actor{PersonID: uuid.MustParse("019577aa-0000-7000-8000-000000000001"), Name: "Ada \u2028<Example>", RequestID: "req-1"}
)

func act(stream, verb string, at time.Time) audit.Act {
	return audit.Act{
		Stream: stream, Verb: verb, TargetKind: "answer", TargetID: "OPS07", At: at,
		Details: []audit.Detail{{Name: "sha256", Value: strings.Repeat("ab", 32)}, {Name: "note", Value: "\"\\\u00e9"}},
	}
}

// put records n acts in the stream, a second apart.
func put(t testing.TB, db *pgxpool.Pool, who identity.Actor, stream string, n int) {
	t.Helper()
	for i := range n {
		err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
			return audit.Record(t.Context(), tx, who, act(stream, fmt.Sprintf("answer.saved%d", i), noon.Add(time.Duration(i)*time.Second)))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func exec(t testing.TB, tx pgx.Tx, sql string, args ...any) {
	t.Helper()
	if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

var errUndo = errors.New("undo")

// tampered runs do in a transaction in which the triggers sleep, as somebody with the
// database in their hands may have it, and undoes it.
func tampered(t testing.TB, db *pgxpool.Pool, do func(tx pgx.Tx)) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
		exec(t, tx, `set local session_replication_role = replica`)
		do(tx)
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
}

func TestVerifyFindsTheFirstBrokenRecord(t *testing.T) {
	db := pgtest.New(t)
	for _, stream := range []string{"a", "org", "workload/z"} {
		put(t, db, ada, stream, 12)
	}
	put(t, db, identity.SystemActor("scheduler"), "org", 3)
	report, broken, err := audit.Verify(t.Context(), db)
	if err != nil || broken != nil || report != (audit.Report{Streams: 3, Records: 39}) {
		t.Fatalf("untouched: %+v %+v %v", report, broken, err)
	}
	const flip = `set_byte(%[1]s, length(%[1]s) - 1, get_byte(%[1]s, length(%[1]s) - 1) # 1)`
	for name, c := range map[string]struct {
		sql    string
		stream string
		seq    int64
		why    string
	}{
		"one byte of a body":             {`update audit_records set body = ` + fmt.Sprintf(flip, "body") + ` where stream = 'org' and seq = 7`, "org", 7, "was changed"},
		"the first body":                 {`update audit_records set body = ` + fmt.Sprintf(flip, "body") + ` where stream = 'a' and seq = 1`, "a", 1, "was changed"},
		"the last body":                  {`update audit_records set body = ` + fmt.Sprintf(flip, "body") + ` where stream = 'org' and seq = 15`, "org", 15, "was changed"},
		"one byte of a hash":             {`update audit_records set hash = ` + fmt.Sprintf(flip, "hash") + ` where stream = 'org' and seq = 7`, "org", 7, "was changed"},
		"one byte of a previous hash":    {`update audit_records set prev_hash = ` + fmt.Sprintf(flip, "prev_hash") + ` where stream = 'org' and seq = 7`, "org", 7, "does not follow"},
		"the same change in two streams": {`update audit_records set body = ` + fmt.Sprintf(flip, "body") + ` where seq = 5 and stream <> 'a'`, "org", 5, "was changed"},
		"a row of the middle deleted":    {`delete from audit_records where stream = 'org' and seq = 6`, "org", 6, "is missing"},
		"three rows deleted":             {`delete from audit_records where stream = 'org' and seq between 6 and 8`, "org", 6, "is missing"},
		"the first row deleted":          {`delete from audit_records where stream = 'org' and seq = 1`, "org", 1, "is missing"},
		"the tail deleted, head kept":    {`delete from audit_records where stream = 'org' and seq > 13`, "org", 14, "is missing"},
		"the tail of the last stream":    {`delete from audit_records where stream = 'workload/z' and seq = 12`, "workload/z", 12, "is missing"},
		"a whole stream deleted":         {`delete from audit_records where stream = 'a'`, "a", 1, "only the head"},
		"a head deleted":                 {`delete from audit_heads where stream = 'org'`, "org", 1, "no head"},
		"a head's hash":                  {`update audit_heads set hash = ` + fmt.Sprintf(flip, "hash") + ` where stream = 'org'`, "org", 15, "another hash"},
		"a head set back":                {`update audit_heads h set seq = 14, hash = (select hash from audit_records where stream = 'org' and seq = 14) where stream = 'org'`, "org", 15, "behind the head"},
		"a head set forward":             {`update audit_heads set seq = 17 where stream = 'org'`, "org", 16, "is missing"},
		"a gap closed by renumbering":    {`delete from audit_records where stream = 'org' and seq = 6; update audit_records set seq = seq - 1 where stream = 'org' and seq > 6`, "org", 6, "does not follow"},
		"two contents swapped":           {`update audit_records r set body = o.body from audit_records o where r.stream = 'org' and o.stream = 'org' and (r.seq, o.seq) in ((4, 9), (9, 4))`, "org", 4, "was changed"},
		"two rows swapped": {`update audit_records set seq = seq + 1000 where stream = 'org' and seq in (4, 9);
			update audit_records set seq = case seq when 1004 then 9 else 4 end where stream = 'org' and seq > 1000`, "org", 4, "does not follow"},
		"rows swapped between streams": {`update audit_records r set body = o.body, hash = o.hash, prev_hash = o.prev_hash
			from audit_records o where r.stream = 'org' and o.stream = 'workload/z' and r.seq = 5 and o.seq = 5`, "org", 5, "does not follow"},
		"a stream renamed":    {`update audit_records set stream = 'b' where stream = 'a'; update audit_heads set stream = 'b' where stream = 'a'`, "b", 1, "column stream"},
		"the column at":       {`update audit_records set at = at + interval '1 microsecond' where stream = 'org' and seq = 3`, "org", 3, "column at"},
		"the column actor_id": {`update audit_records set actor_id = gen_random_uuid() where stream = 'org' and seq = 3`, "org", 3, "column actor_id"},
		"no actor":            {`update audit_records set actor_id = null where stream = 'org' and seq = 3`, "org", 3, "column actor_id"},
		"an actor put in":     {`update audit_records set actor_id = gen_random_uuid() where stream = 'org' and seq = 14`, "org", 14, "column actor_id"},
		"the column verb":     {`update audit_records set verb = 'answer.read' where stream = 'org' and seq = 3`, "org", 3, "column verb"},
		"the target's kind":   {`update audit_records set target_kind = 'item' where stream = 'org' and seq = 3`, "org", 3, "column target_kind"},
		"the target's id":     {`update audit_records set target_id = 'OPS08' where stream = 'org' and seq = 3`, "org", 3, "column target_id"},
		"a forged row at the end": {`insert into audit_records select stream, 16, at, actor_id, verb, target_kind, target_id, body, hash,
			sha256('orrery.audit.v1'::bytea || '\x0a' || hash || body) from audit_records where stream = 'org' and seq = 15`, "org", 16, "behind the head"},
		"a forged row with its head": {`insert into audit_records select stream, 16, at, actor_id, verb, target_kind, target_id, body, hash,
			sha256('orrery.audit.v1'::bytea || '\x0a' || hash || body) from audit_records where stream = 'org' and seq = 15;
			update audit_heads h set seq = 16, hash = (select hash from audit_records where stream = 'org' and seq = 16) where stream = 'org'`, "org", 16, "column seq"},
		"a forged row that is no JSON": {`insert into audit_records select stream, 16, at, actor_id, verb, target_kind, target_id, 'x', hash,
			sha256('orrery.audit.v1'::bytea || '\x0a' || hash || 'x'::bytea) from audit_records where stream = 'org' and seq = 15;
			update audit_heads h set seq = 16, hash = (select hash from audit_records where stream = 'org' and seq = 16) where stream = 'org'`, "org", 16, "cannot be read"},
		"a forged stream": {`insert into audit_records select 'c', 1, at, actor_id, verb, target_kind, target_id, body, '', sha256('x') from audit_records where stream = 'org' and seq = 1`, "c", 1, "was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			tampered(t, db, func(tx pgx.Tx) {
				for sql := range strings.SplitSeq(c.sql, ";") {
					exec(t, tx, sql)
				}
				for _, page := range []int{1, 5, 12, 13, 10_000} {
					_, broken, err := audit.VerifyPages(t.Context(), tx, page)
					if err != nil || broken == nil || broken.Stream != c.stream || broken.Seq != c.seq || !strings.Contains(broken.Why, c.why) {
						t.Errorf("in pages of %d: %+v, %v; want %s %d: %s", page, broken, err, c.stream, c.seq, c.why)
					}
				}
			})
		})
	}
}

// Whatever byte of whatever record is changed, Verify names that record.
func TestVerifyFindsAnyChangedByte(t *testing.T) {
	db := pgtest.New(t)
	for _, stream := range []string{"a", "b", "c"} {
		put(t, db, ada, stream, 10)
	}
	rapid.Check(t, func(r *rapid.T) {
		stream := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "stream")
		seq := rapid.Int64Range(1, 10).Draw(r, "seq")
		column := rapid.SampledFrom([]string{"body", "prev_hash", "hash"}).Draw(r, "column")
		if column == "prev_hash" && seq == 1 {
			column = "hash" // the first has no hash before it
		}
		place, bit := rapid.IntRange(0, 1000).Draw(r, "place"), rapid.IntRange(0, 7).Draw(r, "bit")
		page := rapid.IntRange(1, 40).Draw(r, "page")
		tampered(t, db, func(tx pgx.Tx) {
			exec(t, tx, `update audit_records set `+column+` = set_bit(`+column+`, ($3 % length(`+column+`)) * 8 + $4,
				1 - get_bit(`+column+`, ($3 % length(`+column+`)) * 8 + $4)) where stream = $1 and seq = $2`, stream, seq, place, bit)
			_, broken, err := audit.VerifyPages(t.Context(), tx, page)
			if err != nil || broken == nil || broken.Stream != stream || broken.Seq != seq {
				r.Fatalf("found %+v, %v", broken, err)
			}
		})
	})
}

func TestVerifyOfNothing(t *testing.T) {
	db := pgtest.New(t)
	report, broken, err := audit.Verify(t.Context(), db)
	if err != nil || broken != nil || report != (audit.Report{}) {
		t.Errorf("%+v %+v %v", report, broken, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := audit.Verify(ctx, db); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Eight writers leave no gap, and who verifies meanwhile sees nothing broken.
func TestWritersLeaveNoGap(t *testing.T) {
	db := pgtest.New(t)
	own, err := db.Acquire(t.Context()) // the writers take all others
	if err != nil {
		t.Fatal(err)
	}
	defer own.Release()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				if n < 3 {
					t.Errorf("verified only %d times beside the writers", n)
				}
				return
			default:
			}
			if _, broken, err := audit.VerifyPages(t.Context(), own, 10+n%50); err != nil || broken != nil {
				t.Errorf("beside writers: %+v %v", broken, err)
				<-stop
				return
			}
		}
	})
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for j := range 100 {
				err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
					stream := "org"
					if j%5 == 0 {
						stream = fmt.Sprintf("workload/%d", (i+j)%4)
					}
					// The clock of one writer runs backwards: the order is that of seq.
					if err := audit.Record(t.Context(), tx, ada, act(stream, "answer.saved", noon.Add(time.Duration(-i*j)*time.Second))); err != nil {
						return err
					}
					if j%10 == 9 {
						return errUndo // an act that fails leaves no number unused
					}
					return nil
				})
				if err != nil && !errors.Is(err, errUndo) {
					t.Errorf("writer %d: %v", i, err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	wg.Wait()
	report, broken, err := audit.Verify(t.Context(), db)
	if err != nil || broken != nil || report != (audit.Report{Streams: 5, Records: 720}) {
		t.Errorf("%+v %+v %v", report, broken, err)
	}
}

// With its triggers awake the database itself refuses to change a record.
func TestRecordsCannotBeChanged(t *testing.T) {
	db := pgtest.New(t)
	put(t, db, ada, "org", 2)
	for _, sql := range []string{
		`update audit_records set verb = 'x'`, `delete from audit_records where seq = 2`, `truncate audit_records`,
		`insert into audit_records select * from audit_records where seq = 1`,
	} {
		if _, err := db.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s was allowed", sql)
		}
	}
	if report, broken, err := audit.Verify(t.Context(), db); report.Records != 2 || broken != nil || err != nil {
		t.Errorf("%+v %+v %v", report, broken, err)
	}
}
