package postgres

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"orrery/internal/fault"
)

// clusterDir is the folder of a private cluster:
//
//	data      the data folder of PostgreSQL; data.new while it is being made
//	socket    the folder of the Unix socket, for its owner only
//	lock      locked (flock) by the process that runs the server
type clusterDir struct {
	path string
	as   *syscall.Credential // whom the server runs as; nil for ourselves
}

func (d clusterDir) data() string      { return filepath.Join(d.path, "data") }
func (d clusterDir) socketDir() string { return filepath.Join(d.path, "socket") }

// openClusterDir makes sure that the folder is there and finds out whom the server runs as.
func openClusterDir(dir string) (clusterDir, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return clusterDir{}, fmt.Errorf("find the folder of the database: %w", err)
	}
	d := clusterDir{path: path}
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // the server's account has to pass through
	}
	if err := os.MkdirAll(path, mode); err != nil {
		return d, fault.Wrap(fault.Unavailable, err, "The folder %s for the database cannot be made.", path)
	}
	d.as, err = serverAccount(d.data())
	return d, err
}

// serverAccount returns whom the server runs as. PostgreSQL refuses to run as root and on
// data that belongs to another account.
func serverAccount(data string) (*syscall.Credential, error) {
	owner := -1
	var gid uint32
	if info, err := os.Stat(data); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			owner, gid = int(st.Uid), st.Gid
		}
	}
	if me := os.Geteuid(); me != 0 {
		if owner >= 0 && owner != me {
			return nil, fault.New(fault.Unavailable, "The database in %s belongs to %s. Start Orrery as %[2]s or as root.", data, accountName(owner))
		}
		return nil, nil
	}
	if owner > 0 {
		return &syscall.Credential{Uid: uint32(owner), Gid: gid}, nil
	}
	name, account := plainAccount()
	if account == nil {
		return nil, fault.New(fault.Unavailable, "PostgreSQL refuses to run as root, and there is no account postgres or nobody to run it as. Start Orrery as another user.")
	}
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err == nil && owner == 0 {
		return nil, fault.New(fault.Unavailable, "The database in %s belongs to root, as which PostgreSQL refuses to run. Give it to an account: chown -R %s %[1]s", data, name)
	}
	return account, nil
}

// plainAccount returns the account that root gives a new database to, nil when there is none.
func plainAccount() (string, *syscall.Credential) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return name, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return "", nil
}

func accountName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "user " + strconv.Itoa(uid)
}

// own gives a file or folder to the server's account.
func (d clusterDir) own(path string) error {
	if d.as == nil {
		return nil
	}
	return os.Lchown(path, int(d.as.Uid), int(d.as.Gid))
}

