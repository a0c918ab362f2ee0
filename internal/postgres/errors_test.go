package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
	"orrery/internal/postgres"
	"orrery/internal/postgres/pgtest"
)

func emptyPool(t *testing.T, schema string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), pgtest.Empty(t), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	return pool
}

func TestConstraintNamesWhatWasViolated(t *testing.T) {
	pool := emptyPool(t, `
		create table team (id int constraint team_pk primary key, name text not null,
			constraint team_name_unique unique (name), constraint team_name_short check (length(name) < 9));
		create unique index team_lower on team (lower(name));
		create table person (team int constraint person_team_known references team,
			stay int4range, constraint person_stays_apart exclude using gist (stay with &&));
		create function sealed() returns trigger language plpgsql as $$
			begin raise exception 'sealed' using errcode = 'check_violation', constraint = 'team_sealed'; end $$;
		create trigger sealed before delete on team for each row execute function sealed();
		insert into team values (1, 'one');
		insert into person values (1, '[1,3)')`)
	for _, c := range []struct {
		sql, want string
		unique    bool
	}{
		{`insert into team values (1, 'two')`, "team_pk", true},
		{`insert into team values (2, 'one')`, "team_name_unique", true},
		{`insert into team values (2, 'ONE')`, "team_lower", true},
		{`insert into team values (2, 'far too long')`, "team_name_short", false},
		{`insert into team values (2, null)`, "team_name_not_null", false},
		{`insert into person values (7, null)`, "person_team_known", false},
		{`insert into person values (1, '[2,4)')`, "person_stays_apart", false},
		{`delete from team`, "team_sealed", false},
	} {
		_, err := pool.Exec(t.Context(), c.sql)
		err = fmt.Errorf("save: %w", err)
		if name, ok := postgres.Constraint(err); !ok || name != c.want {
			t.Errorf("%s: Constraint = %q, %v; want %q", c.sql, name, ok, c.want)
		}
		if got := postgres.IsUnique(err, c.want); got != c.unique {
			t.Errorf("%s: IsUnique = %v, want %v", c.sql, got, c.unique)
		}
		if postgres.IsUnique(err, "another") {
			t.Errorf("%s: IsUnique holds for another constraint", c.sql)
		}
		if postgres.Retryable(err) {
			t.Errorf("%s: must not be retried", c.sql)
		}
	}
	_, err := pool.Exec(t.Context(), `select 1/0`)
	if name, ok := postgres.Constraint(err); ok {
		t.Errorf("a division by zero violates %q", name)
	}
	if name, ok := postgres.Constraint(errors.New("else")); ok {
		t.Errorf("another error violates %q", name)
	}
}

func TestRetryableSerialization(t *testing.T) {
	pool := emptyPool(t, `create table n (v int); insert into n values (1)`)
	a, b := begin(t, pool), begin(t, pool)
	for _, tx := range []pgx.Tx{a, b} {
		var v int
		if err := tx.QueryRow(t.Context(), `select v from n`).Scan(&v); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Exec(t.Context(), `update n set v = 2`); err != nil {
		t.Fatal(err)
	}
	if err := a.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := b.Exec(t.Context(), `update n set v = 3`)
	if !postgres.Retryable(fmt.Errorf("save: %w", err)) {
		t.Errorf("%v: want retryable", err)
	}
	wantTryAgain(t, err)
}

func begin(t *testing.T, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.Serializable})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	return tx
}

func TestRetryableDeadlock(t *testing.T) {
	pool := emptyPool(t, `create table n (id int, v int); insert into n values (1, 0), (2, 0)`)
	var bothLocked sync.WaitGroup
	bothLocked.Add(2)
	failed := make(chan error, 2)
	for first := 1; first <= 2; first++ {
		go func() {
			failed <- pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(t.Context(), `update n set v = 1 where id = $1`, first); err != nil {
					return err
				}
				bothLocked.Done()
				bothLocked.Wait()
				_, err := tx.Exec(t.Context(), `update n set v = 2 where id = $1`, 3-first)
				return err
			})
		}()
	}
	var victims int
	for range 2 {
		if err := <-failed; err != nil {
			if victims++; !postgres.Retryable(err) {
				t.Errorf("%v: want retryable", err)
			}
			wantTryAgain(t, err)
		}
	}
	if victims != 1 {
		t.Errorf("%d transactions failed, want 1", victims)
	}
}

// wantTryAgain wants that the reader is told to try again, and that nothing was saved.
func wantTryAgain(t *testing.T, err error) {
	t.Helper()
	told := postgres.Classify(fmt.Errorf("save: %w", err))
	if !fault.Is(told, fault.Unavailable) || !strings.Contains(fault.MessageOf(told), "nothing was saved. Please try again.") {
		t.Errorf("%v: told as %v", err, told)
	}
}

func TestClassifyWaitedTooLong(t *testing.T) {
	pool := emptyPool(t, `create table n (v int); insert into n values (1)`)
	holder, waiting := begin(t, pool), begin(t, pool)
	if _, err := holder.Exec(t.Context(), `select from n for update`); err != nil {
		t.Fatal(err)
	}
	_, err := waiting.Exec(t.Context(), `select from n for update nowait`)
	wantTryAgain(t, err)
}

func TestRetryableConnections(t *testing.T) {
	dsn := pgtest.Empty(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `select 1`); !postgres.Retryable(err) {
		t.Errorf("on a closed connection: %v: want retryable", err)
	}
	_, err = pgx.Connect(t.Context(), "postgres://nobody@127.0.0.1:1/none?sslmode=disable")
	if !postgres.Retryable(err) {
		t.Errorf("nobody listens: %v: want retryable", err)
	}
	_, err = pgx.Connect(t.Context(), dsn+"&dbname=no_such_database")
	if err == nil || postgres.Retryable(err) {
		t.Errorf("no such database: %v: want not retryable", err)
	}

	pool, err := postgres.Open(t.Context(), dsn, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	_, err = pool.Exec(t.Context(), `select pg_terminate_backend(pg_backend_pid())`)
	if err == nil || postgres.Retryable(err) {
		t.Errorf("cut off while at work: %v: want not retryable", err)
	}
	if postgres.Retryable(nil) || postgres.Retryable(errors.New("else")) {
		t.Error("nil and foreign errors must not be retried")
	}
}
