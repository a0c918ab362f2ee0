package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/postgres"
)

// The tests' own server lives in one folder per user and boot, in memory where there is
// room. A guard runs it: the test binary itself, started again with guardEnv set. A process
// with tests holds a shared lock on the file "users" as long as it lives; the guard ends the
// server and clears its data away when nobody has held that lock for a while.
const (
	guardEnv  = "ORRERY_PGTEST_GUARD" // "<idle limit> <folder>"
	idleLimit = 60 * time.Second
	keepLimit = 15 * time.Minute // after a failed test, whose database is kept
	roomInRAM = 1 << 30
)

// serverSettings trade safety for speed: this data need not survive the machine.
var serverSettings = []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off",
	"max_connections=200", "max_wal_size=256MB", "autovacuum=off"}

// init turns a test binary into the guard when it was started as one.
func init() {
	if task := os.Getenv(guardEnv); task != "" {
		os.Exit(guardMain(task))
	}
}

// ourServer is a server that we started, as opposed to one we were given.
type ourServer struct {
	dir   string
	users *os.File // locked; kept open until the process ends
}

var ours *ourServer // set by server

// server returns the address of the server, found or started once a process.
var server = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv("TEST_DATABASE_URL"); dsn != "" {
		return dsn, nil
	}
	dir, err := serverDir()
	if err != nil {
		return "", err
	}
	users, err := lockUsers(dir, syscall.LOCK_SH)
	if err != nil {
		return "", err
	}
	ours = &ourServer{dir: dir, users: users}
	return joinServer(dir, idleLimit)
})

// serverDir returns the folder of the tests' own server, which it makes.
func serverDir() (string, error) {
	parent := os.TempDir()
	var st syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &st); err == nil && uint64(st.Bavail)*uint64(st.Bsize) > roomInRAM {
		parent = "/dev/shm"
	}
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // data without fsync ends with the boot
	dir := filepath.Join(parent, fmt.Sprintf("orrery-pgtest-%d-%.8s", os.Geteuid(), boot))
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(owner.Uid) != os.Geteuid() {
		return "", fmt.Errorf("%s is not a folder of ours; remove it", dir)
	}
	return dir, nil
}

// lockUsers locks the file "users" until the returned file is closed, waiting for the guard
// when that is just ending the server.
func lockUsers(dir string, how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "users"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(err, f.Close())
		}
	}
}

// joinServer returns the address of the server in dir; when none answers it has a guard
// start one. The caller holds the lock on users.
func joinServer(dir string, idle time.Duration) (string, error) {
	if dsn, err := os.ReadFile(filepath.Join(dir, "dsn")); err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if conn, err := pgx.Connect(ctx, string(dsn)); err == nil {
			return string(dsn), conn.Close(ctx)
		}
	}
	return startGuard(dir, idle)
}

// startGuard starts this binary again as the guard of dir and returns the address it tells.
func startGuard(dir string, idle time.Duration) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	cmd := exec.Command(self)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), guardEnv+"="+idle.String()+" "+dir)
	cmd.ExtraFiles = []*os.File{w} // not its output: go test would wait for that to be closed
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := errors.Join(cmd.Start(), w.Close()); err != nil {
		return "", fmt.Errorf("start the guard of the test server: %w", err)
	}
	_ = cmd.Process.Release() // it outlives us: nobody waits for it
	_ = r.SetReadDeadline(time.Now().Add(patience))
	told, err := io.ReadAll(r)
	if err != nil {
		return "", fmt.Errorf("wait for the test server: %w", err)
	}
	if dsn, ok := strings.CutPrefix(string(told), "ready "); ok {
		return dsn, nil
	}
	return "", errors.New(string(told))
}

// guardMain runs the server and tells on file 3 its address, or why there is none.
func guardMain(task string) int {
	syscall.CloseOnExec(3) // the database must not hold it open
	tell := os.NewFile(3, "tell")
	idle, dir, _ := strings.Cut(task, " ")
	limit, err := time.ParseDuration(idle)
	if err == nil {
		err = guard(dir, limit, tell)
	}
	if err != nil {
		_, _ = io.WriteString(tell, err.Error()) // closed already when it was ready once
		return 1
	}
	return 0
}

func guard(dir string, limit time.Duration, tell *os.File) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	c, err := postgres.StartCluster(ctx, dir, log, nil, serverSettings...)
	if err != nil {
		return err
	}
	if !c.Shared() {
		err = errors.Join(
			os.WriteFile(filepath.Join(dir, "guard"), []byte(strconv.Itoa(os.Getpid())), 0o600),
			os.WriteFile(filepath.Join(dir, "dsn"), []byte(c.DSN()), 0o600))
	}
	_, e := io.WriteString(tell, "ready "+c.DSN())
	if err = errors.Join(err, e, tell.Close()); err != nil || c.Shared() {
		return errors.Join(err, c.Stop())
	}
	users := waitIdle(ctx, dir, limit, c.Done())
	err = c.Stop()
	if users != nil { // nobody can come in before it is closed
		for _, name := range []string{"dsn", "guard", "data", "socket", "kept", "log"} {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
		}
		err = errors.Join(err, users.Close())
	}
	return err
}

// waitIdle returns, with the exclusive lock on users, when nobody has used the server for
// the limit; with nil when ctx, the server or the folder has ended.
func waitIdle(ctx context.Context, dir string, limit time.Duration, gone <-chan struct{}) *os.File {
	used := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-gone:
			return nil
		case <-time.After(limit / 60):
		}
		users, err := lockUsers(dir, syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			used = time.Now()
			continue
		}
		if err != nil { // somebody removed the folder
			return nil
		}
		if kept, err := os.Stat(filepath.Join(dir, "kept")); err == nil && time.Since(kept.ModTime()) < keepLimit {
			used = time.Now()
		}
		if time.Since(used) >= limit {
			return users
		}
		_ = users.Close()
	}
}

// keep makes our server outlive the tests for a while, and says how long.
func keep() string {
	if ours == nil {
		return ""
	}
	if err := os.WriteFile(filepath.Join(ours.dir, "kept"), nil, 0o600); err != nil {
		return ""
	}
	return fmt.Sprintf(" for %.0f minutes", keepLimit.Minutes())
}
