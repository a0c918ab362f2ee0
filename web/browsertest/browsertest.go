// Package browsertest starts the browser that tests look at pages with, and holds axe, which
// judges whether everybody can use them. Only tests import it.
package browsertest

import (
	"context"
	_ "embed"
	"fmt"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// Axe is the script of axe-core; a page runs it before one of the expressions below.
//
//go:embed axe.min.js
var Axe string

var (
	mu      sync.Mutex
	free    []context.Context // browsers that are open and that no test has
	endings []func()
)

// Start returns the context of a window of a headless Chromium with nothing in it, no cookie
// either, and what closes it. A window in the background of another is not drawn, so each has
// a browser to itself; the browser stays for the next one.
func Start() (window context.Context, stop func(), err error) {
	browser, err := take()
	if err != nil {
		return nil, nil, err
	}
	window, leave := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	stop = func() {
		leave()
		mu.Lock()
		free = append(free, browser)
		mu.Unlock()
	}
	if err := chromedp.Do(window, chromedp.Navigate("about:blank")); err != nil {
		stop()
		return nil, nil, fmt.Errorf("open a window of Chromium: %w", err)
	}
	return window, stop, nil
}

// take returns a browser that is free or a new one. It tries a second time: on a busy machine
// the browser may give up at its start.
func take() (browser context.Context, err error) {
	mu.Lock()
	defer mu.Unlock()
	if last := len(free) - 1; last >= 0 {
		browser, free = free[last], free[:last]
		return browser, nil
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU)
	for range 2 {
		outer, end := chromedp.NewExecAllocator(context.Background(), options...)
		inner, leave := chromedp.NewContext(outer)
		if err = chromedp.Do(inner, chromedp.Navigate("about:blank")); err == nil {
			endings = append(endings, func() { leave(); end() })
			return inner, nil
		}
		leave()
		end()
	}
	return nil, fmt.Errorf("start Chromium (Debian package chromium): %w", err)
}

// Main runs the tests and ends the browsers they left; TestMain calls it.
func Main(m *testing.M) (code int) {
	code = m.Run()
	for _, end := range endings {
		end()
	}
	return code
}

// looked is what News has seen: addresses by their shape, and elements by what they are, not
// by what they say.
var looked = map[string]bool{}

// traits lists the shape of a page's address, and what its elements are: of their attributes
// those that axe judges by.
const traits = `[...new Set([document.querySelector("h1")?.className + location.pathname.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID").replace(/\/q\/.*/, "/q").replace(/\/link\/.*/, "/link"),
	...[...document.body.querySelectorAll("*")].map(e => [e.localName, [...e.classList].sort().join("."), e.getAttributeNames().filter(a => /^(aria-.*|tabindex|alt|title|for|href|lang|scope|disabled|hidden)$/.test(a)).sort().join(","),
		e.getAttribute("role") ?? "", e.getAttribute("type") ?? "", e.labels ? e.labels.length > 0 : ""].join(" "))])]`

// News tells what the open page has that no page had on which this process called it before:
// an address of its shape, an element of its kind. Where there is none, axe has nothing to find
// that it did not judge.
func News(window context.Context) (address, element bool, err error) {
	list, err := chromedp.Run(window, chromedp.Evaluate[[]string](traits))
	if err != nil {
		return false, false, err
	}
	mu.Lock()
	defer mu.Unlock()
	for i, trait := range list {
		address, element = address || i == 0 && !looked[trait], element || !looked[trait]
		looked[trait] = true
	}
	return address, element, nil
}
