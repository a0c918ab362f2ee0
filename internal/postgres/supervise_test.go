package postgres

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// supervised runs scripts in the place of a server, one after the other.
func supervised(t *testing.T, ready bool, pauses int, scripts ...string) (c *Cluster, starts func() int) {
	t.Helper()
	c = &Cluster{dir: clusterDir{path: t.TempDir()}, log: &serverLog{}, done: make(chan struct{}), stop: make(chan struct{})}
	c.ready.Store(ready)
	lock, err := c.dir.tryLock(syscall.LOCK_EX)
	if err != nil || lock == nil {
		t.Fatal(lock, err)
	}
	n := 0
	go c.supervise(lock, make([]time.Duration, pauses), func() *exec.Cmd {
		cmd := exec.Command("/bin/sh", "-c", scripts[min(n, len(scripts)-1)])
		n++
		cmd.Stdout, cmd.Stderr = c.log, c.log
		return cmd
	})
	return c, func() int { <-c.done; return n }
}

func TestSuperviseGivesUp(t *testing.T) {
	c, starts := supervised(t, true, 3, "echo 'FATAL:  no room left'; exit 1")
	if got := starts(); got != 4 {
		t.Errorf("started it %d times, want 4", got)
	}
	wantSentence(t, c.Stop(), "does not keep running", "no room left")
	if lock, err := c.dir.tryLock(syscall.LOCK_EX); lock == nil || err != nil {
		t.Errorf("still holds the folder: %v", err)
	}
}

func TestSuperviseDoesNotRetryWhatIsHopeless(t *testing.T) {
	c, starts := supervised(t, false, 3, "echo 'FATAL:  configuration file contains errors'; exit 1")
	if got := starts(); got != 1 {
		t.Errorf("started it %d times, want 1", got)
	}
	wantSentence(t, c.Stop(), "contains errors")
}

func TestSuperviseWaitsForLeftOvers(t *testing.T) {
	c, starts := supervised(t, false, 9,
		"echo 'FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use'; exit 1",
		"echo 'FATAL:  lock file \"postmaster.pid\" already exists'; exit 1",
		"echo one; echo two; echo three; exit 1")
	if got := starts(); got != 3 {
		t.Errorf("started it %d times, want 3", got)
	}
	wantSentence(t, c.Stop(), "one / two / three")
}

func TestSuperviseStops(t *testing.T) {
	up := filepath.Join(t.TempDir(), "up")
	c, starts := supervised(t, true, 3, "trap 'exit 0' INT; touch "+up+"; while :; do sleep 0.01; done")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(up); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the script does not start")
		}
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	if got := starts(); got != 1 {
		t.Errorf("started it %d times, want 1", got)
	}
}

func TestSocketFolderOfSomebodyElseIsRefused(t *testing.T) {
	d := clusterDir{path: t.TempDir()}
	target := t.TempDir()
	if err := os.Chmod(target, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, plant := range map[string]func(path string) error{
		"a file":        func(p string) error { return os.WriteFile(p, nil, 0o777) },
		"a link":        func(p string) error { return os.Symlink(target, p) },
		"not private":   func(p string) error { _ = os.Mkdir(p, 0o755); return os.Chmod(p, 0o755) },
		"another owner": func(p string) error { _ = os.Mkdir(p, 0o700); return chownAway(p) },
	} {
		path := filepath.Join(d.path, "socket")
		if err := plant(path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := d.makeSocketDir(); err == nil || !strings.Contains(err.Error(), "is not a private folder") {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	if path, err := d.makeSocketDir(); err != nil || path != filepath.Join(d.path, "socket") {
		t.Errorf("%q, %v", path, err)
	}
}

// chownAway gives the folder to another account; who is not root makes it public instead.
func chownAway(path string) error {
	if os.Geteuid() != 0 {
		return os.Chmod(path, 0o711)
	}
	return os.Chown(path, 65534, 65534)
}
