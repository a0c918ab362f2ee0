//go:build bench

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/pprof"
	"sync"
	"testing"
	"time"
)

// TestProfile writes CPU profiles of the benched pages, worked by a handler in this process
// with eight askers, to the folder that ORRERY_PROFILES names.
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
	for name, path := range map[string]string{
		"question": b.small.question, "home": b.small.home, "section": b.large.section, "workloads": "/workloads", "dashboard": "/dashboard", "mywork": "/", "pdf": b.large.home + "/report.pdf",
	} {
		f, err := os.Create(folder + "/" + name + ".prof")
		if err != nil {
			t.Fatal(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(4 * time.Second)
		var wg sync.WaitGroup
		for range benchClients {
			wg.Go(func() {
				for time.Now().Before(end) {
					req := httptest.NewRequest(http.MethodGet, path, nil)
					req.AddCookie(&http.Cookie{Name: "orrery-session", Value: o.session})
					w := httptest.NewRecorder()
					site.ServeHTTP(w, req)
					if w.Code != http.StatusOK {
						t.Errorf("%s: %d", path, w.Code)
						return
					}
				}
			})
		}
		wg.Wait()
		pprof.StopCPUProfile()
		_ = f.Close()
	}
}