// tryLock takes the lock, shared or exclusive, until the file is closed. It returns nil when
// another process holds it.
func (d clusterDir) tryLock(how int) (*os.File, error) {
	path := filepath.Join(d.path, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = d.own(path)
	}
	if err == nil {
		err = syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	}
	if err == nil {
		return f, nil
	}
	if f != nil {
		_ = f.Close()
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, fault.Wrap(fault.Unavailable, err, "The folder %s of the database cannot be used.", d.path)
}

// prepareData makes the data folder when there is none and returns the binaries that fit.
func (d clusterDir) prepareData(ctx context.Context, lock *os.File, say func(string), settings []string) (bin string, err error) {
	version, err := os.ReadFile(filepath.Join(d.data(), "PG_VERSION"))
	switch {
	case err == nil:
		major, err := strconv.Atoi(strings.TrimSpace(string(version)))
		if err != nil {
			return "", fault.New(fault.Unavailable, "%s/PG_VERSION does not name a version of PostgreSQL.", d.data())
		}
		if bin, err = binariesFor(ctx, major, d.data()); err != nil {
			return "", err
		}
		return bin, d.checkReach(d.data())
	case !errors.Is(err, fs.ErrNotExist):
		return "", fault.Wrap(fault.Unavailable, err, "The database in %s cannot be read.", d.data())
	}
	if entries, err := os.ReadDir(d.data()); err == nil && len(entries) > 0 {
		return "", fault.New(fault.Unavailable, "%s holds files but no database. Move them away, or name another folder.", d.data())
	}
	if bin, err = binariesFor(ctx, 0, ""); err != nil {
		return "", err
	}
	say("Making a new database in " + d.path + ".")
	return bin, d.initdb(ctx, bin, lock, settings)
}

// initdb makes the data beside its place and moves it there when it is whole. The lock is
// left to initdb too: should we be killed, it is free only when initdb has ended.
func (d clusterDir) initdb(ctx context.Context, bin string, lock *os.File, settings []string) error {
	fresh := filepath.Join(d.path, "data.new")
	if err := os.RemoveAll(fresh); err != nil {
		return fault.Wrap(fault.Unavailable, err, "The half-made database in %s cannot be cleared away.", fresh)
	}
	err := os.Mkdir(fresh, 0o700)
	if err == nil {
		err = d.own(fresh)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "The folder %s for the database cannot be made.", fresh)
	}
	if err := d.checkReach(fresh); err != nil {
		return err
	}
	args := append([]string{"-D", fresh, "-U", dbName, "-E", "UTF8", "-k", "--auth-local=trust",
		"--auth-host=reject", "--no-instructions"}, localeArgs...)
	for _, s := range settings {
		if s == "fsync=off" {
			args = append(args, "--no-sync")
		}
	}
	cmd := d.command(bin, "initdb", syscall.SIGKILL, args...)
	cmd.ExtraFiles = []*os.File{lock}
	if out, err := runTiedToUs(ctx, cmd); err != nil {
		if ctx.Err() != nil {
			return fault.Wrap(fault.Unavailable, ctx.Err(), "The making of the database was cut short.")
		}
		return fault.Wrap(fault.Unavailable, err, "The database in %s could not be made. PostgreSQL's initdb says: %s", fresh, tail(out))
	}
	if err := os.Rename(fresh, d.data()); err != nil {
		return fmt.Errorf("put the new database in its place: %w", err)
	}
	return syncDir(d.path)
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// tail returns the last lines of a command's output as one.
func tail(out []byte) string {
	lines := strings.FieldsFunc(strings.TrimSpace(string(out)), func(r rune) bool { return r == '\n' })
	return strings.Join(lines[max(0, len(lines)-3):], " / ")
}

// checkReach makes sure that the account the server runs as can work in the folder: one
// above it may be private, as /root is.
func (d clusterDir) checkReach(folder string) error {
	if d.as == nil {
		return nil
	}
	args := []string{"-c", `for p; do test -x "$p" || { echo "$p"; exit 1; }; done; test -w "$p" || { echo "$p"; exit 1; }`, "sh"}
	var above []string
	for p := folder; ; p = filepath.Dir(p) {
		above = append([]string{p}, above...)
		if p == filepath.Dir(p) {
			break
		}
	}
	cmd := exec.Command("/bin/sh", append(args, above...)...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.as}
	out, err := cmd.Output()
	if err == nil {
		return nil
	}
	who := accountName(int(d.as.Uid))
	return fault.Wrap(fault.Unavailable, err, "The database server runs as %s, for PostgreSQL refuses to run as root, and %[1]s cannot pass %s. "+
		"Name a data folder elsewhere, such as /var/lib/orrery, or open that one with chmod a+x.", who, strings.TrimSpace(string(out)))
}

// command runs one of PostgreSQL's programs as the server's account, in a process group of
// its own (a Ctrl-C is for us, not for the database), sent end when we die.
func (d clusterDir) command(bin, name string, end syscall.Signal, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, name), args...)
	cmd.Dir = "/" // ours may be unreadable for the account
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=" + serverLocale, "TZ=UTC", "HOME=/"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.as, Setpgid: true}
	endWithUs(cmd.SysProcAttr, end)
	return cmd
}

// port only names the socket; it is given everywhere, because PGPORT may be set.
const port = "5432"

// socketPathMax is what macOS allows; Linux allows four bytes more.
const socketPathMax = 103

