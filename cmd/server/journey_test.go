package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestJourney does the whole job in a browser, with three people, Postgres and moto: from
// the first admin's link to a decided launch, its PDF and the gate's answer.
func TestJourney(t *testing.T) {
	endpoint := startMoto(t)
	p := startProgram(t, "AWS_ENDPOINT_URL="+endpoint, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "ORRERY_ORGANISATION=Acme")
	base := "http://" + p.addr
	jonas, asha, noor := newTab(t, base), newTab(t, base), newTab(t, base)

	becomeAdmin(jonas, strings.TrimPrefix(p.adminLink(), base))
	makeTeam(jonas)
	acceptInvitation(asha, invitePerson(jonas, "Asha Rao", "asha@example.com", "ledger", "lead", ""))
	acceptInvitation(noor, invitePerson(jonas, "Noor Haddad", "noor@example.com", "", "", "approver"))

	createWorkload(asha)
	review := startReview(asha)
	collectEvidence(asha)
	answerAll(asha, review)
	checkContradiction(asha, review)
	submitAll(asha, review)
	decideConditionally(noor, review)
	checkSealed(asha, review)

	token, err := p.command("token", "create", "--email", "noor@example.com")
	if err != nil {
		t.Fatal(err)
	}
	gate := p.askGate(strings.TrimSpace(token))
	if gate.Status != "hold" || len(gate.Blockers) != 1 || gate.Blockers[0].Code != "condition_before_launch" {
		t.Fatalf("the gate says %+v", gate)
	}
	mendItem(asha, noor, strings.TrimPrefix(gate.Blockers[0].URL, base))
	if gate = p.askGate(strings.TrimSpace(token)); gate.Status != "conditional" {
		t.Fatalf("after the condition was verified the gate says %+v", gate)
	}
	p.checkPDF(asha, review)
	if out, err := p.command("audit", "verify"); err != nil || !strings.HasPrefix(out, "Fine:") {
		t.Errorf("audit verify: %q, %v", out, err)
	}
}

func becomeAdmin(b *tab, link string) {
	b.open(link)
	b.fill("name", "Jonas Weber")
	b.fill("email", "jonas@example.com")
	b.fill("password", demoPassword)
	b.send(`main button[type=submit]`)
	b.wants("My work", "Jonas Weber")
}

func makeTeam(b *tab) {
	b.open("/teams/new")
	b.fill("key", "ledger")
	b.fill("name", "Ledger")
	b.send(`main button[type=submit]`)
	b.wants("Ledger")
}

// invitePerson fills the form and returns the path of the one-time link it shows.
func invitePerson(b *tab, name, email, team, role, grant string) string {
	b.open("/people/new")
	b.fill("name", name)
	b.fill("email", email)
	if team != "" {
		b.fill("team", team)
		b.click(`[name=team_role][value=` + role + `]`)
	}
	if grant != "" {
		b.click(`[name=kind][value=` + grant + `]`)
		b.click(`[name=on][value=all]`)
	}
	b.send(`main form button[type=submit]`)
	link := eval[string](b, `document.querySelector("[data-copy]").value`)
	u, err := url.Parse(link)
	if err != nil || !strings.HasPrefix(u.Path, "/link/") {
		b.t.Fatalf("no link was shown but %q", link)
	}
	return u.Path
}

func acceptInvitation(b *tab, link string) {
	b.open(link)
	b.fill("password", demoPassword)
	b.send(`main button[type=submit]`)
	b.wants("My work")
}

func createWorkload(b *tab) {
	b.open("/workloads/new")
	b.fill("key", "payments")
	b.fill("name", "Payments")
	b.fill("team", "ledger")
	b.click(`[name=tier][value="3"]`) // which is asked the core path: 15 questions
	b.click(`[name=stage][value=planned]`)
	b.fill("launch_on", time.Now().AddDate(0, 0, 45).Format(time.DateOnly))
	b.fill("accounts", "12345")
	b.fill("regions", "us-east-1")
	b.send(`main form button[type=submit]`)
	b.wants("There is a problem", "twelve digits")
	b.fill("accounts", motoAccount)
	b.send(`main form button[type=submit]`)
	b.wants("Payments", "us-east-1")
}

func startReview(b *tab) (path string) {
	b.open("/workloads/payments/reviews/new")
	b.wants("15 questions", "Noor Haddad")
	b.send(`main form button.btn-primary`)
	b.wants("0 of 15 questions answered")
	return b.where()
}

