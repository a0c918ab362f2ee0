package pgtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// privateDir returns a folder for a server of this test's own. At the end it is awaited
// that the server ends by itself.
func privateDir(t *testing.T) string {
	t.Helper()
	shared, err := serverDir()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(shared), "orrery-guard-test-")
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server, guard := pids(t, dir)
		ends(t, "the server", server)
		ends(t, "the guard", guard)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// use holds the server of dir as a process with tests does.
func use(t *testing.T, dir string) (leave func()) {
	t.Helper()
	users, err := lockUsers(dir, syscall.LOCK_SH)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := users.Close(); err != nil {
			t.Error(err)
		}
	}
}

func join(t *testing.T, dir string, idle time.Duration) (dsn string) {
	t.Helper()
	dsn, err := joinServer(dir, idle)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// pids returns the server's process and that of its guard, 0 when there is none.
func pids(t *testing.T, dir string) (server, guard int) {
	t.Helper()
	read := func(name string) int {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			return 0
		}
		line, _, _ := strings.Cut(string(b), "\n")
		pid, e := strconv.Atoi(line)
		if err = errors.Join(err, e); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	return read("data/postmaster.pid"), read("guard")
}

func alive(pid int) bool {
	if pid == 0 {
		return false
	}
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat") // none on macOS
	return syscall.Kill(pid, 0) == nil && !strings.Contains(string(stat), ") Z ")
}

func ends(t *testing.T, what string, pid int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); alive(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s, process %d, runs on", what, pid)
		}
	}
}

func TestServerEndsWhenNobodyUsesIt(t *testing.T) {
	const idle = 600 * time.Millisecond
	dir := privateDir(t)
	leaveFirst, leaveSecond := use(t, dir), use(t, dir)
	dsn := join(t, dir, idle)
	server, guard := pids(t, dir)
	if !alive(server) || !alive(guard) {
		t.Fatalf("processes %d and %d do not run", server, guard)
	}
	if again := join(t, dir, idle); again != dsn {
		t.Errorf("two servers, %s and %s", dsn, again)
	}
	leaveFirst()
	time.Sleep(3 * idle)
	if s, g := pids(t, dir); s != server || g != guard || !alive(server) {
		t.Fatal("ended under a process that uses it")
	}
	leaveSecond()
	ends(t, "the server", server)
	ends(t, "the guard", guard)
	for _, name := range []string{"data", "dsn", "socket"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is left behind", name)
		}
	}

	defer use(t, dir)() // and anew
	join(t, dir, idle)
}

func TestServerStaysForAKeptDatabase(t *testing.T) {
	const idle = 300 * time.Millisecond
	dir := privateDir(t)
	leave := use(t, dir)
	join(t, dir, idle)
	server, guard := pids(t, dir)
	kept := filepath.Join(dir, "kept")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	leave()
	time.Sleep(4 * idle)
	if !alive(server) {
		t.Fatal("ended, and the kept database with it")
	}
	long := time.Now().Add(-keepLimit)
	if err := os.Chtimes(kept, long, long); err != nil {
		t.Fatal(err)
	}
	ends(t, "the server", server)
	ends(t, "the guard", guard)
}

func TestServerAfterAKilledGuard(t *testing.T) {
	dir := privateDir(t)
	defer use(t, dir)()
	const idle = time.Second
	join(t, dir, idle)
	server, guard := pids(t, dir)
	if err := syscall.Kill(guard, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ends(t, "the server", server)
	join(t, dir, idle)
}

func TestServerEndsWhenItsFolderIsRemoved(t *testing.T) {
	dir := privateDir(t)
	defer use(t, dir)()
	join(t, dir, time.Second)
	server, guard := pids(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	ends(t, "the server", server)
	ends(t, "the guard", guard)
}

func TestServerOfManyWhoStartAtOnce(t *testing.T) {
	dir := privateDir(t)
	defer use(t, dir)()
	got := make(chan string, 4)
	for range cap(got) {
		go func() {
			dsn, err := startGuard(dir, time.Second)
			if err != nil {
				t.Error(err)
			}
			got <- dsn
		}()
	}
	first := <-got
	for range cap(got) - 1 {
		if dsn := <-got; dsn != first {
			t.Errorf("two servers, %s and %s", first, dsn)
		}
	}
}

func TestMissingPostgresIsSaidSo(t *testing.T) {
	t.Setenv("ORRERY_POSTGRES_BIN", t.TempDir())
	dir := privateDir(t)
	defer use(t, dir)()
	_, err := joinServer(dir, time.Second)
	if err == nil || !strings.Contains(err.Error(), "Orrery needs PostgreSQL") || !strings.Contains(err.Error(), "install postgresql") {
		t.Errorf("says %v", err)
	}
}
