//go:build bench

package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestProfile prints how long each benched page takes alone, best of 15, worked by a handler in
// this process, and writes a CPU profile of it under eight askers to the folder that
// ORRERY_PROFILES names. ORRERY_BENCH_PAGES chooses the pages.
func TestProfile(t *testing.T) {
	folder := os.Getenv("ORRERY_PROFILES")
	if folder == "" {
		t.Fatal("set ORRERY_PROFILES to a folder")
	}
	p := startProgram(t)
	o := p.organisation()
	b := p.seedBench(o, benchSetting("ORRERY_BENCH_WORKLOADS", 10_000))
	db, all := p.open()
	defer func() { _ = db.close() }()
	site := newSite(db, all, p.config(), newLog("error"))
	wanted := regexp.MustCompile(os.Getenv("ORRERY_BENCH_PAGES"))
	for _, page := range b.pages() {
		if !wanted.MatchString(page.name) {
			continue
		}
		best := time.Hour
		for range 15 {
			best = min(best, askHandler(t, site, page))
		}
		fmt.Printf("%-42s %9s alone\n", page.name, round(best))
		profilePage(t, site, page, folder)
	}
}

// profilePage writes the profile of a page under eight askers.
func profilePage(t *testing.T, site http.Handler, page benchPage, folder string) {
	f, err := os.Create(folder + "/" + strings.NewReplacer(" ", "-", ",", "", ":", "").Replace(page.name) + ".prof")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := pprof.StartCPUProfile(f); err != nil {
		t.Fatal(err)
	}
	defer pprof.StopCPUProfile()
	end := time.Now().Add(4 * time.Second)
	var wg sync.WaitGroup
	for range benchClients {
		wg.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				askHandler(t, site, page)
			}
		})
	}
	wg.Wait()
}

// askHandler asks for the page once and returns how long it took.
func askHandler(t *testing.T, site http.Handler, page benchPage) time.Duration {
	req := httptest.NewRequest(http.MethodGet, page.path, nil)
	req.AddCookie(&http.Cookie{Name: "orrery-session", Value: page.session})
	w := httptest.NewRecorder()
	start := time.Now()
	site.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Errorf("%s: %d", page.path, w.Code)
	}
	return time.Since(start)
}

// TestStatements prints what each benched page asks the database, with how long each statement
// takes alone, best of 15, planned as Postgres chooses and with its general plan.
// ORRERY_BENCH_PAGES chooses the pages; with ORRERY_EXPLAIN the plans of the slow ones follow.
func TestStatements(t *testing.T) {
	p := startProgram(t)
	o := p.organisation()
	b := p.seedBench(o, benchSetting("ORRERY_BENCH_WORKLOADS", 10_000))
	db, _ := p.open()
	defer func() { _ = db.close() }()
	wanted := regexp.MustCompile(os.Getenv("ORRERY_BENCH_PAGES"))
	for _, page := range b.pages() {
		if !wanted.MatchString(page.name) {
			continue
		}
		o.session = page.session
		list := p.statements(o, page.path)
		fmt.Printf("\n%s: %d statements\n", page.name, len(list))
		var sumFree, sumGeneral time.Duration
		for _, st := range list {
			free, general := timeStatement(t, db, st, "auto"), timeStatement(t, db, st, "force_generic_plan")
			sumFree, sumGeneral = sumFree+free, sumGeneral+general
			fmt.Printf("%9s %9s  %s\n", round(free), round(general), shorten(st.sql, 150))
			if os.Getenv("ORRERY_EXPLAIN") != "" && free > time.Millisecond {
				printPlan(t, db, st)
			}
		}
		fmt.Printf("%9s %9s  together\n", round(sumFree), round(sumGeneral))
	}
}

// timeStatement is the best of 15 runs of a prepared statement on one connection.
func timeStatement(t *testing.T, db *database, st statement, mode string) time.Duration {
	conn, err := db.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "set plan_cache_mode = "+mode); err != nil {
		t.Fatal(err)
	}
	best := time.Hour
	for range 15 {
		start := time.Now()
		rows, err := conn.Query(t.Context(), st.sql, st.args...)
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
		}
		if err != nil {
			t.Logf("%s: %v", shorten(st.sql, 80), err)
			return 0
		}
		best = min(best, time.Since(start))
	}
	return best
}

// printPlan prints how Postgres worked a statement.
func printPlan(t *testing.T, db *database, st statement) {
	rows, err := db.pool.Query(t.Context(), "explain (analyze, buffers, costs off) "+st.sql, st.args...)
	lines, err2 := pgx.CollectRows(rows, pgx.RowTo[string])
	if err := errors.Join(err, err2); err != nil {
		t.Errorf("explain: %v", err)
	}
	fmt.Printf("\t%s\n", strings.Join(lines, "\n\t"))
}

// shorten puts a statement on one line of at most n letters.
func shorten(sql string, n int) string {
	line := strings.Join(strings.Fields(sql), " ")
	return line[:min(n, len(line))]
}
