package ui_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// stage is the gallery in a browser.
type stage struct {
	ctx     context.Context
	address string
}

func newStage(t *testing.T) stage {
	t.Helper()
	address, _ := serveGallery(t)
	return stage{browser(t), address}
}

func (b stage) open(t *testing.T, v view, name string) {
	t.Helper()
	if err := v.open(b.ctx, b.address+"/"+name); err != nil {
		t.Fatal(err)
	}
}

func (b stage) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func (b stage) is(t *testing.T, expression string) {
	t.Helper()
	if !eval[bool](t, b.ctx, expression) {
		t.Errorf("not true: %s", expression)
	}
}

var wide, narrow = view{"light", 1280}, view{"light", 390}

// The script adds to forms that work without it; each addition is tried here.
func TestFormScriptInBrowser(t *testing.T) {
	b := newStage(t)
	const asks = `!dispatchEvent(new Event("beforeunload", {cancelable: true}))`
	t.Run("a refused form puts the focus on its summary", func(t *testing.T) {
		b.open(t, wide, "form")
		b.is(t, `document.activeElement.matches("[role=alert]")`)
		b.is(t, `getComputedStyle(document.activeElement).outlineStyle === "solid"`)
		b.do(t, chromedp.Click(`.summary a[href="#f-key"]`))
		b.is(t, `document.activeElement.id === "f-key"`)
	})
	t.Run("so does one that htmx puts in place from a 422", func(t *testing.T) {
		b.open(t, wide, "settings")
		b.open(t, wide, "saving")
		b.do(t, chromedp.Click("#refuse"), chromedp.WaitVisible("#said [role=alert]"))
		b.is(t, `new Promise(done => setTimeout(() => done(document.activeElement.matches("#said [role=alert]")), 200))`)
	})
	t.Run("a form with something unsaved asks before leaving", func(t *testing.T) {
		b.open(t, wide, "saving")
		if eval[bool](t, b.ctx, asks) {
			t.Error("asks although nothing was typed")
		}
		b.do(t, chromedp.SendKeys("#merged", "both"))
		b.is(t, asks)
		b.is(t, `document.querySelector("form[data-guard] [data-save]").textContent === "Not saved yet"`)
		b.is(t, `(document.querySelector("#merged").dispatchEvent(new CustomEvent("orrery:saved", {bubbles: true})), true)`)
		if eval[bool](t, b.ctx, asks) {
			t.Error("asks although all was saved")
		}
	})
	t.Run("submitting it does not ask", func(t *testing.T) {
		b.open(t, wide, "saving")
		b.do(t, chromedp.SendKeys("#merged", "both"), chromedp.Click("form[data-guard] .btn-primary"))
		soon, stop := context.WithTimeout(b.ctx, 5*time.Second)
		defer stop()
		if err := chromedp.Do(soon, chromedp.WaitVisible("#received")); err != nil {
			t.Errorf("the form was not sent: %v", err)
		}
	})
	t.Run("a save by htmx ends the asking only when the server says so", func(t *testing.T) {
		b.open(t, wide, "saving")
		b.do(t, chromedp.SendKeys("#keep", "both"))
		b.is(t, asks)
		b.do(t, chromedp.Click("#keep-it"), chromedp.WaitVisible("#kept b"))
		b.is(t, `new Promise(done => setTimeout(() => done(!(`+asks+`)), 200))`)
	})
	t.Run("a value to take along is copied", func(t *testing.T) {
		b.open(t, wide, "settings")
		b.do(t, chromedp.Click(".copybox .btn"))
		b.is(t, `new Promise(done => setTimeout(() => done(document.querySelector(".copybox [role=status]").textContent === "Copied"), 300))`)
	})
	t.Run("a theme applies at once and is kept", func(t *testing.T) {
		b.open(t, wide, "settings")
		b.do(t, chromedp.Click(`[data-theme-choice] input[value="dark"]`))
		b.is(t, `document.documentElement.dataset.theme === "dark" && document.cookie.includes("orrery-theme=dark")`)
		b.is(t, `getComputedStyle(document.documentElement).backgroundColor === "rgb(13, 16, 21)"`)
		b.do(t, chromedp.Click(`[data-theme-choice] input[value=""]`))
		b.is(t, `!("theme" in document.documentElement.dataset) && !document.cookie.includes("orrery-theme")`)
	})
}

// What it adds to the frame of a page.
func TestFrameScriptInBrowser(t *testing.T) {
	b := newStage(t)
	t.Run("an open menu closes by Escape and by a click elsewhere", func(t *testing.T) {
		b.open(t, wide, "list")
		b.do(t, chromedp.Click(".menu > summary"))
		b.is(t, `document.querySelector(".menu").open && document.querySelector(".menu button").checkVisibility()`)
		b.do(t, chromedp.KeyEvent("\x1b"))
		b.is(t, `!document.querySelector(".menu").open && document.activeElement.matches(".menu > summary")`)
		b.do(t, chromedp.Click(".menu > summary"), chromedp.Click("h1"))
		b.is(t, `!document.querySelector(".menu").open`)
	})
	t.Run("navigation and filters fold on narrow screens only", func(t *testing.T) {
		const shown = `[".nav a", ".filters input"].every(s => document.querySelector(s).checkVisibility({contentVisibilityAuto: true}))`
		const hidden = `[".nav a", ".filters input"].every(s => !document.querySelector(s).checkVisibility())`
		b.open(t, wide, "list")
		b.is(t, shown)
		b.is(t, `!document.querySelector(".nav-fold > summary").checkVisibility()`)
		b.open(t, narrow, "list")
		b.is(t, hidden)
		b.do(t, chromedp.Click(".nav-fold > summary"))
		b.is(t, `document.querySelector(".nav a").checkVisibility()`)
		b.do(t, chromedp.KeyEvent("\x1b"), chromedp.Click(".filters > summary"))
		b.is(t, `document.querySelector(".filters input").checkVisibility()`)
	})
	t.Run("the first Tab offers to skip to the content", func(t *testing.T) {
		b.open(t, wide, "list")
		b.do(t, chromedp.KeyEvent("\t"))
		b.is(t, `document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().top >= 0`)
	})
	t.Run("icons come from the sprite", func(t *testing.T) {
		b.open(t, wide, "list")
		b.is(t, `new Promise(done => setTimeout(() => {
			const uses = [...document.querySelectorAll("svg.i use")].filter(u => u.checkVisibility());
			done(uses.length > 10 && uses.every(u => u.getBBox().width > 4));
		}, 200))`)
	})
}
