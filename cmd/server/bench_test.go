//go:build bench

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"orrery/internal/review"
	"orrery/internal/workload"
)

const (
	benchWorkloads = 200
	benchQuestions = 60
	benchClients   = 8
	benchTime      = 6 * time.Second
)

// TestBench prints the figures of docs/performance.md: make bench.
func TestBench(t *testing.T) {
	p := startProgram(t)
	o := p.organisation()
	b := p.seedBench(o)
	fmt.Printf("machine: %s; fsync of 8 kB on the data folder: %s\n", cpu(), fsyncLatency(t, p.dir))
	pages := []struct{ name, path string }{
		{"question page", b.question}, {"home of a review", b.home}, {"list of workloads", "/workloads"},
	}
	fmt.Printf("\n%d workloads, %d reviews of %d questions, %d connections, %s each\n", benchWorkloads, benchWorkloads, benchQuestions, benchClients, benchTime)
	fmt.Printf("%-20s %10s %9s %9s %9s | %12s %12s %6s\n", "page", "req/s", "p50", "p99", "bytes", "SQL only/s", "static/s", "of SQL")
	for _, page := range pages {
		p.benchPage(o, page.name, page.path)
	}
	p.benchSaves(o, b)
	p.benchPDF(o, b)
	fresh := startProgram(t)
	time.Sleep(5 * time.Second)
	fmt.Printf("\nmemory at rest (resident, without Postgres): %s\n", resident(t, fresh.cmd.Process.Pid))
	fmt.Printf("memory after the load above:                %s\n", resident(t, p.cmd.Process.Pid))
}

type benched struct {
	question, home string
	saves          []string // addresses of a question of eight reviews
}

