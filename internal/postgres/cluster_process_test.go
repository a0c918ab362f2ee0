package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"orrery/internal/postgres"
)

// clusterEnv turns this test binary into a program that runs a cluster in that folder: it
// writes "ready <pid> <shared> <dsn>" when the database answers, and "stopped <error>" at
// its end, which comes with SIGTERM or with the cluster's.
const clusterEnv = "ORRERY_TEST_CLUSTER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(clusterEnv); dir != "" {
		runProgram(dir)
		return
	}
	os.Exit(m.Run())
}

func runProgram(dir string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c, err := postgres.StartCluster(ctx, dir, os.Stderr, nil, "fsync=off")
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	fmt.Println("ready", c.Pid(), c.Shared(), c.DSN())
	select {
	case <-ctx.Done():
	case <-c.Done():
	}
	fmt.Println("stopped", c.Stop())
}

// program is this binary, running a cluster.
type program struct {
	cmd *exec.Cmd
	out *bufio.Scanner
}

func startProgram(t *testing.T, dir string) *program {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), clusterEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd, bufio.NewScanner(out)}
	t.Cleanup(func() { _ = p.kill() })
	return p
}

// says returns the next line.
func (p *program) says(t *testing.T) string {
	t.Helper()
	late := time.AfterFunc(time.Minute, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	if !p.out.Scan() {
		t.Fatalf("the program has ended without a word, %v", p.out.Err())
	}
	return p.out.Text()
}

// ready waits for the database and returns the server's pid and its address.
func (p *program) ready(t *testing.T) (pid int, dsn string) {
	t.Helper()
	line := p.says(t)
	var shared bool
	if _, err := fmt.Sscanf(line, "ready %d %t %s", &pid, &shared, &dsn); err != nil {
		t.Fatalf("the program says %q", line)
	}
	return pid, dsn
}

func (p *program) kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// terminate ends the program in order and returns its last line.
func (p *program) terminate(t *testing.T) string {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	line := p.says(t)
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
	return line
}

// folder returns a new folder that another account may pass, unlike t.TempDir.
func folder(t *testing.T) string {
	t.Helper()
	base := ""
	if _, err := os.Stat("/dev/shm"); err == nil {
		base = "/dev/shm"
	}
	dir, err := os.MkdirTemp(base, "orrery-cluster-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// testLog passes a server's log to the test's.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// startCluster starts one that ends with the test.
func startCluster(t *testing.T, dir string) *postgres.Cluster {
	t.Helper()
	c, err := postgres.StartCluster(t.Context(), dir, testLog{t}, func(s string) { t.Log(s) }, "fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	return c
}

// gone waits until the process has ended; a zombie has.
func gone(t *testing.T, pid int) {
	t.Helper()
	if pid == 0 {
		t.Fatal("no process was named")
	}
	within(t, 20*time.Second, fmt.Sprintf("the end of process %d", pid), func() bool {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // none on macOS
		return syscall.Kill(pid, 0) != nil || strings.Contains(string(stat), ") Z ")
	})
}

func within(t *testing.T, d time.Duration, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain for %s", d, what)
		}
	}
}
