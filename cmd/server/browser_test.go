package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"orrery/web/browsertest"
)

// tab is one person at a browser of their own.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
}

// newTab opens a window for one person.
func newTab(t *testing.T, base string) *tab {
	t.Helper()
	ctx, stop, err := browsertest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	b := &tab{t: t, ctx: ctx, base: base}
	b.do("resize", chromedp.EmulateViewport(1280, 1000))
	return b
}

func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, time.Minute)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.picture("failed")
		b.t.Fatalf("%s at %s: %v", what, b.where(), err)
	}
}

func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, time.Minute)
	defer stop()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluate %.100s: %v", expression, err)
	}
	return value
}

func (b *tab) where() string {
	where, _ := chromedp.Run(b.ctx, chromedp.Location())
	return strings.TrimPrefix(where, b.base)
}

// open goes to a page and lets axe look at it.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do("open "+path, chromedp.Navigate(b.base+path))
	b.check()
}

// fill types into the field with the name, replacing what is there.
func (b *tab) fill(name, value string) {
	b.t.Helper()
	b.do("fill "+name, chromedp.SetValue(chromedp.CSS(named(name)), value))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// send clicks what leaves the page, and waits for the next one.
func (b *tab) send(selector string) {
	b.t.Helper()
	eval[bool](b, `window.here = true`)
	b.click(selector)
	for range 400 {
		gone, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`window.here === undefined && document.readyState === "complete"`))
		if err == nil && gone {
			b.check()
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	b.picture("stuck")
	b.t.Fatalf("clicking %s at %s led nowhere", selector, b.where())
}

func (b *tab) text() string { return eval[string](b, `document.body.innerText`) }

// wants fails unless the page says all the words.
func (b *tab) wants(words ...string) {
	b.t.Helper()
	text := b.text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			b.picture("wants")
			b.t.Fatalf("%s does not say %q but:\n%s", b.where(), w, text)
		}
	}
}

func named(name string) string { return fmt.Sprintf(`[name=%q]`, name) }

// check lets axe look at a page that has anything new: no serious or critical finding of WCAG
// 2.2 A and AA. An address that is new is looked at in both themes and at two widths, what is
// new on one that is known in light at 1280 and in dark at 390 pixels.
func (b *tab) check() {
	b.t.Helper()
	address, element, err := browsertest.News(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	if !address && !element {
		return
	}
	eval[chromedp.Void](b, browsertest.Axe)
	for _, v := range []struct {
		theme, rules string
		width        int64
		again        bool
	}{{"light", axeRun, 1280, true}, {"light", axeRun, 390, false}, {"dark", axeColours, 1280, false}, {"dark", axeColours, 390, true}} {
		if address || v.again {
			b.judge(v.theme, v.width, v.rules)
		}
	}
	b.do("resize", chromedp.EmulateViewport(1280, 1000))
}

// judge wants nothing of the rules of axe, and no scrolling sideways.
func (b *tab) judge(theme string, width int64, rules string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.do("resize", chromedp.EmulateViewport(width, 1000))
	if found := eval[string](b, rules); found != "" {
		b.t.Errorf("axe at %s, %s, %d px:\n%s", b.where(), theme, width, found)
	}
	if wide := eval[int64](b, `document.documentElement.scrollWidth`); wide > width {
		b.t.Errorf("%s is %d wide at %d px and scrolls sideways", b.where(), wide, width)
	}
	b.picture(theme + "-" + strconv.FormatInt(width, 10))
}

// axeRun gives a line per serious or critical finding, axeColours those that a theme can cause.
const (
	axeRun     = `axe.run({resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})` + axeLines
	axeColours = `axe.run({resultTypes: ["violations"], runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}})` + axeLines
	axeLines   = `.then(r => r.violations.filter(v => ["serious", "critical"].includes(v.impact)).flatMap(v => v.nodes.map(n => v.id + ": " + n.target.join(" ") + " " + n.failureSummary)).join("\n"))`
)

// picture leaves a picture of the page in the folder that ORRERY_PICTURES names.
func (b *tab) picture(label string) {
	folder := os.Getenv("ORRERY_PICTURES")
	if folder == "" {
		return
	}
	name := strings.NewReplacer("/", "_", "?", "_").Replace(strings.Trim(b.where(), "/"))
	if len(name) > 80 {
		name = name[:80]
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Logf("picture: %v", err)
		return
	}
	if err := os.WriteFile(filepath.Join(folder, name+"."+label+".png"), picture, 0o600); err != nil {
		b.t.Logf("picture: %v", err)
	}
}
