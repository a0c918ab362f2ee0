package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDecisionsInBrowser goes with three people through what comes after decisions: an
// emergency go, a no-go, the next round, a conditional go, its revocation; and checks the
// record that they leave without the server.
func TestDecisionsInBrowser(t *testing.T) {
	p := startProgram(t, "ORRERY_ORGANISATION=Acme")
	base := "http://" + p.addr
	jonas, asha, noor := newTab(t, base), newTab(t, base), newTab(t, base)
	becomeAdmin(jonas, strings.TrimPrefix(p.adminLink(), base))
	makeTeam(jonas)
	acceptInvitation(asha, invitePerson(jonas, "Asha Rao", "asha@example.com", "ledger", "lead", ""))
	acceptInvitation(noor, invitePerson(jonas, "Noor Haddad", "noor@example.com", "", "", "approver"))
	createWorkload(asha)
	token, err := p.command("token", "create", "--email", "noor@example.com")
	if err != nil {
		t.Fatal(err)
	}
	gate := func(status, code string) {
		t.Helper()
		g := p.askGate(strings.TrimSpace(token))
		if g.Status != status || code != "" && (len(g.Blockers) == 0 || g.Blockers[0].Code != code) {
			t.Fatalf("the gate says %+v, want %s %s", g, status, code)
		}
	}

	noor.open("/workloads/payments/emergency")
	noor.fill("reason", "Cards fail in half of the shops.")
	noor.fill("ticket", "https://tickets.example.com/INC-1")
	noor.fill("ends_on", time.Now().UTC().AddDate(0, 0, 3).Format(time.DateOnly))
	noor.send(`form[action$="/emergency"] button.btn-primary`)
	noor.wants("EMERGENCY go", "0 of 15 questions answered")
	review := noor.where()
	gate("conditional", "")

	sendAnswers(asha, review)
	asha.open(review + "/check")
	asha.send(`form[action$="/submit"] button[type=submit]`)
	asha.wants("Submitted, frozen")
	decideNoGo(noor, review)
	gate("hold", "no_go")
	asha.open(review)
	asha.wants("No-go", "in round 1", "Round 2", "15 of 15 questions answered")
	asha.open(review + "/check")
	asha.send(`form[action$="/submit"] button[type=submit]`)
	decideAgain(noor, review)
	gate("conditional", "")

	noor.open(review + "/record")
	noor.fill("reason", "The drill was staged.")
	noor.send(`form[action$="/revocation"] button`)
	noor.wants("Revoked", "The drill was staged.", "Round 3")
	gate("hold", "revoked")
	asha.open("/workloads/payments")
	asha.wants("No, hold", "The decision was revoked.")
	p.verifyRecord(asha, review)
}

// sendAnswers ticks every practice of every question, by the forms that the pages hold.
func sendAnswers(b *tab, review string) {
	b.open(review)
	said := eval[string](b, `(async () => {
		for (const link of document.querySelectorAll("main .work a.t")) {
			const page = new DOMParser().parseFromString(await (await fetch(link.href)).text(), "text/html")
			const form = new URLSearchParams({ version: page.querySelector("[name=version]").value })
			for (const c of page.querySelectorAll(".choice input[name=choice]"))
				if (!c.closest("li").textContent.includes("ends the question")) form.append("choice", c.value)
			const sent = await fetch(link.href, { method: "POST", body: form })
			if (!sent.ok) return link.href + ": " + sent.status
		}
		return "all"
	})()`)
	if said != "all" {
		b.t.Fatalf("answering: %s", said)
	}
}

func decideNoGo(b *tab, review string) {
	b.open(review + "/decide")
	b.click(`[name=outcome][value=no_go]`)
	b.fill("reason", "The restore was never tried.")
	b.send(`form[action$="/decision"] button.btn-primary`)
	b.wants("No-go", "The restore was never tried.")
}

// decideAgain decides the second round: a conditional go with a condition after launch.
func decideAgain(b *tab, review string) {
	b.open(review + "/decide")
	b.click(`[name=voice][value=agree]`)
	b.send(`form[action$="/sign-off"] button[type=submit]`)
	b.click(`[name=outcome][value=conditional]`)
	b.fill("condition_text_0", "Run a game day.")
	b.fill("condition_timing_0", "after_launch")
	b.fill("condition_due_on_0", time.Now().UTC().AddDate(0, 1, 0).Format(time.DateOnly))
	owner := eval[string](b, `[...document.querySelectorAll("[name=condition_owner_0] option")].find(o => o.text == "Asha Rao").value`)
	b.fill("condition_owner_0", owner)
	b.send(`form[action$="/decision"] button.btn-primary`)
	b.wants("Decided, sealed", "Conditional go", "Run a game day.")
}

// verifyRecord downloads the record of round 2 and the keys, and checks one with the other.
func (p *program) verifyRecord(b *tab, review string) {
	p.t.Helper()
	dir := p.t.TempDir()
	save := func(name, path string) string {
		to := filepath.Join(dir, name)
		text := eval[string](b, `fetch("`+path+`").then(r => r.text())`)
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			p.t.Fatal(err)
		}
		return to
	}
	record, keys := save("record.json", review+"/record.json?round=2"), save("keys.json", "/.well-known/orrery-keys.json")
	if out, err := p.command("review", "verify", record, "--keys", keys); err != nil || !strings.Contains(out, "The record verifies") {
		p.t.Errorf("review verify: %v\n%s", err, out)
	}
}
