package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"orrery/web/browsertest"
)

// binary builds the program once for all tests of this package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "orrery-program-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "orrery")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

// TestMain removes what binary built and ends the browsers.
func TestMain(m *testing.M) {
	code := browsertest.Main(m)
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// program is the built program, running on a data folder of its own.
type program struct {
	t    testing.TB
	dir  string
	addr string
	env  []string
	cmd  *exec.Cmd
	gone chan struct{} // closed when the program has ended
	link string        // the one-time link it printed, if any
	mu   sync.Mutex
	out  strings.Builder
}

// dataFolder is a folder that the user Postgres drops to may reach.
func dataFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "orrery-data-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// startProgram starts the program with a private Postgres and waits until it is ready.
func startProgram(t testing.TB, env ...string) *program {
	t.Helper()
	p := &program{t: t, dir: dataFolder(t), addr: freeAddress(t), env: env}
	p.start()
	t.Cleanup(p.stop)
	return p
}

func (p *program) environ() []string {
	return append(os.Environ(), append([]string{
		"ORRERY_DATA=" + p.dir, "ORRERY_LISTEN=" + p.addr, "DATABASE_URL=", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}, p.env...)...)
}

var oneTimeLink = regexp.MustCompile(`http://\S+/link/\S+`)

func (p *program) start(args ...string) {
	p.t.Helper()
	path, err := binary()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(path, args...)
	p.cmd.Env = p.environ()
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	read := make(chan struct{})
	go func() { p.read(out); close(read) }()
	cmd, gone := p.cmd, make(chan struct{})
	go func() { <-read; _ = cmd.Wait(); close(gone) }()
	p.gone = gone
	p.waitReady()
}

func (p *program) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		p.mu.Lock()
		p.out.WriteString(lines.Text() + "\n")
		if link := oneTimeLink.FindString(lines.Text()); link != "" {
			p.link = link
		}
		p.mu.Unlock()
	}
}

// said returns what the program printed so far.
func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// adminLink waits for the one-time link of the first admin.
func (p *program) adminLink() string {
	p.t.Helper()
	for range 200 {
		p.mu.Lock()
		link := p.link
		p.mu.Unlock()
		if link != "" {
			return link
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Fatalf("no link was printed:\n%s", p.said())
	return ""
}

func (p *program) waitReady() {
	p.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for time.Now().Before(deadline) {
		resp, err := http.Get("http://" + p.addr + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-p.gone:
			p.t.Fatalf("the program ended:\n%s", p.said())
		case <-time.After(20 * time.Millisecond):
		}
	}
	p.t.Fatalf("the program is not ready:\n%s", p.said())
}

// kill ends the program as a power cut would, and waits for it to be gone.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.gone
}

// stop asks the program to end and waits.
func (p *program) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
	case <-time.After(40 * time.Second):
		p.t.Errorf("the program did not stop:\n%s", p.said())
		p.kill()
	}
}

// command runs another command of the program on the same data and returns what it printed.
func (p *program) command(args ...string) (string, error) {
	path, err := binary()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = p.environ()
	out, err := cmd.Output()
	return string(out), err
}

// browserless is a person's browser without script: it keeps cookies and follows nothing.
type browserless struct {
	*http.Client
	base string
}

func (p *program) browser() *browserless {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &browserless{base: "http://" + p.addr, Client: &http.Client{
		Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// post sends a form and returns the status and where it leads.
func (b *browserless) post(path string, form url.Values) (status int, location string, err error) {
	resp, err := b.PostForm(b.base+path, form)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("Location"), err
}

// get returns the status and body of a page.
func (b *browserless) get(path string) (status int, body string, err error) {
	resp, err := b.Get(b.base + path)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	page, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(page), err
}

// mustPost posts a form that must be taken, and returns where it leads.
func (b *browserless) mustPost(t testing.TB, path string, form url.Values) string {
	t.Helper()
	status, location, err := b.post(path, form)
	if err != nil || status != http.StatusSeeOther {
		t.Fatalf("POST %s: status %d, %v", path, status, err)
	}
	return location
}