// seedBench publishes a set of 60 questions and reviews 200 workloads with it.
func (p *program) seedBench(o organisation) benched {
	p.t.Helper()
	db, all := p.open()
	defer func() { _ = db.close() }()
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			p.t.Fatal(err)
		}
	}
	_, err := all.library.LoadShipped(ctx, fstest.MapFS{"bench.yaml": &fstest.MapFile{Data: []byte(benchSet())}})
	check(err)
	_, err = db.pool.Exec(ctx, `insert into review_types (key, name, description, questionnaires, gates_launch, gate_mode, valid_days, signoffs)
		values ('bench', 'Bench', 'x', '{bench}', true, 'enforce', 365, '{1,1,1}')`)
	check(err)
	var out benched
	var wg sync.WaitGroup
	var mu sync.Mutex
	for lane := range benchClients {
		wg.Go(func() {
			for i := lane; i < benchWorkloads; i += benchClients {
				home, question := seedReview(ctx, p.t, all, o, i)
				mu.Lock()
				if i == 17 {
					out.home, out.question = home, question
				}
				if i < benchClients {
					out.saves = append(out.saves, question)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	_, err = db.pool.Exec(ctx, `analyze`)
	check(err)
	return out
}

func seedReview(ctx context.Context, t testing.TB, all *services, o organisation, i int) (home, question string) {
	w, err := all.workloads.Create(ctx, o.member, workload.Input{Key: "bench-" + strconv.Itoa(i), Name: "Bench " + strconv.Itoa(i), TeamKey: "ledger", Tier: 1 + i%3, Stage: workload.Live})
	if err != nil {
		t.Error(err)
		return
	}
	r, err := all.reviews.Start(ctx, o.member, w.ID, review.StartInput{Type: "bench"})
	if err != nil {
		t.Error(err)
		return
	}
	sheet, err := all.reviews.Sheet(ctx, o.member, r.ID)
	if err != nil {
		t.Error(err)
		return
	}
	for n, e := range sheet.Entries() {
		in := review.AnswerInput{ReviewID: r.ID, Questionnaire: "bench", QuestionID: e.Question.ID, Notes: "The proof is in the wiki, page " + strconv.Itoa(n) + "."}
		for k, c := range e.Question.Choices {
			if !c.None && (n+k)%4 != 0 {
				in.Chosen = append(in.Chosen, c.ID)
			}
		}
		if _, err := all.reviews.SaveAnswer(ctx, o.member, in); err != nil {
			t.Error(err)
			return
		}
	}
	return r.Path(), sheet.QuestionPath(sheet.Entries()[benchQuestions/2])
}

// benchSet is a questionnaire of 60 questions with five choices each.
func benchSet() string {
	var b strings.Builder
	b.WriteString("key: bench\nname: Bench\nversion: 1.0.0\ndescription: Sixty questions.\nminutes: 60\nsections:\n")
	for s := range 6 {
		fmt.Fprintf(&b, "  - id: section_%d\n    name: Section %d\n    questions:\n", s, s)
		for q := range benchQuestions / 6 {
			fmt.Fprintf(&b, "      - id: question_%d_%d\n        title: Is part %d of area %d ready for its users?\n        phase: launch\n        max_risk: high\n", s, q, q, s)
			b.WriteString("        why: A part that is not ready fails on the first busy day, and nobody knows how to mend it.\n        good: The part was tried under the load of a busy day, and two people can mend it.\n        bring: [The log of the last drill]\n        choices:\n")
			for c, weight := range []string{"core", "core", "extra", "extra", "extra"} {
				fmt.Fprintf(&b, "          - id: choice_%d\n            title: We tried step %d of part %d in the last quarter.\n            weight: %s\n            first_step: {text: \"Try the step once, and write down how long it took.\"}\n", c, c, q, weight)
			}
		}
	}
	return b.String()
}

func (p *program) signedIn(o organisation) *browserless {
	b := p.browser()
	u, _ := url.Parse(b.base)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "orrery-session", Value: o.session, Path: "/"}})
	return b
}

// benchPage prints the page's figures beside what its SQL and its bytes alone allow.
func (p *program) benchPage(o organisation, name, path string) {
	p.t.Helper()
	status, body, err := p.signedIn(o).get(path)
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("%s: %d, %v", path, status, err)
	}
	got := hammer("http://"+p.addr+path, o.session)
	static := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = io.WriteString(w, body)
	}))
	plain := hammer(static.URL+"/", "")
	static.Close()
	statements := p.statements(o, path)
	sql := p.pgbench(statements)
	fmt.Printf("%-20s %10.0f %9s %9s %9d | %12.0f %12.0f %5.0f%%   (%d statements)\n", name, got.rate, round(got.p50), round(got.p99), len(body), sql, plain.rate, 100*got.rate/sql, len(statements))
	if got.failed > 0 {
		p.t.Errorf("%s: %d requests failed", name, got.failed)
	}
}

type figures struct {
	rate     float64
	p50, p99 time.Duration
	failed   int
}

// hammer asks for the address from eight connections for a while. It speaks plain HTTP/1.1
// by itself: the askers share the machine with the server, so they must cost little.
func hammer(address, session string) figures {
	u, err := url.Parse(address)
	if err != nil {
		return figures{failed: 1}
	}
	request := []byte("GET " + u.Path + " HTTP/1.1\r\nHost: " + u.Host + "\r\nCookie: orrery-session=" + session + "\r\n\r\n")
	var mu sync.Mutex
	var took []time.Duration
	failed := 0
	end := time.Now().Add(benchTime)
	var wg sync.WaitGroup
	for range benchClients {
		wg.Go(func() {
			mine, err := ask(u.Host, request, end)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			if err != nil {
				failed++
			}
		})
	}
	wg.Wait()
	if len(took) == 0 {
		return figures{failed: failed}
	}
	slices.Sort(took)
	return figures{float64(len(took)) / benchTime.Seconds(), took[len(took)/2], took[len(took)*99/100], failed}
}

