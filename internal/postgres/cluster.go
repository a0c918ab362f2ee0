package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
)

// Cluster is a private PostgreSQL in a folder of ours, run from installed binaries: either
// by this process, which restarts the server when it dies and stops it at the end, or by
// another one, with which it is shared.
type Cluster struct {
	dir    clusterDir
	shared bool
	socket string
	done   chan struct{}
	stop   chan struct{} // closed by Stop
	once   sync.Once

	log   *serverLog
	ready atomic.Bool // has answered once

	mu       sync.Mutex
	server   *os.Process // nil while none runs, and when shared
	stopping bool
	err      error // why done was closed without Stop
}

const (
	dbName       = "orrery" // the cluster's database and its role
	fastShutdown = 20 * time.Second
	watchOwner   = 300 * time.Millisecond
	shareWait    = 2 * time.Minute
	restartReset = time.Minute // a server that ran this long has all of its restarts again
)

// restartPauses are the waits before a server that died is started again, then we give up.
// Their sum outlasts the statement timeout: a left-over process may work that long, and the
// new server does not start before it has ended.
var restartPauses = []time.Duration{
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 5 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second,
}

// serverSettings are given on the command line, so that they win over postgresql.conf.
// Statements and details of errors stay out of the server's log: they would put people's
// data there, and the program logs its own failures.
var serverSettings = []string{
	"listen_addresses=", "port=" + port, "unix_socket_permissions=0700", "max_connections=60",
	"shared_buffers=128MB", "synchronous_commit=on", "jit=off", "random_page_cost=1.1",
	"log_min_messages=warning", "log_error_verbosity=terse", "log_min_error_statement=panic",
	"log_checkpoints=off", "log_destination=stderr", "logging_collector=off",
}

// StartCluster runs a private PostgreSQL on the data in dir, which it creates when it is
// not there, and returns when the database answers. There is one server for a folder: when
// another process runs it already, that one is shared. Data is never deleted, whatever is
// found in dir.
//
// The server listens on a Unix socket only, in dir or, when that path would be too long for
// a socket, in the temporary folder. As root it runs as the owner of the data, for new data
// as postgres or nobody. It ends when this program ends, also by kill -9 (except on macOS,
// where the next start ends it), and is restarted when it dies by itself.
//
// The server's log goes to log; say, which may be nil, is told in sentences about what
// takes time, perhaps from another goroutine. settings are name=value settings of PostgreSQL that win over ours.
//
// Unavailable, with a sentence for the operator, when PostgreSQL is not installed or not in
// the version of the data, when dir cannot be used, and when the server does not start.
func StartCluster(ctx context.Context, dir string, log io.Writer, say func(string), settings ...string) (*Cluster, error) {
	if say == nil {
		say = func(string) {}
	}
	d, err := openClusterDir(dir)
	if err != nil {
		return nil, err
	}
	for begun, told := time.Now(), false; ; {
		lock, err := d.tryLock(syscall.LOCK_EX)
		if err != nil {
			return nil, err
		}
		if lock != nil {
			return ownCluster(ctx, d, lock, log, say, settings)
		}
		c, err := shareCluster(ctx, d)
		if c != nil {
			return c, nil
		}
		waited := time.Since(begun)
		if !told && waited > 3*time.Second {
			say(fmt.Sprintf("Waiting for the other Orrery that starts the database in %s.", d.path))
			told = true
		}
		if waited > shareWait || !pause(ctx, 30*time.Millisecond) {
			return nil, fault.Wrap(fault.Unavailable, err, "Another Orrery holds the database in %s, but it does not answer.", d.path)
		}
	}
}

// ownCluster starts the server; lock is held as long as it runs.
func ownCluster(ctx context.Context, d clusterDir, lock *os.File, log io.Writer, say func(string), settings []string) (*Cluster, error) {
	c := &Cluster{dir: d, log: &serverLog{to: log}, done: make(chan struct{}), stop: make(chan struct{})}
	running := false
	defer func() {
		if !running {
			_ = lock.Close()
		}
	}()
	bin, err := d.prepareData(ctx, lock, say, settings)
	if err != nil {
		return nil, err
	}
	if c.socket, err = d.makeSocketDir(); err != nil {
		return nil, err
	}
	if err := d.endOldServer(ctx, say); err != nil {
		return nil, err
	}
	args := []string{"-D", d.data(), "-k", c.socket}
	for _, s := range append(serverSettings[:len(serverSettings):len(serverSettings)], settings...) {
		args = append(args, "-c", s)
	}
	running = true
	go c.supervise(lock, restartPauses, func() *exec.Cmd {
		cmd := d.command(bin, "postgres", syscall.SIGINT, args...)
		cmd.Stdout, cmd.Stderr = c.log, c.log
		cmd.WaitDelay = 5 * time.Second // processes it left behind hold the log open
		return cmd
	})
	if err := c.waitReady(ctx, say); err != nil {
		return nil, c.abandon(err)
	}
	return c, nil
}

// abandon stops a cluster whose start failed.
func (c *Cluster) abandon(err error) error {
	if e := c.Stop(); e != nil {
		return e // the server ended by itself, and said why
	}
	return err
}