func collectEvidence(b *tab) {
	b.open("/workloads/payments/evidence")
	b.send(`form[action$="/evidence/runs"] button[type=submit]`)
	for range 1200 {
		if strings.Contains(b.text(), "The collection is over") {
			b.open("/workloads/payments/evidence")
			b.wants(motoAccount, "us-east-1")
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatalf("the run does not end:\n%s", b.text())
}

// answerAll walks the questions with "Save and next": all practices are ticked, one
// question is not known.
func answerAll(b *tab, review string) {
	b.open(review)
	first := eval[string](b, `document.querySelector("main .work a.t").getAttribute("href")`)
	b.open(first)
	for i := range 15 {
		if i == 1 {
			b.click(`[name=unknown]`)
			waitRisk(b, "High")
		} else {
			eval[bool](b, `document.querySelectorAll(".choice input[name=choice]").forEach(c => { if (!c.closest("li").innerText.includes("ends the question")) c.click() }) ?? true`)
			waitRisk(b, "No risk found")
		}
		b.send(`button[name=go]`)
	}
	b.wants("15 of 15 questions answered")
}

// waitRisk waits until the risk panel, which follows the ticks, says the word.
func waitRisk(b *tab, word string) {
	b.t.Helper()
	for range 200 {
		if strings.Contains(eval[string](b, `document.querySelector("#risk header").innerText`), word) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.picture("risk")
	b.t.Fatalf("the risk panel of %s does not say %q but:\n%s", b.where(), word, eval[string](b, `document.querySelector("#risk").innerText`))
}

func checkContradiction(b *tab, review string) {
	b.open(review + "/q/orr/change_history")
	b.wants("Evidence contradicts", "It stands against a tick of this answer.")
	b.open(review)
	b.wants("Evidence contradicts")
}

func submitAll(b *tab, review string) {
	b.open(review + "/check")
	b.wants("Who mends the highs")
	b.send(`form[action$="/submit"] button[type=submit]`)
	b.wants("Submitted, frozen")
	b.open(review + "/q/orr/change_history")
	b.wants("answers cannot change")
}

func decideConditionally(b *tab, review string) {
	b.open("/")
	b.wants("Payments")
	b.open(review + "/decide")
	b.wants("1 high", "Evidence against answers", "0 of 1 sign-offs agree")
	b.click(`[name=voice][value=agree]`)
	b.fill("note", "The drill convinced me.")
	b.send(`form[action$="/sign-off"] button[type=submit]`)
	b.wants("Noor Haddad", "agrees")
	b.click(`[name=outcome][value=go]`)
	b.send(`form[action$="/decision"] button.btn-primary`)
	b.wants("There is a problem", "a plain go is refused")
	b.click(`[name=outcome][value=conditional]`)
	b.fill("condition_text_0", "Rollback starts without a person.")
	owner := eval[string](b, `[...document.querySelectorAll("[name=condition_owner_0] option")].find(o => o.text == "Asha Rao").value`)
	b.fill("condition_owner_0", owner)
	b.send(`form[action$="/decision"] button.btn-primary`)
	b.wants("Decided, sealed", "Conditional go", "Rollback starts without a person.")
}

func checkSealed(b *tab, review string) {
	b.open(review)
	b.wants("Conditional go", "Decided, sealed")
	b.open(review + "/record")
	b.wants("Rollback starts without a person.", "seal")
	b.open("/items")
	b.wants("Rollback starts without a person.")
	b.open("/workloads")
	b.wants("Payments", "Conditional go")
	b.open("/workloads/payments")
	b.wants("Payments", "Conditional go")
}

// mendItem lets one person do the work of an item and another verify it.
func mendItem(doer, checker *tab, path string) {
	doer.open(path)
	doer.fill("state", "done")
	doer.fill("resolution", "The deployment rolls back by its alarm; tried on Monday.")
	doer.send(`main form button[type=submit]`)
	doer.open(path)
	doer.wants("done")
	checker.open(path)
	checker.fill("state", "verified")
	checker.send(`main form button[type=submit]`)
	checker.wants("erified")
}

type gateAnswer struct {
	Status   string
	Blockers []struct{ Code, URL string }
}

// askGate asks the gate as a ticket does, and once more with the tag it got.
func (p *program) askGate(token string) (g gateAnswer) {
	p.t.Helper()
	ask := func(tag string) *http.Response {
		req, err := http.NewRequest(http.MethodGet, "http://"+p.addr+"/api/v1/workloads/payments/launch", nil)
		if err != nil {
			p.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("If-None-Match", tag)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			p.t.Fatal(err)
		}
		return resp
	}
	resp := ask(`"other"`)
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("the gate answers %d: %s", resp.StatusCode, body)
	}
	if err := json.Unmarshal(body, &g); err != nil {
		p.t.Fatal(err)
	}
	again := ask(resp.Header.Get("ETag"))
	_ = again.Body.Close()
	if again.StatusCode != http.StatusNotModified || again.Header.Get("ETag") == "" {
		p.t.Errorf("asked again with its tag the gate answers %d", again.StatusCode)
	}
	return g
}

// checkPDF downloads the report as the person in the browser.
func (p *program) checkPDF(b *tab, review string) {
	p.t.Helper()
	head := eval[string](b, `fetch("`+review+`/report.pdf").then(r => r.blob()).then(b => b.size + " " + b.type)`)
	if !strings.HasSuffix(head, "application/pdf") || strings.HasPrefix(head, "0 ") {
		p.t.Errorf("the PDF is %q", head)
	}
}
