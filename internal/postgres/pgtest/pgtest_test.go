package pgtest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"orrery/internal/postgres"
	"orrery/migrations"
)

func TestNewHoldsTheNewestSchemaAndOnlyThisTestsRows(t *testing.T) {
	newest, err := postgres.Newest(migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second does not see what the first wrote
		pool := New(t)
		if got, err := postgres.Version(t.Context(), pool); err != nil || got != newest {
			t.Fatalf("version %d, %v; want %d", got, err, newest)
		}
		if _, err := pool.Exec(t.Context(), `create table mine (n int); select count(*) from river.river_job`); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDSNAndEmpty(t *testing.T) {
	for _, c := range []struct {
		name, dsn string
		schema    bool
	}{{"DSN", DSN(t), true}, {"Empty", Empty(t), false}} {
		conn, err := pgx.Connect(t.Context(), c.dsn)
		if err != nil {
			t.Fatal(err)
		}
		var schema bool
		err = conn.QueryRow(t.Context(), `select to_regnamespace('river') is not null and to_regclass('schema_migrations') is not null`).Scan(&schema)
		if err = errors.Join(err, conn.Close(t.Context())); err != nil || schema != c.schema {
			t.Errorf("%s has a schema: %v, %v; want %v", c.name, schema, err, c.schema)
		}
	}
}

// exists reports whether there is a database at the address.
func exists(t *testing.T, dsn string) bool {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err == nil {
		err = conn.Close(context.Background())
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) && pe.Code == "3D000" {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

func TestDatabasesEndWithTheTest(t *testing.T) {
	var dsn string
	t.Run("inner", func(t *testing.T) {
		dsn = New(t).Config().ConnString()
		if !exists(t, dsn) {
			t.Error("no database")
		}
	})
	if exists(t, dsn) {
		t.Errorf("%s is still there", dsn)
	}
}

func TestManyAtOnce(t *testing.T) {
	seen := make(map[string]bool)
	var mu sync.Mutex
	t.Run("all", func(t *testing.T) {
		for range 8 {
			t.Run("same name", func(t *testing.T) {
				t.Parallel()
				dsn := New(t).Config().ConnString()
				mu.Lock()
				defer mu.Unlock()
				seen[dsn] = true
			})
		}
	})
	if len(seen) != 8 {
		t.Errorf("%d databases for 8 tests", len(seen))
	}
}

func TestNothingRunsOnAfterATest(t *testing.T) {
	running := goleak.IgnoreCurrent()
	t.Run("inner", func(t *testing.T) { New(t) })
	goleak.VerifyNone(t, running)
}

func TestTemplateNameTellsSchemasApart(t *testing.T) {
	name := func(fs fstest.MapFS) string {
		t.Helper()
		n, err := templateName(fs)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	one := fstest.MapFS{"1_a.up.sql": {Data: []byte("select 1")}}
	if name(one) != name(fstest.MapFS{"1_a.up.sql": {Data: []byte("select 1")}}) {
		t.Error("the same files give two names")
	}
	for what, other := range map[string]fstest.MapFS{
		"content": {"1_a.up.sql": {Data: []byte("select 2")}},
		"name":    {"1_b.up.sql": {Data: []byte("select 1")}},
		"more":    {"1_a.up.sql": {Data: []byte("select 1")}, "2_b.up.sql": {}},
	} {
		if name(one) == name(other) {
			t.Errorf("another %s gives the same name", what)
		}
	}
}

func TestATemplateThatWasNotFinishedIsBuiltAnew(t *testing.T) {
	src := fstest.MapFS{"1_a.up.sql": {Data: []byte("create table a (test text default '" + t.Name() + "'); select 1/0")}}
	if _, err := makeTemplate(t.Context(), src); err == nil || !strings.Contains(err.Error(), "1_a.up.sql") {
		t.Fatalf("%v does not name the file", err)
	}
	name, err := templateName(src)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin("drop database if exists " + name); err != nil {
			t.Error(err)
		}
	})
	if _, err := makeTemplate(t.Context(), src); err == nil {
		t.Error("took a half-made template for a whole one")
	}
}

// again runs one test of this binary as a program.
func again(t *testing.T, test string, env ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Errorf("%s did not fail: %v", test, err)
	}
	return string(out)
}

const failEnv = "ORRERY_PGTEST_FAIL"

// TestFails is not a test by itself: TestAFailedTestKeepsItsDatabase runs it.
func TestFails(t *testing.T) {
	switch os.Getenv(failEnv) {
	case "error":
		New(t)
		t.Error("as told")
	case "leak":
		if _, err := New(t).Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	case "none":
		New(t)
	}
}

func TestAFailedTestKeepsItsDatabase(t *testing.T) {
	dir, err := serverDir()
	if err != nil {
		t.Fatal(err)
	}
	before, errBefore := os.Stat(filepath.Join(dir, "kept"))
	out := again(t, "TestFails", failEnv+"=error")
	found := regexp.MustCompile(`kept.*: psql '(.*/(t_testfails_\w+)\?.*)'`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no database is named in\n%s", out)
	}
	if !exists(t, found[1]) {
		t.Errorf("%s is not there", found[1])
	}
	if err := admin("drop database " + found[2]); err != nil {
		t.Error(err)
	}
	if os.Getenv("TEST_DATABASE_URL") != "" {
		return
	}
	marked, err := os.Stat(filepath.Join(dir, "kept"))
	if err != nil || errBefore == nil && !marked.ModTime().After(before.ModTime()) {
		t.Errorf("the server is not told to stay: %v", err)
	}
	if errBefore != nil { // nobody else asked for it: do not stay because of this test
		if err := os.Remove(filepath.Join(dir, "kept")); err != nil {
			t.Error(err)
		}
	}
}

func TestAConnectionNotGivenBackFailsTheTest(t *testing.T) {
	dir, err := serverDir()
	if err != nil {
		t.Fatal(err)
	}
	_, errBefore := os.Stat(filepath.Join(dir, "kept"))
	out := again(t, "TestFails", failEnv+"=leak")
	if !strings.Contains(out, "1 connections were not given back") {
		t.Errorf("says\n%s", out)
	}
	if found := regexp.MustCompile(`/(t_testfails_\w+)\?`).FindStringSubmatch(out); found != nil {
		if err := admin("drop database " + found[1] + " with (force)"); err != nil {
			t.Error(err)
		}
	}
	if errBefore != nil {
		_ = os.Remove(filepath.Join(dir, "kept"))
	}
}

func TestAServerThatIsGoneFailsTheTest(t *testing.T) {
	out := again(t, "TestFails", failEnv+"=none", "TEST_DATABASE_URL=postgres://me@127.0.0.1:1/postgres?sslmode=disable")
	if !strings.Contains(out, "--- FAIL") || !strings.Contains(out, "127.0.0.1:1") {
		t.Errorf("says\n%s", out)
	}
}

// The aim is 30 ms a database, made and dropped.
func BenchmarkDatabase(b *testing.B) {
	template, err := templates()
	if err != nil {
		b.Fatal(err)
	}
	one := func(b *testing.B) {
		name := databaseName(b.Name())
		if err := admin("create database " + name + cloned(template)); err != nil {
			b.Fatal(err)
		}
		if err := admin("drop database " + name); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("one by one", func(b *testing.B) {
		for b.Loop() {
			one(b)
		}
	})
	b.Run("in parallel", func(b *testing.B) {
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one(b)
			}
		})
	})
}