// supervise keeps a server running until Stop, or until it has died more often than there
// are pauses. It owns its thread: the kernel signals a child when the thread that forked it
// ends.
func (c *Cluster) supervise(lock *os.File, pauses []time.Duration, command func() *exec.Cmd) {
	runtime.LockOSThread()
	defer close(c.done)
	defer func() { _ = lock.Close() }()
	defer c.leaveTemp()
	for died := 0; ; died++ {
		begun := time.Now()
		err := c.serve(command())
		if c.isStopping() {
			return
		}
		if time.Since(begun) > restartReset {
			died = 0
		}
		if died == len(pauses) || c.hopeless() {
			c.fail(c.serverFailed(err))
			return
		}
		c.log.note(fmt.Sprintf("The database server ended (%v) and is started again.", err))
		select {
		case <-c.stop:
			return
		case <-time.After(pauses[died]):
		}
	}
}

// leaveTemp removes the folder of a socket that had to be elsewhere.
func (c *Cluster) leaveTemp() {
	if c.socket != c.dir.socketDir() {
		_ = os.Remove(c.socket) // not while somebody put something there
	}
}

func (c *Cluster) serverFailed(err error) error {
	says := ""
	if words := c.log.lastWords(); words != "" {
		says = " It says: " + words
	}
	return fault.Wrap(fault.Unavailable, err, "The database server in %s does not keep running.%s", c.dir.path, says)
}

// serve runs one server to its end.
func (c *Cluster) serve(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	c.mu.Lock()
	c.server = cmd.Process
	if c.stopping {
		_ = c.server.Signal(syscall.SIGINT)
	}
	c.mu.Unlock()
	err := cmd.Wait()
	c.mu.Lock()
	c.server = nil
	c.mu.Unlock()
	if err == nil {
		err = errors.New("somebody stopped it")
	}
	return err
}

// hopeless reports whether the server failed before it ever answered, for a reason that
// trying again does not mend. What a killed server left behind ends by itself.
func (c *Cluster) hopeless() bool {
	words := c.log.lastWords()
	leftOver := strings.Contains(words, "shared memory block") || strings.Contains(words, "lock file")
	return !c.ready.Load() && !leftOver
}

// waitReady returns when the server answers and has our database, however long it takes to
// recover; or when it has ended, or ctx has.
func (c *Cluster) waitReady(ctx context.Context, say func(string)) error {
	slow := time.AfterFunc(5*time.Second, func() { say("The database is recovering from its last end; this may take a while.") })
	defer slow.Stop()
	for {
		err := makeDatabase(ctx, c.socket)
		if err == nil {
			c.ready.Store(true)
			return nil
		}
		select {
		case <-c.done:
			return err
		case <-ctx.Done():
			return fault.Wrap(fault.Unavailable, err, "The start of the database was cut short.")
		case <-time.After(15 * time.Millisecond):
		}
	}
}

// makeDatabase makes sure that the server in socket holds our database.
func makeDatabase(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, socketDSN(socket, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var there bool
	err = conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, dbName).Scan(&there)
	if err != nil || there {
		return err
	}
	_, err = conn.Exec(ctx, `create database `+dbName)
	return err
}

// shareCluster joins the server that another process runs. Without error and cluster when
// it is not ready yet.
func shareCluster(ctx context.Context, d clusterDir) (*Cluster, error) {
	server, err := d.readPidFile()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, socketDSN(server.socket, dbName))
	if err != nil {
		return nil, err
	}
	_ = conn.Close(ctx)
	c := &Cluster{dir: d, shared: true, socket: server.socket, done: make(chan struct{}), stop: make(chan struct{})}
	go c.watch()
	return c, nil
}

// watch ends a shared cluster when nobody holds the lock any more.
func (c *Cluster) watch() {
	defer close(c.done)
	for {
		select {
		case <-c.stop:
			return
		case <-time.After(watchOwner):
		}
		lock, err := c.dir.tryLock(syscall.LOCK_SH)
		if err == nil && lock == nil {
			continue
		}
		if lock != nil {
			_ = lock.Close()
		}
		c.fail(fault.Wrap(fault.Unavailable, err, "The Orrery that ran the database in %s has ended, and the database with it.", c.dir.path))
		return
	}
}

func (c *Cluster) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func (c *Cluster) isStopping() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopping
}

// DSN returns the address of the cluster's database. It stays the same when the server is
// restarted.
func (c *Cluster) DSN() string { return socketDSN(c.socket, dbName) }

// Shared reports whether another process runs the server.
func (c *Cluster) Shared() bool { return c.shared }

// Pid returns the id of the server's first process, 0 when none runs at the moment.
func (c *Cluster) Pid() int {
	if c.shared {
		server, err := c.dir.readPidFile()
		if err != nil {
			return 0
		}
		return server.pid
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return 0
	}
	return c.server.Pid
}

// Done is closed when the database is gone for good: after Stop, when the server cannot be
// kept running, and for a shared one when the process that ran it has ended. In the last
// case StartCluster on the same dir runs it anew at, as a rule, the same address, and pools
// on it recover.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Stop ends the server, cutting off who is still connected, and returns when it has ended;
// a shared one it only lets go. The error says why Done was closed before, if it was. It may
// be called again.
func (c *Cluster) Stop() error {
	c.once.Do(func() {
		close(c.stop)
		c.mu.Lock()
		c.stopping = true
		c.mu.Unlock()
		// SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for the clients. The
		// second, immediate one costs a recovery at the next start, but no data.
		for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
			c.signal(s)
			select {
			case <-c.done:
				return
			case <-time.After(fastShutdown):
			}
		}
	})
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *Cluster) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil {
		_ = c.server.Signal(s) // it may have ended just now
	}
}
