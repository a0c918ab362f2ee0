package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"orrery/internal/fault"
	"orrery/internal/postgres"
)

// run executes a statement on a connection of its own.
func run(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func wantRows(t *testing.T, dsn string, want int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	wantCount(t, conn, want, `select count(*) from kept`)
}

func TestClusterStartsAndFindsItsDataAgain(t *testing.T) {
	dir := filepath.Join(folder(t), "with space", "postgres")
	t.Setenv("PGPORT", "7777") // of somebody's other database
	running := goleak.IgnoreCurrent()
	c := startCluster(t, dir)
	if c.Shared() {
		t.Error("the first is shared")
	}
	run(t, c.DSN(), `create table kept (n int); insert into kept values (1)`)
	pool := openAt(t, c.DSN())
	for name, want := range map[string]string{
		"synchronous_commit": "on", "data_checksums": "on", "listen_addresses": "", "max_connections": "60",
		"shared_buffers": "128MB", "server_encoding": "UTF8", "TimeZone": "UTC", "unix_socket_permissions": "0700",
	} {
		var got string
		if err := pool.QueryRow(t.Context(), `select current_setting($1)`, name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	wantCount(t, pool, 1, `select count(*) from pg_database where datname = 'orrery' and datcollate in ('C.UTF-8', 'C')`)
	for _, private := range []string{"data", "socket"} {
		info, err := os.Stat(filepath.Join(dir, private))
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v; want it private", private, info.Mode(), err)
		}
		if st := info.Sys().(*syscall.Stat_t); st.Uid == 0 {
			t.Errorf("%s belongs to root", private)
		}
	}

	pid := c.Pid()
	if group, err := syscall.Getpgid(pid); err != nil || group == syscall.Getpgrp() {
		t.Errorf("a Ctrl-C for us reaches the server too: group %d, %v", group, err)
	}
	for range 2 { // an open pool does not hold it up, and it may be said twice
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	<-c.Done()
	gone(t, pid)
	if c.Pid() != 0 {
		t.Error("a stopped server has a pid")
	}

	pool.Close()
	goleak.VerifyNone(t, running)

	again := startCluster(t, dir)
	if again.DSN() != c.DSN() {
		t.Errorf("the address was %s and is %s", c.DSN(), again.DSN())
	}
	wantRows(t, again.DSN(), 1)
}

func TestClusterIsOneForAllWhoStartIt(t *testing.T) {
	dir := folder(t)
	clusters := make([]*postgres.Cluster, 4)
	var wg sync.WaitGroup
	for i := range clusters {
		wg.Go(func() {
			c, err := postgres.StartCluster(t.Context(), dir, nil, nil, "fsync=off")
			if err != nil {
				t.Error(err)
			}
			clusters[i] = c
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	owners := 0
	for _, c := range clusters {
		if !c.Shared() {
			owners++
			defer func() { _ = c.Stop() }()
		}
		if c.Pid() != clusters[0].Pid() || c.DSN() != clusters[0].DSN() {
			t.Errorf("process %d at %s beside process %d at %s", c.Pid(), c.DSN(), clusters[0].Pid(), clusters[0].DSN())
		}
	}
	if owners != 1 {
		t.Errorf("%d run the server, want 1", owners)
	}
	for _, c := range clusters {
		if c.Shared() {
			if err := c.Stop(); err != nil {
				t.Error(err)
			}
		}
	}
	run(t, clusters[0].DSN(), `select 1`) // those who shared it did not stop it
}

func TestClusterSharedWithAnotherProgram(t *testing.T) {
	dir := folder(t)
	serve := startProgram(t, dir)
	pid, dsn := serve.ready(t)
	run(t, dsn, `create table kept (n int); insert into kept values (1)`)

	c := startCluster(t, dir)
	if !c.Shared() || c.Pid() != pid || c.DSN() != dsn {
		t.Fatalf("shared %v, process %d at %s; want that of the other program, %d at %s", c.Shared(), c.Pid(), c.DSN(), pid, dsn)
	}
	pool := openAt(t, c.DSN())
	busy := make(chan error, 1)
	go func() {
		_, err := pool.Exec(context.Background(), `insert into kept select 2 from pg_sleep(60)`)
		busy <- err
	}()
	within(t, 10*time.Second, "the statement to run", func() bool { return pool.Stat().AcquiredConns() == 1 })

	if got := serve.terminate(t); got != "stopped <nil>" {
		t.Errorf("the other program says %q", got)
	}
	if err := <-busy; err == nil || postgres.Retryable(err) {
		t.Errorf("a statement cut off: %v", err)
	}
	select {
	case <-c.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("did not notice the end of the database")
	}
	err := c.Stop()
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.MessageOf(err), "has ended, and the database with it") {
		t.Errorf("the reason given: %v", err)
	}
	if c.Pid() != 0 {
		t.Errorf("process %d of a database that is gone", c.Pid())
	}

	again := startCluster(t, dir)
	if again.Shared() {
		t.Error("shares with nobody")
	}
	wantCount(t, pool, 1, `select count(*) from kept`) // the pool recovers
}

func TestClusterRestartsAKilledServer(t *testing.T) {
	c := startCluster(t, folder(t))
	run(t, c.DSN(), `create table kept (n int); insert into kept values (1)`)
	pool := openAt(t, c.DSN())
	for range 3 {
		pid := c.Pid()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		within(t, 30*time.Second, "the pool to recover", func() bool {
			var n int
			err := pool.QueryRow(t.Context(), `insert into kept values (2) returning n`).Scan(&n)
			return err == nil && c.Pid() != pid
		})
		t.Logf("recovered after %v", time.Since(begun).Round(time.Millisecond))
	}
	select {
	case <-c.Done():
		t.Error("counts as gone")
	default:
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}

func TestClusterAfterAKilledProgram(t *testing.T) {
	dir := folder(t)
	for i := range 3 {
		serve := startProgram(t, dir)
		_, dsn := serve.ready(t)
		if i == 0 {
			run(t, dsn, `create table kept (n int)`)
		}
		run(t, dsn, `insert into kept values (1)`)
		wantRows(t, dsn, i+1)
		_ = serve.kill() // reports that it was killed; the next start follows at once
	}
	c := startCluster(t, dir)
	if c.Shared() {
		t.Error("shares with a dead program")
	}
	wantRows(t, c.DSN(), 3)
}

func TestClusterAfterAllWasKilled(t *testing.T) {
	dir := folder(t)
	serve := startProgram(t, dir)
	pid, dsn := serve.ready(t)
	run(t, dsn, `create table kept (n int); insert into kept values (1)`)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = serve.kill()
	wantRows(t, startCluster(t, dir).DSN(), 1)
}

// A process id of before is somebody else's, or a zombie's, when a container starts anew.
func TestClusterAfterItsProcessIDWasTaken(t *testing.T) {
	dir := folder(t)
	c := startCluster(t, dir)
	run(t, c.DSN(), `create table kept (n int); insert into kept values (1)`)
	pidFile := filepath.Join(dir, "data", "postmaster.pid")
	content, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	owner, err := os.Stat(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}

	st := owner.Sys().(*syscall.Stat_t)
	other := exec.Command("sleep", "600")
	if os.Geteuid() == 0 { // PostgreSQL asks after processes of its own account only
		other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: st.Uid, Gid: st.Gid}}
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	_, rest, _ := strings.Cut(string(content), "\n")
	if err := os.WriteFile(pidFile, fmt.Appendf(nil, "%d\n%s", other.Process.Pid, rest), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(pidFile, int(st.Uid), int(st.Gid)); err != nil {
		t.Fatal(err)
	}

	begun := time.Now()
	wantRows(t, startCluster(t, dir).DSN(), 1)
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("took %v", took)
	}
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the other process was ended: %v", err)
	}
}

func TestClusterEndsWithAKilledProgram(t *testing.T) {
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Log("only Linux ends the server with the program; elsewhere the next start does")
		return
	}
	serve := startProgram(t, folder(t))
	pid, _ := serve.ready(t)
	_ = serve.kill()
	gone(t, pid)
}

func TestClusterAfterAnInterruptedInitdb(t *testing.T) {
	dir := folder(t)
	for range 2 {
		serve := startProgram(t, dir)
		within(t, 30*time.Second, "initdb to write", func() bool {
			_, err := os.Stat(filepath.Join(dir, "data.new", "base"))
			return err == nil
		})
		_ = serve.kill()
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Fatal("initdb was not interrupted")
	}
	c := startCluster(t, dir)
	run(t, c.DSN(), `select 1`)
	if _, err := os.Stat(filepath.Join(dir, "data.new")); err == nil {
		t.Error("the half-made data is still there")
	}
}

func TestClusterStartCutShort(t *testing.T) {
	dir := folder(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var said atomic.Value
	c, err := postgres.StartCluster(ctx, dir, nil, func(s string) { said.Store(s); cancel() }, "fsync=off")
	if err == nil {
		_ = c.Stop()
		t.Fatal("started")
	}
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.MessageOf(err), "cut short") {
		t.Errorf("the reason given: %v", err)
	}
	if s, _ := said.Load().(string); !strings.Contains(s, "new database in "+dir) {
		t.Errorf("said %q", s)
	}
	startCluster(t, dir) // nothing holds the folder
}

func TestClusterSocketElsewhereWhenThePathIsLong(t *testing.T) {
	dir := filepath.Join(folder(t), strings.Repeat("long/", 25), "a,b")
	c := startCluster(t, dir)
	run(t, c.DSN(), `select 1`)
	if strings.Contains(c.DSN(), "long") {
		t.Errorf("the socket is in %s", c.DSN())
	}
	shared := startCluster(t, dir)
	if !shared.Shared() || shared.DSN() != c.DSN() {
		t.Errorf("the second is at %s, shared %v", shared.DSN(), shared.Shared())
	}
	if err := errors.Join(shared.Stop(), c.Stop()); err != nil {
		t.Error(err)
	}
	u, err := url.Parse(c.DSN())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(u.Query().Get("host")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of the socket is left behind: %v", err)
	}
}

// refused expects StartCluster to fail with a sentence that holds the parts, and to leave
// every file as it was.
func refused(t *testing.T, dir string, parts ...string) {
	t.Helper()
	before := listing(t, dir)
	c, err := postgres.StartCluster(t.Context(), dir, testLog{t}, nil, "fsync=off")
	if err == nil {
		_ = c.Stop()
		t.Fatal("started")
	}
	for _, p := range parts {
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.MessageOf(err), p) {
			t.Errorf("%q does not say %q", fault.MessageOf(err), p)
		}
	}
	if after := listing(t, dir); after != before {
		t.Errorf("the folder was\n%s\nand is\n%s", before, after)
	}
}

// listing returns the files below the data folder.
func listing(t *testing.T, dir string) string {
	t.Helper()
	out, _ := exec.Command("find", filepath.Join(dir, "data"), "-type", "f").Output() // fails when there is none
	return string(out)
}

func TestClusterRefusals(t *testing.T) {
	t.Run("no PostgreSQL", func(t *testing.T) {
		t.Setenv("ORRERY_POSTGRES_BIN", t.TempDir())
		refused(t, folder(t), "none is installed here", "install", "DATABASE_URL")
	})
	t.Run("files that are no database", func(t *testing.T) {
		dir := folder(t)
		if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "data", "letter"), []byte("dear"), 0o644); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, "holds files but no database")
	})
	t.Run("a file in the place of the folder", func(t *testing.T) {
		file := filepath.Join(folder(t), "file")
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		refused(t, file, "cannot be made")
	})
	t.Run("data of root", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Log("only root can make it")
			return
		}
		dir := folder(t)
		if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, "belongs to root", "chown -R ")
	})
	t.Run("a folder the server's account cannot reach", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Log("only root runs the server as another account")
			return
		}
		dir := folder(t)
		private := filepath.Join(dir, "private")
		if err := os.Mkdir(private, 0o700); err != nil {
			t.Fatal(err)
		}
		refused(t, filepath.Join(private, "below"), "cannot pass "+private+".", "/var/lib/orrery")
	})
}

func TestClusterRefusesDataItCannotRun(t *testing.T) {
	dir := folder(t)
	c := startCluster(t, dir)
	run(t, c.DSN(), `create table kept (n int); insert into kept values (1)`)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	edit := func(name string, change func([]byte) []byte) (restore func()) {
		path := filepath.Join(dir, "data", name)
		before, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, change(before), 0o600) // keeps its owner
		}
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := os.WriteFile(path, before, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	restore := edit("PG_VERSION", func([]byte) []byte { return []byte("9\n") })
	refused(t, dir, "was made by PostgreSQL 9, and only", "9")
	restore()

	restore = edit("PG_VERSION", func([]byte) []byte { return []byte("new\n") })
	refused(t, dir, "does not name a version")
	restore()

	restore = edit("postgresql.conf", func(b []byte) []byte { return append(bytes.Clone(b), "\nno_such_setting = 1\n"...) })
	begun := time.Now()
	refused(t, dir, "does not keep running", "no_such_setting")
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("took %v to give up what cannot succeed", took)
	}
	restore()

	wantRows(t, startCluster(t, dir).DSN(), 1)
}
