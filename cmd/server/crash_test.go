package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestCrash kills the server and Postgres in turn while people save answers, and compares
// what clients were told with what the database holds. ORRERY_CRASH_CYCLES makes it longer.
func TestCrash(t *testing.T) {
	crash(t, max(crashCycles(), 4))
}

func crashCycles() int {
	cycles, _ := strconv.Atoi(os.Getenv("ORRERY_CRASH_CYCLES"))
	return cycles
}

func crash(t *testing.T, cycles int) {
	p := startProgram(t)
	org := p.organisation()
	savers := make([]*saver, 8)
	for i := range savers {
		savers[i] = &saver{browser: p.browser(), path: org.questions[i], tag: "saver " + strconv.Itoa(i)}
		savers[i].signIn(org)
	}
	for cycle := range cycles {
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, s := range savers {
			wg.Go(func() { s.saveUntil(ctx) })
		}
		time.Sleep(time.Duration(300+rand.IntN(500)) * time.Millisecond)
		if cycle%2 == 0 {
			p.kill()
			p.start()
		} else {
			killPostgres(t, p.dir)
			p.waitReady()
		}
		time.Sleep(300 * time.Millisecond)
		stop()
		wg.Wait()
	}
	p.compare(savers)
}

// saver saves one question over and over, and keeps what it was told is saved.
type saver struct {
	browser *browserless
	path    string
	tag     string
	n       int
	acked   []string // notes whose save was acknowledged
	sent    map[string]bool
}

func (s *saver) signIn(o organisation) {
	u, _ := url.Parse(s.browser.base)
	s.browser.Jar.SetCookies(u, []*http.Cookie{{Name: "orrery-session", Value: o.session, Path: "/"}})
	s.sent = map[string]bool{}
}

var shownVersion = regexp.MustCompile(`name="version" value="(\d+)"`)

// saveUntil saves until ctx ends. An error or a 5xx means that nobody knows: it reads the
// page again and goes on.
func (s *saver) saveUntil(ctx context.Context) {
	version := -1
	for ctx.Err() == nil {
		if version < 0 {
			status, page, err := s.browser.get(s.path)
			m := shownVersion.FindStringSubmatch(page)
			if err != nil || status != http.StatusOK || m == nil {
				time.Sleep(20 * time.Millisecond)
				continue
			}
			version, _ = strconv.Atoi(m[1])
		}
		s.n++
		notes := fmt.Sprintf("%s, save %d", s.tag, s.n)
		s.sent[notes] = true
		status, _, err := s.browser.post(s.path, url.Values{"version": {strconv.Itoa(version)}, "unknown": {"1"}, "notes": {notes}})
		if err == nil && status == http.StatusSeeOther {
			s.acked = append(s.acked, notes)
			version++
			continue
		}
		version = -1
	}
}

// killPostgres ends every process of the private Postgres at once.
func killPostgres(t *testing.T, dir string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "postgres", "*", "postmaster.pid"))
	if err != nil || len(found) != 1 {
		t.Fatalf("postmaster.pid: %v, %v", found, err)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.SplitN(string(b), "\n", 2)[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// compare holds the clients' logs against the table and the audit record.
func (p *program) compare(savers []*saver) {
	p.t.Helper()
	db, _ := p.open()
	defer func() { _ = db.close() }()
	rows, err := db.pool.Query(context.Background(), `select notes from answer_revisions where notes like 'saver %'`)
	if err != nil {
		p.t.Fatal(err)
	}
	stored := map[string]int{}
	for rows.Next() {
		var notes string
		if err := rows.Scan(&notes); err != nil {
			p.t.Fatal(err)
		}
		stored[notes]++
	}
	if rows.Err() != nil {
		p.t.Fatal(rows.Err())
	}
	acked, sent := 0, map[string]bool{}
	for _, s := range savers {
		acked += len(s.acked)
		for _, notes := range s.acked {
			if stored[notes] != 1 {
				p.t.Errorf("%q was acknowledged and is stored %d times", notes, stored[notes])
			}
		}
		for notes := range s.sent {
			sent[notes] = true
		}
	}
	for notes := range stored {
		if !sent[notes] {
			p.t.Errorf("%q is stored and nobody sent it", notes)
		}
	}
	if acked < 50 {
		p.t.Errorf("only %d saves were acknowledged: the test did not test", acked)
	}
	out, err := p.command("audit", "verify")
	if err != nil || !strings.HasPrefix(out, "Fine:") {
		p.t.Errorf("audit verify: %q, %v", out, err)
	}
	p.t.Logf("%d saves acknowledged, %d stored, %d in doubt; %s", acked, len(stored), len(stored)-acked, strings.TrimSpace(out))
}
