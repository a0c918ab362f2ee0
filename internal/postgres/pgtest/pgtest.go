// Package pgtest gives each test its own database on a real PostgreSQL: the server that
// TEST_DATABASE_URL names (its role may create databases), otherwise one of its own that
// all tests of this user share and that ends by itself.
package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"orrery/internal/postgres"
	"orrery/migrations"
)

const (
	patience = 2 * time.Minute // for the server and the template, on a busy machine
	poolSize = 8
)

// New returns a pool on a fresh database that holds the newest schema and no rows but those
// the migrations write. It is closed and dropped at the end of the test; when the test
// failed, the database is kept and named.
func New(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return open(t, DSN(t))
}

// DSN returns the address of such a database, for a program that a test starts.
func DSN(t testing.TB) string {
	t.Helper()
	template, err := templates()
	if err != nil {
		t.Fatalf("No test database: %v", err)
	}
	return create(t, cloned(template))
}

// cloned is what a database with the newest schema is created from. To copy the files is
// the faster way where nothing waits for a disk.
func cloned(template string) string {
	if ours == nil {
		return " template " + template
	}
	return " template " + template + " strategy file_copy"
}

// Empty returns the address of a database without any schema.
func Empty(t testing.TB) string {
	t.Helper()
	return create(t, "")
}

// create makes a database that ends with the test.
func create(t testing.TB, from string) string {
	t.Helper()
	name := databaseName(t.Name())
	if err := admin("create database " + name + from); err != nil {
		t.Fatalf("No test database: %v", err)
	}
	dsn, err := address(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("The database is kept%s: psql '%s'", keep(), dsn)
			return
		}
		if err := admin("drop database " + name + " with (force)"); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	return dsn
}

// admin runs a statement on the server's own connection, which does not outlive it.
func admin(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dsn, err := server()
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// open returns a pool as the program has it. A connection that the test never gave back
// fails the test, where closing the pool would wait for ever.
func open(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(context.Background(), dsn, poolSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closed := make(chan struct{})
		go func() { pool.Close(); close(closed) }()
		select {
		case <-closed:
		case <-time.After(5 * time.Second):
			t.Errorf("%d connections were not given back to the pool (rows not closed, or a transaction not ended)", pool.Stat().AcquiredConns())
		}
	})
	return pool
}

// databaseName returns a new name that tells which test it belongs to.
func databaseName(test string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(test) {
		if r < 'a' || r > 'z' {
			if r < '0' || r > '9' {
				r = '_'
			}
		}
		if b.WriteRune(r); b.Len() == 40 {
			break
		}
	}
	random := make([]byte, 6)
	_, _ = rand.Read(random) // never fails
	return "t_" + b.String() + "_" + hex.EncodeToString(random)
}

// address returns the address of a database on the server.
func address(database string) (string, error) {
	dsn, err := server()
	if err != nil || !strings.Contains(dsn, "://") {
		return dsn + " dbname=" + database, err // of keywords the last one counts
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("TEST_DATABASE_URL cannot be read")
	}
	u.Path = "/" + database
	return u.String(), nil
}

// templates makes the template once a process.
var templates = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return makeTemplate(ctx, migrations.FS)
})

// makeTemplate returns the name of a database with the newest schema, which nobody can
// connect to. Tests of all packages run at once: the first builds it, the others wait.
func makeTemplate(ctx context.Context, src fs.FS) (string, error) {
	name, err := templateName(src)
	if err != nil {
		return "", err
	}
	dsn, err := server()
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // which gives the lock back
	if _, err := conn.Exec(ctx, `select pg_advisory_lock(hashtext($1))`, name); err != nil {
		return "", err
	}
	var done bool
	err = conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1 and not datallowconn)`, name).Scan(&done)
	if err != nil || done {
		return name, err
	}
	return name, buildTemplate(ctx, conn, name, src)
}

func buildTemplate(ctx context.Context, conn *pgx.Conn, name string, src fs.FS) error {
	for _, sql := range []string{"drop database if exists " + name + " with (force)", "create database " + name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	dsn, err := address(name)
	if err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, dsn, src); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "alter database "+name+" allow_connections false")
	return err
}

// templateName is made from all that the schema is made from: our files and River's.
func templateName(src fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(src, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(src, path)
		_, _ = fmt.Fprintf(h, "%s\n%d\n%s", path, len(b), b)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the migrations: %w", err)
	}
	river, err := rivermigrate.New(riverpgxv5.New(nil), nil)
	if err != nil {
		return "", err
	}
	for _, v := range river.AllVersions() {
		_, _ = fmt.Fprintf(h, "%d\n%s", v.Version, v.SQLUp)
	}
	return "orrery_template_" + hex.EncodeToString(h.Sum(nil)[:8]), nil
}
