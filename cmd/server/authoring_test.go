package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestAuthoring writes a set from nothing to published in a browser, with the lint seen
// while it is written, then imports its next version: first a file that is refused with its
// place, then a good one. Axe looks at every page on the way.
func TestAuthoring(t *testing.T) {
	p := startProgram(t)
	base := "http://" + p.addr
	jonas, cara := newTab(t, base), newTab(t, base)
	becomeAdmin(jonas, strings.TrimPrefix(p.adminLink(), base))
	acceptInvitation(cara, inviteCurator(jonas))

	draft := beginSet(cara)
	writeQuestion(cara)
	cara.open(draft)
	cara.wants("tiers 1 and 2", "1 evidence check", "This becomes a new set of your organisation.")
	copyAQuestion(cara, draft)
	cara.send(`button[name=act][value=publish]`)
	cara.wants("Version 1.0.0 of Our recovery set is published.")
	cara.open("/questionnaires/own?unfold=1")
	cara.wants("Can you restore the data?", "Every instance has automatic backups.", "REL09-BP04")

	importNextVersion(cara)
	markAQuestion(cara)
	if out, err := p.command("audit", "verify"); err != nil || !strings.HasPrefix(out, "Fine:") {
		t.Errorf("audit verify: %q, %v", out, err)
	}
}

func inviteCurator(b *tab) string {
	b.open("/people/new")
	b.fill("name", "Cara Quist")
	b.fill("email", "cara@example.com")
	b.press(`[name=role][value=curator]`)
	b.send(`main form button[type=submit]`)
	link := eval[string](b, `document.querySelector("[data-copy]").value`)
	return link[strings.Index(link, "/link/"):]
}

// press clicks without a pointer: what lies under the bar at the foot of a page too.
func (b *tab) press(selector string) {
	b.t.Helper()
	if !eval[bool](b, fmt.Sprintf(`(e => e ? (e.click(), true) : false)(document.querySelector(%q))`, selector)) {
		b.t.Fatalf("%s has no %s", b.where(), selector)
	}
}

// set writes into a field as a person does, so that the page hears of it.
func (b *tab) set(name, value string) {
	b.t.Helper()
	found := eval[bool](b, fmt.Sprintf(`(f => { if (!f) return false; f.value = %q; f.dispatchEvent(new Event("change", {bubbles: true})); return f.value === %q })(document.querySelector(%q))`, value, value, named(name)))
	if !found {
		b.t.Fatalf("%s does not take %q as %s", b.where(), value, name)
	}
}

// hears waits until the preview beside the form says the words.
func (b *tab) hears(words string) {
	b.t.Helper()
	said := ""
	for range 100 {
		if said = eval[string](b, `document.querySelector("#preview").innerText`); strings.Contains(said, words) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.picture("preview")
	b.t.Fatalf("the preview does not say %q but:\n%s", words, said)
}

func beginSet(b *tab) (path string) {
	b.open("/questionnaires/drafts/new")
	b.fill("key", "own")
	b.fill("name", "Our recovery set")
	b.send(`main form button[type=submit]`)
	path = b.where()
	b.fill("section", "Recovery")
	b.send(`button[name=act][value=add-section]`)
	b.wants("The section is added.", "Recovery")
	b.send(`a[href$="/s/recovery"]`)
	b.fill("description", "What happens after a loss.")
	b.send(`main form button[type=submit]`)
	b.wants("The section is saved.")
	b.fill("description", "Whether what was lost comes back.")
	b.send(`button[name=act][value=set]`)
	return path
}

// writeQuestion writes one with a tier and a check, and sees the lint follow.
func writeQuestion(b *tab) {
	b.send(`a[href*="/q/new?section=recovery"]`)
	b.set("title", "Do you copy and restore the data?")
	b.set("why", "A backup that was never restored is a hope.")
	b.set("choice_0", "We back up every store.")
	b.set("step_0", "List the stores.")
	b.set("choice_1", "We restored one this quarter.")
	b.set("step_1", "Book an afternoon.")
	b.hears("asks two things")
	b.set("title", "Can you restore the data?")
	b.hears("No warning")
	b.press(`[name=weight_1][value=extra]`)
	b.hears("Medium")

	b.press(`[name=tiers][value="1"]`)
	b.press(`[name=tiers][value="2"]`)
	b.set("lineage", "REL09-BP04")
	b.set("check_source_0", "securityhub.control")
	b.set("check_choice_0", "#0")
	b.set("check_claim_0", "Every instance has automatic backups.")
	b.send(`.savebar button:not([name])`)
	b.wants("There is a problem", "Say what is looked at", "Read from")
	b.set("check_key_0", "RDS.11")
	b.send(`.savebar button:not([name])`)
	b.wants("The question is saved.")
	b.send(`button[name=act][value=done]`)
}

func copyAQuestion(b *tab, draft string) {
	b.open(draft + "/copy?from=orr&section=recovery&q=retries")
	b.send(`main ul.asks form button`)
	b.wants("The question is copied into the draft")
	b.open(draft)
	b.wants("2 questions")
}

// importNextVersion changes the exported file and imports it.
func importNextVersion(b *tab) {
	file := eval[string](b, `fetch("/questionnaires/own/export/yaml").then(r => r.text())`)
	good := strings.Replace(strings.Replace(file, "version: 1.0.0", "version: 1.1.0", 1), "Can you restore the data?", "Can you restore all data?", 1)
	bad := strings.Replace(good, "name: Our recovery set", "name: Our recovery set\nname: Twice", 1)
	look := func(content string) {
		path := filepath.Join(b.t.TempDir(), "own.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			b.t.Fatal(err)
		}
		b.do("choose a file", chromedp.SetUploadFiles(chromedp.CSS(named("file")), []string{path}))
		b.send(`form[enctype]:has([name=file]) button[type=submit]`)
	}
	b.open("/questionnaires/import")
	look(bad)
	b.wants("The file is refused.", "is written twice.", "line 3, column 1")
	look(good)
	b.wants("1 reworded", "Can you restore all data?", "Publish version 1.1.0")
	b.send(`button[name=act][value=publish]`)
	b.wants("Version 1.1.0 of Our recovery set is published.", "Compare versions")
}

func markAQuestion(b *tab) {
	b.open("/questionnaires/own/q/can_you_restore_the_data/mark")
	b.press(`[name=kind][value=unclear]`)
	b.fill("note", "Which data?")
	b.send(`button[name=act][value=mark]`)
	b.wants("The question is marked as unclear.", "1 open mark")
	b.open("/questionnaires/own/marks")
	b.wants("Which data?", "Cara Quist")
	b.press(`[name=mark]`)
	b.fill("note", "Reworded in 1.1.0.")
	b.send(`main form.panel button[type=submit]`)
	b.wants("1 mark is settled.")
}