// ask sends the request over one connection until end, and returns how long each took. An
// answer that is not 200, or without a length, ends it.
func ask(host string, request []byte, end time.Time) (took []time.Duration, err error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReaderSize(conn, 64<<10)
	for time.Now().Before(end) {
		start := time.Now()
		if _, err := conn.Write(request); err != nil {
			return took, err
		}
		length := -1
		for line := 0; ; line++ {
			text, err := r.ReadSlice('\n')
			if err != nil {
				return took, err
			}
			if line == 0 && !bytes.HasPrefix(text, []byte("HTTP/1.1 200")) {
				return took, fmt.Errorf("answer %q", text)
			}
			if value, ok := bytes.CutPrefix(text, []byte("Content-Length: ")); ok {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
			}
			if len(text) == 2 {
				break
			}
		}
		if length < 0 {
			return took, errors.New("an answer without a length")
		}
		if _, err := r.Discard(length); err != nil {
			return took, err
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}

// benchSaves saves answers from eight clients on eight reviews of different workloads.
func (p *program) benchSaves(o organisation, b benched) {
	p.t.Helper()
	var mu sync.Mutex
	var took []time.Duration
	end := time.Now().Add(benchTime)
	var wg sync.WaitGroup
	for _, path := range b.saves {
		wg.Go(func() {
			browser := p.signedIn(o)
			_, page, err := browser.get(path)
			m := shownVersion.FindStringSubmatch(page)
			if err != nil || m == nil {
				p.t.Errorf("%s: %v", path, err)
				return
			}
			version, _ := strconv.Atoi(m[1])
			var mine []time.Duration
			for n := 0; time.Now().Before(end); n++ {
				start := time.Now()
				status, _, err := browser.post(path, url.Values{"version": {strconv.Itoa(version)}, "choice": {"choice_0", "choice_1"}, "notes": {"save " + strconv.Itoa(n)}})
				if err != nil || status != http.StatusSeeOther {
					p.t.Errorf("save: %d, %v", status, err)
					return
				}
				version++
				mine = append(mine, time.Since(start))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	slices.Sort(took)
	fmt.Printf("\nanswer saves, %d clients on %d reviews, synchronous_commit on, audited: %.0f/s, p50 %s, p99 %s\n",
		benchClients, len(b.saves), float64(len(took))/benchTime.Seconds(), round(took[len(took)/2]), round(took[len(took)*99/100]))
}

func (p *program) benchPDF(o organisation, b benched) {
	p.t.Helper()
	browser := p.signedIn(o)
	var took []time.Duration
	size := 0
	for range 20 {
		start := time.Now()
		status, body, err := browser.get(b.home + "/report.pdf")
		if err != nil || status != http.StatusOK {
			p.t.Fatalf("PDF: %d, %v", status, err)
		}
		took, size = append(took, time.Since(start)), len(body)
	}
	slices.Sort(took)
	fmt.Printf("PDF of %d questions: p50 %s, slowest of 20 %s, %d kB\n", benchQuestions, round(took[10]), round(took[19]), size/1000)
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

func cpu() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	model := regexp.MustCompile(`model name\s*: (.*)`).FindStringSubmatch(string(b))
	if model == nil {
		return "unknown"
	}
	return fmt.Sprintf("%d x %s", strings.Count(string(b), "processor\t"), model[1])
}

// fsyncLatency is the median time of writing 8 kB and waiting for the disk.
func fsyncLatency(t testing.TB, dir string) time.Duration {
	f, err := os.CreateTemp(dir, "fsync")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	defer func() { _ = f.Close() }()
	var took []time.Duration
	for range 200 {
		start := time.Now()
		if _, err := f.WriteAt(make([]byte, 8192), 0); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[100].Round(time.Microsecond)
}

// resident is the memory of a process that is in RAM.
func resident(t testing.TB, pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmRSS:\s*(\d+) kB`).FindSubmatch(b)
	kb, _ := strconv.Atoi(string(m[1]))
	return fmt.Sprintf("%d MB", kb/1000)
}
