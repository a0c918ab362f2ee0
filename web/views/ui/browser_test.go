package ui_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"orrery/web/static"
	"orrery/web/views/ui"
)

// policy is the strictest content security policy pages must live under.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"

// serveGallery shows every gallery page under its name.
func serveGallery(t *testing.T) (address string, names []string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(static.Prefix, static.Handler())
	for name, component := range gallery() {
		names = append(names, name)
		var body bytes.Buffer
		if err := component.Render(t.Context(), &body); err != nil {
			t.Fatalf("render %s: %v", name, err)
		}
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(body.Bytes())
		})
	}
	mux.HandleFunc("POST /refuse", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = ui.ErrorSummary(formErrors[:1]).Render(t.Context(), w)
	})
	mux.HandleFunc("POST /keep", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("HX-Trigger", "orrery:saved")
		_, _ = w.Write([]byte("<b>Kept</b>"))
	})
	mux.HandleFunc("POST /saving", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<p id="received">Received</p>`))
	})
	sort.Strings(names)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, names
}

// browser starts Chromium; the context ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start Chromium (Debian package chromium): %v", err)
	}
	// a page in a headless browser has no focus of its own
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	ctx, stop = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(stop)
	return ctx
}

// view is one way to look at a page.
type view struct {
	theme string
	width int64
}

func (v view) open(ctx context.Context, address string) error {
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.theme}}}); err != nil {
		return err
	}
	return chromedp.Do(ctx, chromedp.EmulateViewport(v.width, 900), chromedp.Navigate(address))
}

// eval gives the value of an expression in the page.
func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("evaluate %.80s: %v", expression, err)
	}
	return value
}

// TestGalleryInBrowser opens every component in both themes at two widths, and
// at 320 pixels (1280 at 400 % zoom), and wants no finding of axe (WCAG 2.2 A and AA, best practices), nothing refused
// by the policy, no script error and no sideways scrolling. With GALLERY set to
// a folder it also leaves pictures there to look at.
func TestGalleryInBrowser(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join("..", "..", "browsertest", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	address, names := serveGallery(t)
	ctx := browser(t)
	said := console(t, ctx)
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.refused = []; addEventListener("securitypolicyviolation", e => refused.push(e.violatedDirective + " " + e.blockedURI))`}); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		for _, v := range []view{{"light", 1280}, {"dark", 1280}, {"light", 390}, {"dark", 390}, {"light", 320}} {
			label := name + "-" + v.theme + "-" + itoa(int(v.width))
			if err := v.open(ctx, address+"/"+name); err != nil {
				t.Fatalf("%s: %v", label, err)
			}
			eval[chromedp.Void](t, ctx, string(axe))
			if found := eval[string](t, ctx, axeRun); found != "" {
				t.Errorf("%s: axe finds\n%s", label, found)
			}
			if refused := eval[string](t, ctx, `refused.join("\n")`); refused != "" {
				t.Errorf("%s: the policy refused %s", label, refused)
			}
			if wide := eval[int64](t, ctx, `document.documentElement.scrollWidth`); wide > v.width {
				t.Errorf("%s: is %d wide and scrolls sideways", label, wide)
			}
			if words := said(); words != "" {
				t.Errorf("%s: console: %s", label, words)
			}
			if folder := os.Getenv("GALLERY"); folder != "" {
				savePicture(t, ctx, filepath.Join(folder, label+".png"))
			}
		}
	}
}

// axeRun gives one line per finding.
const axeRun = `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
	r.violations.flatMap(v => v.nodes.map(n => v.id + " (" + v.impact + "): " + n.target.join(" ") + " " + n.failureSummary)).join("\n"))`

// console collects what pages and the browser complain about; the function
// returns what came since it was last called.
func console(t *testing.T, ctx context.Context) func() string {
	t.Helper()
	var mu sync.Mutex
	var lines []string
	err := chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			lines = append(lines, e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			lines = append(lines, "console."+string(e.Type))
		case *log.EventEntryAdded:
			lines = append(lines, e.Entry.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		all := strings.Join(lines, "; ")
		lines = nil
		return all
	}
}

func savePicture(t *testing.T, ctx context.Context, path string) {
	t.Helper()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, picture, 0o600); err != nil {
		t.Fatal(err)
	}
}
