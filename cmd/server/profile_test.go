//go:build bench

package main

import (
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
