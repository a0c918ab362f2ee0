package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
	"orrery/internal/postgres"
	"orrery/internal/postgres/pgtest"
	"orrery/migrations"
)

// files makes migrations from pairs of name and SQL.
func files(pairs ...string) fstest.MapFS {
	out := fstest.MapFS{"readme.md": {Data: []byte("not a migration")}}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]+".up.sql"] = &fstest.MapFile{Data: []byte(pairs[i+1])}
		out[pairs[i]+".down.sql"] = &fstest.MapFile{Data: []byte("select 1")}
	}
	return out
}

func openAt(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), dsn, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func wantVersion(t *testing.T, q postgres.Querier, want uint) {
	t.Helper()
	if got, err := postgres.Version(t.Context(), q); err != nil || got != want {
		t.Errorf("version %d, %v; want %d", got, err, want)
	}
}

func wantCount(t *testing.T, q postgres.Querier, want int, sql string) {
	t.Helper()
	var got int
	if err := q.QueryRow(t.Context(), sql).Scan(&got); err != nil || got != want {
		t.Errorf("%s: %d, %v; want %d", sql, got, err, want)
	}
}

func TestMigrateFromManyReplicasAtOnce(t *testing.T) {
	dsn := pgtest.Empty(t)
	pool := openAt(t, dsn)
	src := files(
		"000001_first", `create table a (n int); insert into a values (1)`,
		"000002_second", `insert into a values (2)`,
		"000010_index", `create index concurrently if not exists a_n on a (n)`)
	wantVersion(t, pool, 0)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2 { // the second time there is nothing to do
				if err := postgres.Migrate(t.Context(), dsn, src); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantVersion(t, pool, 10)
	wantCount(t, pool, 2, `select count(*) from a`)
	wantCount(t, pool, 1, `select count(*) from pg_index where indexrelid = 'a_n'::regclass and indisvalid`)
	wantCount(t, pool, 0, `select count(*) from river.river_job`)
}

func TestMigrateOurSchema(t *testing.T) {
	dsn := pgtest.Empty(t)
	if err := postgres.Migrate(t.Context(), dsn, migrations.FS); err != nil {
		t.Fatal(err)
	}
	newest, err := postgres.Newest(migrations.FS)
	if err != nil || newest == 0 {
		t.Fatalf("newest %d, %v", newest, err)
	}
	wantVersion(t, openAt(t, dsn), newest)
}

func TestMigrateWithoutFilesMakesTheJobQueue(t *testing.T) {
	dsn := pgtest.Empty(t)
	if err := postgres.Migrate(t.Context(), dsn, files()); err != nil {
		t.Fatal(err)
	}
	pool := openAt(t, dsn)
	wantVersion(t, pool, 0)
	wantCount(t, pool, 0, `select count(*) from river.river_job`)
	if n, err := postgres.Newest(files()); n != 0 || err != nil {
		t.Errorf("newest of nothing is %d, %v", n, err)
	}
}

func TestMigrateTriesAFailedFileAgain(t *testing.T) {
	dsn := pgtest.Empty(t)
	pool := openAt(t, dsn)
	for _, c := range []struct {
		name   string
		broken []string
		at     uint
	}{
		{"first file", []string{"000001_a", "create table a (n int);\n\ncreate tabel b ()"}, 0},
		{"later file", []string{"000001_a", "create table a (n int)", "000002_b", "create table b (n int);\nselect 1/0"}, 1},
	} {
		for range 2 { // the second start meets what the first left
			err := postgres.Migrate(t.Context(), dsn, files(c.broken...))
			if err == nil || !strings.Contains(err.Error(), c.broken[len(c.broken)-2]+".up.sql") {
				t.Errorf("%s: %v does not name the file", c.name, err)
			}
		}
		wantVersion(t, pool, c.at)
		wantCount(t, pool, 0, `select count(*) from pg_tables where tablename = 'b'`)
	}
	err := postgres.Migrate(t.Context(), dsn, files("000001_a", "", "000002_b", "create table b (n int);\n\ncreate tabel x ()"))
	if err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("%v does not name the line", err)
	}
	mended := files("000001_a", "", "000002_b", "create table b (n int) -- no semicolon, and a comment")
	if err := postgres.Migrate(t.Context(), dsn, mended); err != nil {
		t.Fatal(err)
	}
	wantVersion(t, pool, 2)
	wantCount(t, pool, 0, `select count(*) from b`)
}