// makeSocketDir makes the folder of the socket: in dir, or in a temporary folder when the
// path is too long for a socket or holds a comma, which separates folders there.
func (d clusterDir) makeSocketDir() (string, error) {
	fits := func(p string) bool {
		return len(p)+len("/.s.PGSQL."+port) <= socketPathMax && !strings.ContainsAny(p, `,"`)
	}
	path := d.socketDir()
	if !fits(path) {
		name := fmt.Sprintf("orrery-%x", sha256.Sum256([]byte(d.path)))[:len("orrery-")+16]
		if path = filepath.Join(os.TempDir(), name); !fits(path) {
			path = filepath.Join("/tmp", name)
		}
	}
	err := os.Mkdir(path, 0o700)
	if err == nil {
		err = d.own(path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fault.Wrap(fault.Unavailable, err, "The folder %s for the database's socket cannot be made.", path)
	}
	return path, d.checkSocketDir(path)
}

// checkSocketDir refuses a folder that somebody else put in our place: who can enter it is
// let into the database.
func (d clusterDir) checkSocketDir(path string) error {
	want := uint32(os.Geteuid())
	if d.as != nil {
		want = d.as.Uid
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "The folder %s for the database's socket cannot be read.", path)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || st.Uid != want || info.Mode().Perm()&0o077 != 0 {
		return fault.New(fault.Unavailable, "%s, the folder of the database's socket, is not a private folder of %s. Remove it.", path, accountName(int(want)))
	}
	return nil
}

func socketDSN(socket, db string) string {
	u := url.URL{Scheme: "postgres", User: url.User(dbName), Path: "/" + db}
	// libpq does not read + as a space
	u.RawQuery = "host=" + strings.ReplaceAll(url.QueryEscape(socket), "+", "%20") + "&port=" + port + "&sslmode=disable"
	return u.String()
}

// pidFile is what a running server writes about itself.
type pidFile struct {
	pid    int
	socket string
}

// readPidFile reads data/postmaster.pid: the process id is its first line, the folder of the
// socket its fifth.
func (d clusterDir) readPidFile() (pidFile, error) {
	b, err := os.ReadFile(filepath.Join(d.data(), "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		lines = append(lines, strings.TrimSpace(s.Text()))
	}
	if len(lines) < 5 || lines[4] == "" {
		return pidFile{}, errors.New("postmaster.pid is not complete yet")
	}
	pid, err := strconv.Atoi(lines[0])
	return pidFile{pid: pid, socket: lines[4]}, err
}

// endOldServer waits until no server works on the data any more. When our process was
// killed, the lock is free while its server is still stopping or, on macOS, still running.
func (d clusterDir) endOldServer(ctx context.Context, say func(string)) error {
	for begun, told := time.Now(), false; ; {
		old, err := d.readPidFile()
		if err != nil {
			return nil // none, or one that the server itself will judge
		}
		if !isServer(old.pid, d.data()) {
			return d.disownPidFile(old.pid)
		}
		waited := time.Since(begun)
		if !told && waited > time.Second {
			say(fmt.Sprintf("Waiting for the database server that still runs as process %d.", old.pid))
			told = true
		}
		_ = syscall.Kill(old.pid, syscall.SIGINT)
		if waited > time.Minute || !pause(ctx, 30*time.Millisecond) {
			return fault.Wrap(fault.Unavailable, ctx.Err(), "A database server, process %d, still runs on %s. Stop it first.", old.pid, d.data())
		}
	}
}

// disownPidFile mends what keeps a server from starting after a kill: a postmaster.pid whose
// process id now belongs to something else, or to a zombie that nobody reaps, as in
// containers. PostgreSQL takes that for a running server, unless the id is its parent's: so
// ours is put in. The file itself stays, because PostgreSQL finds in it, and waits for, the
// shared memory that left-over processes may still use.
func (d clusterDir) disownPidFile(old int) error {
	if syscall.Kill(old, 0) != nil {
		return nil // the server sees by itself that this one is gone
	}
	path := filepath.Join(d.data(), "postmaster.pid")
	content, err := os.ReadFile(path)
	if err == nil {
		_, rest, _ := bytes.Cut(content, []byte("\n"))
		err = os.WriteFile(path, append(fmt.Appendf(nil, "%d\n", os.Getpid()), rest...), 0o600)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "What the last database server left in %s cannot be changed.", path)
	}
	return nil
}

// runTiedToUs runs a short command on this very thread, so that it ends with us, and ends it
// when ctx is done. It returns what the command wrote.
func runTiedToUs(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	err := cmd.Wait()
	return out.Bytes(), err
}
