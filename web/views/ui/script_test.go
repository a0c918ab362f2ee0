package ui_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The script adds to pages that work without it; each addition is tried here.
func TestScriptInBrowser(t *testing.T) {
	address, _ := serveGallery(t)
	ctx := browser(t)
	wide, narrow := view{"light", 1280}, view{"light", 390}
	open := func(t *testing.T, v view, name string) {
		t.Helper()
		if err := v.open(ctx, address+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
	do := func(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatal(err)
		}
	}
	is := func(t *testing.T, expression string) {
		t.Helper()
		if !eval[bool](t, ctx, expression) {
			t.Errorf("not true: %s", expression)
		}
	}
	const asks = `!dispatchEvent(new Event("beforeunload", {cancelable: true}))`

	t.Run("a refused form puts the focus on its summary", func(t *testing.T) {
		open(t, wide, "form")
		is(t, `document.activeElement.matches("[role=alert]")`)
		is(t, `getComputedStyle(document.activeElement).outlineStyle === "solid"`)
		do(t, chromedp.Click(`.summary a[href="#f-key"]`))
		is(t, `document.activeElement.id === "f-key"`)
	})
	t.Run("so does one that htmx puts in place from a 422", func(t *testing.T) {
		open(t, wide, "settings")
		open(t, wide, "saving")
		do(t, chromedp.Click("#refuse"), chromedp.WaitVisible("#said [role=alert]"))
		is(t, `new Promise(done => setTimeout(() => done(document.activeElement.matches("#said [role=alert]")), 200))`)
	})
	t.Run("a form with something unsaved asks before leaving", func(t *testing.T) {
		open(t, wide, "saving")
		if eval[bool](t, ctx, asks) {
			t.Error("asks although nothing was typed")
		}
		do(t, chromedp.SendKeys("#merged", "both"))
		is(t, asks)
		is(t, `document.querySelector("form[data-guard] [data-save]").textContent === "Not saved yet"`)
		is(t, `(document.querySelector("#merged").dispatchEvent(new CustomEvent("orrery:saved", {bubbles: true})), true)`)
		if eval[bool](t, ctx, asks) {
			t.Error("asks although all was saved")
		}
	})
	t.Run("submitting it does not ask", func(t *testing.T) {
		open(t, wide, "saving")
		do(t, chromedp.SendKeys("#merged", "both"), chromedp.Click("form[data-guard] .btn-primary"))
		soon, stop := context.WithTimeout(ctx, 5*time.Second)
		defer stop()
		if err := chromedp.Do(soon, chromedp.WaitVisible("#received")); err != nil {
			t.Errorf("the form was not sent: %v", err)
		}
	})
	t.Run("a save by htmx ends the asking only when the server says so", func(t *testing.T) {
		open(t, wide, "saving")
		do(t, chromedp.SendKeys("#keep", "both"))
		is(t, asks)
		do(t, chromedp.Click("#keep-it"), chromedp.WaitVisible("#kept b"))
		is(t, `new Promise(done => setTimeout(() => done(!(`+asks+`)), 200))`)
	})
	t.Run("a value to take along is copied", func(t *testing.T) {
		open(t, wide, "settings")
		do(t, chromedp.Click(".copybox .btn"))
		is(t, `new Promise(done => setTimeout(() => done(document.querySelector(".copybox [role=status]").textContent === "Copied"), 300))`)
	})
	t.Run("a theme applies at once and is kept", func(t *testing.T) {
		open(t, wide, "settings")
		do(t, chromedp.Click(`[data-theme-choice] input[value="dark"]`))
		is(t, `document.documentElement.dataset.theme === "dark" && document.cookie.includes("orrery-theme=dark")`)
		is(t, `getComputedStyle(document.documentElement).backgroundColor === "rgb(13, 16, 21)"`)
		do(t, chromedp.Click(`[data-theme-choice] input[value=""]`))
		is(t, `!("theme" in document.documentElement.dataset) && !document.cookie.includes("orrery-theme")`)
	})
	t.Run("an open menu closes by Escape and by a click elsewhere", func(t *testing.T) {
		open(t, wide, "list")
		do(t, chromedp.Click(".menu > summary"))
		is(t, `document.querySelector(".menu").open && document.querySelector(".menu button").checkVisibility()`)
		do(t, chromedp.KeyEvent("\x1b"))
		is(t, `!document.querySelector(".menu").open && document.activeElement.matches(".menu > summary")`)
		do(t, chromedp.Click(".menu > summary"), chromedp.Click("h1"))
		is(t, `!document.querySelector(".menu").open`)
	})
	t.Run("navigation and filters fold on narrow screens only", func(t *testing.T) {
		const shown = `[".nav a", ".filters input"].every(s => document.querySelector(s).checkVisibility({contentVisibilityAuto: true}))`
		const hidden = `[".nav a", ".filters input"].every(s => !document.querySelector(s).checkVisibility())`
		open(t, wide, "list")
		is(t, shown)
		is(t, `!document.querySelector(".nav-fold > summary").checkVisibility()`)
		open(t, narrow, "list")
		is(t, hidden)
		do(t, chromedp.Click(".nav-fold > summary"))
		is(t, `document.querySelector(".nav a").checkVisibility()`)
		do(t, chromedp.KeyEvent("\x1b"), chromedp.Click(".filters > summary"))
		is(t, `document.querySelector(".filters input").checkVisibility()`)
	})
	t.Run("the first Tab offers to skip to the content", func(t *testing.T) {
		open(t, wide, "list")
		do(t, chromedp.KeyEvent("\t"))
		is(t, `document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().top >= 0`)
	})
	t.Run("icons come from the sprite", func(t *testing.T) {
		open(t, wide, "list")
		is(t, `new Promise(done => setTimeout(() => {
			const uses = [...document.querySelectorAll("svg.i use")].filter(u => u.checkVisibility());
			done(uses.length > 10 && uses.every(u => u.getBBox().width > 4));
		}, 200))`)
	})
}
