// Package browsertest starts the browser that tests look at pages with, and holds axe, which
// judges whether everybody can use them. Only tests import it.
package browsertest

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/chromedp/chromedp"
)

// Axe is the script of axe-core; a page runs it before one of the expressions below.
//
//go:embed axe.min.js
var Axe string

// Start starts a headless Chromium and returns its context, and what ends it. It tries a second
// time: on a busy machine the browser may give up at its start.
func Start(ctx context.Context) (browser context.Context, stop func(), err error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU)
	for range 2 {
		outer, end := chromedp.NewExecAllocator(ctx, options...)
		inner, leave := chromedp.NewContext(outer)
		if err = chromedp.Do(inner, chromedp.Navigate("about:blank")); err == nil {
			return inner, func() { leave(); end() }, nil
		}
		leave()
		end()
	}
	return nil, nil, fmt.Errorf("start Chromium (Debian package chromium): %w", err)
}
