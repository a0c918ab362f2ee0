package web_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"orrery/web/browsertest"
)

// eye is Chromium, which looks at pages as people see them.
type eye struct {
	*site
	ctx  context.Context
	said func() string // what pages and the browser complained about since the last call
}

func TestMain(m *testing.M) { os.Exit(browsertest.Main(m)) }

// look opens a window of Chromium. It holds the session of b, if there is one.
func (s *site) look(b *browser) *eye {
	s.Helper()
	ctx, stop, err := browsertest.Start()
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(stop)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	s.Cleanup(cancel)
	e := &eye{site: s, ctx: ctx}
	e.said = e.listen()
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.refused = []; addEventListener("securitypolicyviolation", e => refused.push(e.violatedDirective + " " + e.blockedURI))`}); err != nil {
		s.Fatal(err)
	}
	if b != nil {
		if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: sessionCookie, Value: b.session(), URL: s.URL}); err != nil {
			s.Fatal(err)
		}
	}
	return e
}

// listen collects complaints; a refused form is none.
func (e *eye) listen() func() string {
	var mu sync.Mutex
	var lines []string
	add := func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if !strings.Contains(line, "the server responded with a status of 4") {
			lines = append(lines, line)
		}
	}
	err := chromedp.Listen(e.ctx, func(event any) {
		switch what := event.(type) {
		case *runtime.EventExceptionThrown:
			add(what.ExceptionDetails.Text)
			if x := what.ExceptionDetails.Exception; x != nil {
				add(x.Description + " " + what.ExceptionDetails.URL)
			}
		case *runtime.EventConsoleAPICalled:
			add("console." + string(what.Type))
		case *log.EventEntryAdded:
			add(what.Entry.Text)
		}
	})
	if err != nil {
		e.Fatal(err)
	}
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		all := strings.Join(lines, "; ")
		lines = nil
		return all
	}
}

// eval gives the value of an expression in the page.
func eval[T any](e *eye, expression string) T {
	e.Helper()
	value, err := chromedp.Run(e.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		e.Fatalf("evaluate %.80s: %v", expression, err)
	}
	return value
}

// as sets the width of the window and the theme the system asks for.
func (e *eye) as(width int64, theme string) {
	e.Helper()
	_, err := chromedp.Call(e.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
	if err == nil {
		err = chromedp.Do(e.ctx, chromedp.EmulateViewport(width, 900))
	}
	if err != nil {
		e.Fatal(err)
	}
}

// open goes to an address of the site.
func (e *eye) open(path string) {
	e.Helper()
	if err := chromedp.Do(e.ctx, chromedp.Navigate(e.URL+path)); err != nil {
		e.Fatal(err)
	}
}

// unfold opens all that is folded, but the menus.
func (e *eye) unfold() {
	e.Helper()
	eval[chromedp.Void](e, `document.querySelectorAll("main details").forEach(d => { d.open = true })`)
}

// judge wants of the page that is open no finding of axe (WCAG 2.2 A and AA, best
// practices), nothing that the policy refused, no complaint, and no scrolling sideways, in
// both themes and down to 320 pixels (1280 at 400 % zoom). Where all its elements are of kinds
// that were judged before, axe looks at it in light at 1280 pixels, and at its colours in dark
// at 390. With PICTURES set to a folder it
// leaves pictures there.
func (e *eye) judge(name string) {
	e.Helper()
	_, fresh, err := browsertest.News(e.ctx)
	if err != nil {
		e.Fatal(err)
	}
	eval[chromedp.Void](e, browsertest.Axe)
	for _, v := range []struct {
		theme        string
		width        int64
		fresh, known string // what axe looks for
	}{{"light", 1280, axeRun, axeRun}, {"dark", 1280, axeColours, ""}, {"light", 390, axeColours, ""}, {"dark", 390, axeRun, axeColours}, {"light", 320, "", ""}} {
		label := name + "-" + v.theme + "-" + strconv.FormatInt(v.width, 10)
		e.as(v.width, v.theme)
		if found := e.axe(v.known, v.fresh, fresh); found != "" {
			e.Errorf("%s: axe finds\n%s", label, found)
		}
		if refused := eval[string](e, `refused.join("\n")`); refused != "" {
			e.Errorf("%s: the policy refused %s", label, refused)
		}
		if wide := eval[int64](e, `document.documentElement.scrollWidth`); wide > v.width {
			e.Errorf("%s: is %d wide and scrolls sideways", label, wide)
		}
		if words := e.said(); words != "" {
			e.Errorf("%s: console: %s", label, words)
		}
		if folder := os.Getenv("PICTURES"); folder != "" {
			e.picture(filepath.Join(folder, label+".png"))
		}
	}
}

// axe gives the findings of the rules for a page, which may be none.
func (e *eye) axe(known, fresh string, isFresh bool) string {
	e.Helper()
	rules := known
	if isFresh {
		rules = fresh
	}
	if rules == "" {
		return ""
	}
	return eval[string](e, rules)
}

// axeRun gives one line per finding; axeColours asks only for what a theme changes without
// changing the page: colours, and the size of what is pressed.
const (
	axeRun     = `axe.run({resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})` + axeLines
	axeColours = `axe.run({resultTypes: ["violations"], runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block", "target-size"]}})` + axeLines
	axeLines   = `.then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + " (" + v.impact + "): " + n.target.join(" ") + " " + n.failureSummary)).join("\n"))`
)

func (e *eye) picture(path string) {
	e.Helper()
	picture, err := chromedp.Run(e.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		e.Logf("no picture %s: %v", path, err) // a page may be too tall for one
		return
	}
	if err := os.WriteFile(path, picture, 0o600); err != nil {
		e.Fatal(err)
	}
}

// submit types values into fields, by name, and sends their form with its own button.
func (e *eye) submit(action string, fields ...string) {
	e.Helper()
	form := `form[action="` + action + `"]`
	for i := 0; i+1 < len(fields); i += 2 {
		field := chromedp.CSS(form + ` [name="` + fields[i] + `"]`)
		if err := chromedp.Do(e.ctx, chromedp.SetValue(field, fields[i+1])); err != nil {
			e.Fatalf("type into %s: %v", field, err)
		}
	}
	if _, err := chromedp.RunResponse(e.ctx, chromedp.Click(chromedp.CSS(form+` button[type="submit"]`))); err != nil {
		e.Fatalf("send %s: %v", action, err)
	}
}

// press clicks what leads to another page, and waits for it.
func (e *eye) press(selector string) {
	e.Helper()
	if _, err := chromedp.RunResponse(e.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		e.Fatalf("press %s: %v", selector, err)
	}
}

// wants fails unless the page says the words, which may come while it is open.
func (e *eye) wants(words ...string) {
	e.Helper()
	text := ""
	for _, w := range words {
		for range 50 {
			if text = eval[string](e, `document.body.innerText.replace(/\s+/g, " ")`); strings.Contains(text, w) {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if !strings.Contains(text, w) {
			e.Fatalf("%s does not say %q but:\n%s", eval[string](e, `location.pathname`), w, text)
		}
	}
}

func (e *eye) here() string { return eval[string](e, `location.pathname`) }
