package web_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var sheetOfPDF = regexp.MustCompile(`/Type\s*/Page\b`)

// paper prints the page that is open and gives the number of its sheets. With PICTURES set
// to a folder it leaves the PDF there.
func (e *eye) paper(name string) int {
	e.Helper()
	yes := true
	printed, err := chromedp.Call(e.ctx, page.PrintToPDF, page.PrintToPDFParams{PreferCSSPageSize: &yes})
	if err != nil {
		e.Fatalf("print %s: %v", name, err)
	}
	if folder := os.Getenv("PICTURES"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name+".pdf"), printed.Data, 0o600); err != nil {
			e.Fatal(err)
		}
	}
	return len(sheetOfPDF.FindAll(printed.Data, -1))
}

// ordinary is a submitted review as most are: a few highs, a medium, the rest in order.
func ordinary(t *testing.T) *reviewed {
	r := newReviewed(t, false)
	for i, e := range r.sheet.Entries() {
		form := ticks(e, i%6 != 0)
		if i%6 == 0 {
			form = append(form, "notes", "Booked for **December**, see https://wiki.example.com/drills/2026-12?view=full.")
		}
		r.asha.post(r.sheet.QuestionPath(e), form...).is(303)
	}
	r.submitHighs()
	return r
}

// TestPagesPrint prints a page of each family. What only works on a screen stays away, and
// nothing is wider than the sheet.
func TestPagesPrint(t *testing.T) {
	r := ordinary(t)
	content := r.noor.get(r.path + "/decide").value("content")
	r.noor.post(r.path+"/sign-off", "content", content, "voice", "agree", "note", "Fine by me.").leadsTo(r.path + "/decide")
	e := r.look(r.noor)
	for name, path := range map[string]string{
		"print-readout": r.path + "/decide", "print-home": r.path, "print-question": r.sheet.QuestionPath(r.sheet.Entries()[0]), "print-check": r.path + "/check",
		"print-record": r.path + "/record", "print-compare": r.path + "/compare", "print-set": "/questionnaires/orr?core=1", "print-items": "/items", "print-workload": "/workloads/payments",
	} {
		e.open(path)
		sheets := e.paper(name)
		if sheets == 0 || name == "print-readout" && sheets != 1 {
			t.Errorf("%s is on %d sheets", name, sheets)
		}
		if found := e.onPaper(); found != "" {
			t.Errorf("%s shows on paper: %s", name, found)
		}
	}
}

// onPaper lists what the page that is open would print and should not: what only works on a
// screen, and what is wider than the sheet.
func (e *eye) onPaper() string {
	e.Helper()
	print := func(media string) {
		if _, err := chromedp.Call(e.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media}); err != nil {
			e.Fatal(err)
		}
	}
	if err := chromedp.Do(e.ctx, chromedp.EmulateViewport(688, 1000)); err != nil { // A4 less its margins
		e.Fatal(err)
	}
	print("print")
	defer print("")
	return eval[string](e, `[...document.querySelectorAll("header.top, nav.tabs, .btn, button, .pick-two, .take-round, .savebar")].filter(n => n.checkVisibility()).map(n => n.outerHTML.slice(0, 80))
		.concat(document.documentElement.scrollWidth > 688 ? ["a page " + document.documentElement.scrollWidth + " wide"] : []).join("; ")`)
}
