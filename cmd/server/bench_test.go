//go:build bench

package main

import (
	"cmp"
	"crypto/md5"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const benchClients = 8

// benchTime is how long each page is asked for: ORRERY_BENCH_SECONDS.
var benchTime = time.Duration(benchSetting("ORRERY_BENCH_SECONDS", 6)) * time.Second

// benchSetting reads a number from the environment.
func benchSetting(name string, normal int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return normal
}

// benchPage is a page that is asked for, and how fast 95 of 100 answers must be.
type benchPage struct {
	name, path, session string
	goal                time.Duration
	callers             int // 0: eight
}

// TestBench prints the figures of docs/performance.md and fails where a goal is missed: make
// bench. For a quick look ORRERY_BENCH_WORKLOADS and ORRERY_BENCH_SECONDS make the world and
// the time smaller, and ORRERY_BENCH_PAGES names the pages, as a regular expression.
func TestBench(t *testing.T) {
	p := startProgram(t)
	o := p.organisation()
	begin := time.Now()
	workloads := benchSetting("ORRERY_BENCH_WORKLOADS", 10_000)
	b := p.seedBench(o, workloads)
	fmt.Printf("machine: %s; fsync of 8 kB on the data folder: %s\n", cpu(), fsyncLatency(t, p.dir))
	fmt.Printf("load of the machine at the start, with the filling: %s; %s\n", loadAverage(), coreSpeed())
	fmt.Printf("%d workloads, %d rounds, filled in %s; %d connections, %s each, as a browser asks (gzip)\n\n",
		workloads, 2*workloads, time.Since(begin).Round(time.Second), benchClients, benchTime)
	p.settle()
	wanted := regexp.MustCompile(os.Getenv("ORRERY_BENCH_PAGES"))
	printHead()
	for _, page := range b.pages() {
		if wanted.MatchString(page.name) {
			p.benchPage(page)
		}
	}
	if wanted.MatchString("autosave") {
		p.benchSaves(o)
	}
	for _, path := range []string{"/", "/workloads", b.small.home, b.small.question, b.large.section} {
		p.benchFirstVisit(o, path)
	}
	if wanted.MatchString("share") {
		p.benchShares(o, b)
	}
	fresh := startProgram(t)
	time.Sleep(5 * time.Second)
	fmt.Printf("\nmemory at rest (resident, without Postgres): %s\n", resident(t, fresh.cmd.Process.Pid))
	fmt.Printf("load of the machine at the end: %s; %s\n", loadAverage(), coreSpeed())
	fmt.Printf("memory after the load above:                %s\n", resident(t, p.cmd.Process.Pid))
}

// pages lists what is asked for, with its goal.
func (b benched) pages() []benchPage {
	const ms = time.Millisecond
	page := func(name, path, session string, goal time.Duration) benchPage {
		return benchPage{name: name, path: path, session: session, goal: goal}
	}
	list := []benchPage{
		page("question, of 60", b.small.question, b.lead, 50*ms), page("question, of 300", b.large.question, b.lead, 50*ms),
		page("review home, of 60", b.small.home, b.lead, 80*ms), page("review home, of 300", b.large.home, b.lead, 80*ms),
		page("section of 10 on one page", b.small.section, b.lead, 100*ms), page("section of 60 on one page", b.large.section, b.lead, 100*ms),
		page("home of a lead", "/", b.lead, 50*ms), page("home of the approver of all", "/", b.approver, 50*ms),
		page("dashboard", "/dashboard", b.lead, 150*ms), page("dashboard of the approver", "/dashboard", b.approver, 150*ms),
		page("dashboard of a team", "/dashboard?team=team-7", b.lead, 150*ms), page("dashboard of a set", "/dashboard?set=orr", b.lead, 150*ms),
	}
	list = append(list, b.list...)
	list = append(list, page("reviews, first", "/reviews", b.lead, 0), page("items, first", "/items", b.lead, 0))
	for _, callers := range []int{1, benchClients} {
		for _, pdf := range []benchPage{{name: "PDF of 60", path: b.small.home, goal: 300 * ms}, {name: "PDF of 300", path: b.large.home, goal: time.Second}} {
			list = append(list, benchPage{fmt.Sprintf("%s, %d at once", pdf.name, callers), pdf.path + "/report.pdf", b.lead, pdf.goal, callers})
		}
	}
	return list
}

func printHead() {
	fmt.Printf("%-42s %9s %9s %9s %9s %9s %9s %9s\n", "page", "req/s", "p50", "p95", "p99", "goal p95", "CPU", "bytes")
}

// judge asks, prints a line of figures, and fails when the goal is missed. CPU is what server
// and database worked for one answer: others who use the machine do not change it much.
func (p *program) judge(name string, d time.Duration, askers []asker, goal time.Duration) {
	p.t.Helper()
	before := p.worked()
	f := hammer(p.addr, d, askers)
	each := (p.worked() - before) / time.Duration(max(f.count, 1))
	word := ""
	if goal > 0 && f.p95 >= goal {
		word = "  MISSED"
		p.t.Errorf("%s: p95 %s, want under %s", name, round(f.p95), goal)
	}
	fmt.Printf("%-42s %9.0f %9s %9s %9s %9s %9s %9d%s\n", name, f.rate, round(f.p50), round(f.p95), round(f.p99), goal, round(each), f.bytes, word)
	if f.failed != nil {
		p.t.Errorf("%s: %v", name, f.failed)
	}
}

// settle waits until server and database have worked off what the filling left behind, thirty
// seconds at most, and prints what they still do by themselves.
func (p *program) settle() {
	const look = 2 * time.Second
	for range 15 {
		before := p.worked()
		time.Sleep(look)
		idle := p.worked() - before
		fmt.Printf("of one core, unasked: %d%%\n", 100*idle/look)
		if idle < look/50 {
			return
		}
	}
}

// benchPage asks for the page as eight browsers would.
func (p *program) benchPage(page benchPage) {
	p.t.Helper()
	request := getRequest(p.addr, page.path, page.session, true)
	warm := time.Now()
	f := hammer(p.addr, time.Nanosecond, everyone(request))
	once := time.Since(warm)
	if f.failed == nil { // each connection to the database plans a statement anew, the first times
		f = hammer(p.addr, time.Second, everyone(request))
	}
	if f.failed != nil {
		p.t.Errorf("%s: %v", page.name, f.failed)
		return
	}
	d := max(benchTime, min(4*once, 30*time.Second)) // slow ones need longer for a p95
	p.judge(page.name, d, everyone(request)[:cmp.Or(page.callers, benchClients)], page.goal)
}

// everyone asks the same again and again.
func everyone(request []byte) []asker {
	list := make([]asker, benchClients)
	for i := range list {
		list[i] = func([]byte) []byte { return request }
	}
	return list
}

func getRequest(host, path, session string, packed bool) []byte {
	head := "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nCookie: orrery-session=" + session + "\r\n"
	if packed {
		head += "Accept-Encoding: gzip\r\n"
	}
	return []byte(head + "\r\n")
}

var storedVersion = regexp.MustCompile(`"version":(\d+)`)

// benchSaves saves answers by themselves from eight pages, each of a review of another workload.
func (p *program) benchSaves(o organisation) {
	p.t.Helper()
	askers := make([]asker, 0, benchClients)
	for _, path := range o.questions {
		_, page, err := p.signedIn(o).get(path)
		m := shownVersion.FindStringSubmatch(page)
		if err != nil || m == nil {
			p.t.Errorf("%s: %v", path, err)
			return
		}
		version, n := m[1], 0
		askers = append(askers, func(last []byte) []byte {
			if m := storedVersion.FindSubmatch(last); m != nil {
				version = string(m[1])
			}
			n++
			body := url.Values{"version": {version}, "notes": {"save " + strconv.Itoa(n)}}.Encode()
			return []byte("POST " + path + " HTTP/1.1\r\nHost: " + p.addr + "\r\nCookie: orrery-session=" + o.session + "\r\nAccept: application/json\r\n" +
				"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
		})
	}
	p.judge("autosave, on 8 reviews", benchTime, askers, 50*time.Millisecond)
}

var linkedFile = regexp.MustCompile(`"(/static/[^"#]+)`)

// benchFirstVisit adds up what a browser that has nothing yet loads for a page.
func (p *program) benchFirstVisit(o organisation, path string) {
	p.t.Helper()
	const goal = 100_000
	_, page, err := p.signedIn(o).get(path)
	if err != nil {
		p.t.Error(err)
		return
	}
	total, files := p.packed(o, path), 0
	links := linkedFile.FindAllStringSubmatch(page, -1)
	slices.SortFunc(links, func(a, b []string) int { return strings.Compare(a[1], b[1]) })
	for _, link := range slices.CompactFunc(links, func(a, b []string) bool { return a[1] == b[1] }) {
		total, files = total+p.packed(o, link[1]), files+1
	}
	word := ""
	if total >= goal {
		word = "  MISSED"
		p.t.Errorf("first visit of %s: %d bytes, want under %d", path, total, goal)
	}
	fmt.Printf("first visit: %6d bytes with %d files, compressed, goal %d: %s%s\n", total, files, goal, path, word)
}

// packed is how many bytes the answer has as a browser asks for it.
func (p *program) packed(o organisation, path string) int {
	f := hammer(p.addr, time.Nanosecond, []asker{func([]byte) []byte { return getRequest(p.addr, path, o.session, true) }})
	if f.failed != nil {
		p.t.Errorf("%s: %v", path, f.failed)
	}
	return f.bytes
}

// benchShares prints the figures of pages beside what their SQL and their bytes alone allow.
func (p *program) benchShares(o organisation, b benched) {
	p.t.Helper()
	fmt.Printf("\nwithout compression, beside what the SQL alone and the bytes alone allow\n")
	fmt.Printf("%-20s %10s %9s %9s %9s | %12s %12s %6s\n", "page", "req/s", "p50", "p99", "bytes", "SQL only/s", "static/s", "of SQL")
	for _, page := range []benchPage{{name: "question, of 60", path: b.small.question}, {name: "review home, of 60", path: b.small.home}, {name: "list of workloads", path: "/workloads"}} {
		status, body, err := p.signedIn(o).get(page.path)
		if err != nil || status != http.StatusOK {
			p.t.Fatalf("%s: %d, %v", page.path, status, err)
		}
		got := hammer(p.addr, benchTime, everyone(getRequest(p.addr, page.path, o.session, false)))
		static := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write([]byte(body))
		}))
		address := static.Listener.Addr().String()
		plain := hammer(address, benchTime, everyone(getRequest(address, "/", "", false)))
		static.Close()
		statements := p.statements(o, page.path)
		sql := p.pgbench(statements)
		fmt.Printf("%-20s %10.0f %9s %9s %9d | %12.0f %12.0f %5.0f%%   (%d statements)\n", page.name, got.rate, round(got.p50), round(got.p99), len(body), sql, plain.rate, 100*got.rate/sql, len(statements))
	}
}

