package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// startDemo starts the demo and waits until it is filled.
func startDemo(t *testing.T) *program {
	t.Helper()
	p := &program{t: t, dir: dataFolder(t), addr: freeAddress(t)}
	p.start("demo")
	t.Cleanup(p.stop)
	for i := 0; !strings.Contains(p.said(), "noor@example.com"); i++ {
		if i > 600 {
			t.Fatalf("the demo is not filled:\n%s", p.said())
		}
		time.Sleep(100 * time.Millisecond)
	}
	return p
}

// TestDemo signs in as each sample person who has pages of their own and looks at them all:
// axe finds nothing serious in either theme at either width, and nothing scrolls sideways.
func TestDemo(t *testing.T) {
	base := "http://" + startDemo(t).addr
	asha := demoTab(t, base, "asha")
	for path, words := range map[string]string{
		"/": "Payments", "/workloads": "Ledger export", "/workloads/payments": "May it launch?", "/workloads/payments/edit": "Where evidence is read",
		"/workloads/payments/evidence": "Contradict", "/workloads/payments/evidence?view=coverage": demoAccount,
		"/workloads/payments/evidence?view=facts": "CloudTrail", "/reviews": "Checkout web", "/items": "Ledger export", "/account": "Asha Rao",
	} {
		asha.open(path)
		asha.wants(words, "Sample data", "Acme")
	}
	review := asha.link("/reviews", "Payments")
	asha.open(review)
	asha.wants("10 of 36 questions answered", "Evidence contradicts")
	asha.open(review + "/q/orr/change_history")
	asha.wants("Evidence contradicts", "It stands against a tick of this answer.")
	asha.screenshot(os.Getenv("ORRERY_SCREENSHOT"), review+"/q/orr/change_history")

	noor := demoTab(t, base, "noor")
	noor.open("/")
	noor.open("/audit")
	noor.open(noor.link("/reviews", "Checkout web") + "/decide")
	noor.wants("Your decision")
	noor.open(noor.link("/workloads/ledger-export", "New service") + "/record")
	noor.wants("Conditional go", "paged when an export is late")
	jonas := demoTab(t, base, "jonas")
	for _, path := range []string{"/people", "/teams", "/teams/ledger"} {
		jonas.open(path)
		jonas.wants("Asha Rao")
	}
	sara := demoTab(t, base, "sara")
	sara.open("/workloads/loyalty")
	sara.wants("No review was started yet")
	demoLoops(asha, noor, sara)
}

// demoLoops looks at what the sample organisation mends and learns.
func demoLoops(asha, noor, sara *tab) {
	asha.open("/incidents")
	asha.wants("Card payments failed for 41 minutes", "The export wrote a day twice")
	asha.open("/items?view=all")
	asha.wants("Move the job off the last old host", "Refuse to start while a run is writing", "Closed", "In progress", "Done, to be verified", "Verified")
	asha.open("/items?view=overdue")
	asha.wants("Show the order again when the bank does not answer")
	asha.open("/acceptances")
	asha.wants("Accepted, ends soon")
	asha.open("/lessons/year")
	asha.wants("Changes by hand come undone")
	noor.open("/lessons")
	noor.wants("Changes by hand come undone", "A job that is started twice")
	sara.open("/")
	sara.wants("How do you notice what was changed by hand?")
}

// demoTab is a browser in which the sample person is signed in.
func demoTab(t *testing.T, base, who string) *tab {
	t.Helper()
	b := newTab(t, base)
	b.open("/sign-in")
	b.fill("email", who+"@example.com")
	b.fill("password", demoPassword)
	b.send(`main button[type=submit]`)
	return b
}

// link is the address of the first review that a page lists with the words.
func (b *tab) link(page, words string) string {
	b.t.Helper()
	b.open(page)
	return eval[string](b, `[...document.querySelectorAll("main a")].find(a => a.getAttribute("href").startsWith("/reviews/") && a.innerText.includes("`+words+`")).getAttribute("href")`)
}

// screenshot leaves what a reader sees of the page, in the light theme, in a file; nothing
// when no file is named. The README's picture is made so.
func (b *tab) screenshot(file, path string) {
	b.t.Helper()
	if file == "" {
		return
	}
	eval[string](b, `document.cookie = "orrery-theme=light;path=/"`)
	b.do("look", chromedp.EmulateViewport(1280, 860), chromedp.Navigate(b.base+path))
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