func TestMigrateGoesOnAfterAKilledProgram(t *testing.T) {
	dsn := pgtest.Empty(t)
	pool := openAt(t, dsn)
	src := files("000001_a", "create table a (n int)", "000002_b", "create table b (n int)")
	for _, c := range []struct {
		name, left string
	}{
		{"in the first file", `truncate schema_migrations; insert into schema_migrations values (1, true); drop table a, b`},
		{"in the second file", `truncate schema_migrations; insert into schema_migrations values (2, true); drop table b`},
	} {
		if err := postgres.Migrate(t.Context(), dsn, src); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if _, err := pool.Exec(t.Context(), c.left); err != nil {
			t.Fatal(err)
		}
		if v, err := postgres.Version(t.Context(), pool); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: version %d, %v; want Unavailable", c.name, v, err)
		}
	}
	if err := postgres.Migrate(t.Context(), dsn, src); err != nil {
		t.Fatal(err)
	}
	wantVersion(t, pool, 2)
	wantCount(t, pool, 0, `select count(*) from b`)
}

// A file and the mark that it is done are one transaction: without this a kill between the
// two would run the file twice.
func TestMigrateMarksAFileInItsOwnTransaction(t *testing.T) {
	dsn := pgtest.Empty(t)
	src := files("000001_a", "create table a (n xid8)",
		"000002_b", `insert into a values (pg_current_xact_id());
			create function seen() returns trigger language plpgsql as $$ begin insert into a values (pg_current_xact_id()); return null; end $$;
			create trigger seen after update on schema_migrations execute function seen()`)
	if err := postgres.Migrate(t.Context(), dsn, src); err != nil {
		t.Fatal(err)
	}
	wantCount(t, openAt(t, dsn), 1, `select count(distinct n) from a having count(*) = 2`)
}

func TestMigrateRefusesANewerSchema(t *testing.T) {
	dsn := pgtest.Empty(t)
	pool := openAt(t, dsn)
	old := files("000001_a", "create table a (n int)")
	if err := postgres.Migrate(t.Context(), dsn, files("000001_a", "create table a (n int)", "000007_b", "")); err != nil {
		t.Fatal(err)
	}
	refused := func(want string) {
		t.Helper()
		err := postgres.Migrate(t.Context(), dsn, old)
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.MessageOf(err), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	refused("schema is at version 7 and this program knows versions up to 1")
	if _, err := pool.Exec(t.Context(), `update schema_migrations set dirty = true`); err != nil {
		t.Fatal(err)
	}
	refused("schema is at version 7")
	_, err := pool.Exec(t.Context(), `update schema_migrations set version = 1, dirty = false;
		insert into river.river_migration (line, version) values ('main', 9999)`)
	if err != nil {
		t.Fatal(err)
	}
	refused("job queue is at version 9999")
}

func TestMigrateWaitsNoLongerThanItsContext(t *testing.T) {
	dsn := pgtest.Empty(t)
	slow := files("000001_a", "create table a (n int)", "000002_slow", "create table b (n int); select pg_sleep(60)")
	working := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { working <- postgres.Migrate(ctx, dsn, slow) }()
	pool := openAt(t, dsn)
	for asleep := 0; asleep == 0; time.Sleep(10 * time.Millisecond) {
		err := pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`).Scan(&asleep)
		if err != nil {
			t.Fatal(err)
		}
	}

	short, cancelShort := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancelShort()
	err := postgres.Migrate(short, dsn, slow)
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.MessageOf(err), "another Orrery") {
		t.Errorf("behind another replica: %v", err)
	}

	cancel()
	select {
	case err := <-working:
		if err == nil {
			t.Error("a cancelled migration succeeded")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a cancelled migration goes on")
	}
	wantVersion(t, pool, 1)
	if err := postgres.Migrate(t.Context(), dsn, files("000001_a", "", "000002_slow", "create table b (n int)")); err != nil {
		t.Errorf("the next start: %v", err)
	}
}

func TestMigrateGivesUpALockThatIsHeld(t *testing.T) {
	dsn := pgtest.Empty(t)
	pool := openAt(t, dsn)
	if err := postgres.Migrate(t.Context(), dsn, files("000001_a", "create table a (n int)")); err != nil {
		t.Fatal(err)
	}
	tx := begin(t, pool)
	if _, err := tx.Exec(t.Context(), `lock table a`); err != nil {
		t.Fatal(err)
	}
	err := postgres.Migrate(t.Context(), dsn+"&lock_timeout=100", files("000001_a", "", "000002_b", "alter table a add m int"))
	if err == nil || !strings.Contains(err.Error(), "for a lock") {
		t.Errorf("%v does not tell of the lock", err)
	}
	wantVersion(t, pool, 1)
}

func TestMigrateCannotConnect(t *testing.T) {
	for _, dsn := range []string{"postgres://me@127.0.0.1:1/orr?sslmode=disable", "postgres://[", pgtest.Empty(t) + "&dbname=absent"} {
		if err := postgres.Migrate(t.Context(), dsn, files()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v; want Unavailable", dsn, err)
		}
	}
}