func (p *program) signedIn(o organisation) *browserless {
	b := p.browser()
	u, _ := url.Parse(b.base)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "orrery-session", Value: o.session, Path: "/"}})
	return b
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

// coreSpeed tells how fast the cores are just now, all at work: a virtual machine's change
// with its neighbours, by half and more.
func coreSpeed() string {
	const each = 100 << 20
	block := make([]byte, 1<<20)
	start := time.Now()
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			sum := md5.New()
			for range each / len(block) {
				_, _ = sum.Write(block)
			}
		})
	}
	wg.Wait()
	return fmt.Sprintf("a core hashes %.0f MB/s (MD5)", each/1e6/time.Since(start).Seconds())
}

// loadAverage is how many processes wanted a core, in the last 1, 5 and 15 minutes.
func loadAverage() string {
	b, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(b))[:3], " ")
}

// worked is the processor time of the server and of its PostgreSQL so far.
func (p *program) worked() time.Duration {
	b, err := os.ReadFile(filepath.Join(p.dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		p.t.Fatal(err)
	}
	postmaster, _, _ := strings.Cut(string(b), "\n")
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	ticks := 0
	for _, name := range files {
		b, _ := os.ReadFile(name) // a process may be gone
		_, after, ok := strings.Cut(string(b), ") ")
		f := strings.Fields(after) // state, parent, ...
		if pid := filepath.Base(filepath.Dir(name)); !ok || len(f) < 13 || pid != strconv.Itoa(p.cmd.Process.Pid) && pid != postmaster && f[1] != postmaster {
			continue
		}
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		ticks += user + system
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
