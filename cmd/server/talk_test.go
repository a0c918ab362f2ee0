package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTalk lets three people talk about a question in a browser: a facilitator challenges,
// the team brings a file and answers, the facilitator resolves.
func TestTalk(t *testing.T) {
	p := startProgram(t, "ORRERY_ORGANISATION=Acme")
	base := "http://" + p.addr
	jonas, asha, fay := newTab(t, base), newTab(t, base), newTab(t, base)
	becomeAdmin(jonas, strings.TrimPrefix(p.adminLink(), base))
	makeTeam(jonas)
	acceptInvitation(asha, invitePerson(jonas, "Asha Rao", "asha@example.com", "ledger", "lead", ""))
	acceptInvitation(fay, invitePerson(jonas, "Fay Okoro", "fay@example.com", "", "", "facilitator"))
	createWorkload(asha)
	asha.open("/workloads/payments/reviews/new")
	asha.send(`main form button.btn-primary`)
	review := asha.where()
	question := eval[string](asha, `document.querySelector("main .work a.t").getAttribute("href")`)

	fay.open(question)
	fay.wants("Comments", "New comment")
	newComment := `form[action$="/talk"]`
	fay.do("write", chromedp.SetValue(chromedp.CSS(newComment+` textarea`), "Is one table a restore? @asha"))
	fay.click(newComment + ` [name=challenge]`)
	fay.send(newComment + ` button[type=submit]`)
	fay.wants("The challenge is raised.", "Challenged by Fay Okoro", "For Asha Rao")

	asha.open("/")
	asha.wants("Mentions for you, not read", "Fay Okoro on")
	asha.send(`#mentions a.t`)
	asha.wants("Challenged by Fay Okoro")
	asha.click(`#people summary`)
	path := filepath.Join(t.TempDir(), "drill.log")
	if err := os.WriteFile(path, []byte("10:41 everything is back\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	asha.do("choose a file", chromedp.SetUploadFiles(chromedp.CSS(`[name=file]`), []string{path}))
	asha.fill("description", "The full drill.")
	asha.send(`form[action$="/talk/files"] button[type=submit]`)
	asha.wants("drill.log", "Text, 25 bytes, brought by Asha Rao")
	asha.do("answer", chromedp.SetValue(chromedp.CSS(`form[action$="/replies"] textarea`), "All of them: see **drill.log**."))
	asha.send(`form[action$="/replies"] [name=answers]`)
	asha.wants("Challenge by Fay Okoro, answered")
	asha.open("/")
	asha.send(`form[action="/mentions/read"] button`)
	asha.wants("Marked as read.")

	fay.open(review)
	fay.wants("1 challenge is not resolved", "2 comments, 1 piece of evidence from people", "1 open challenge")
	fay.open(question)
	fay.send(`form[action$="/state"] [value=resolved]`)
	fay.wants("The thread is resolved.", "1 resolved thread")
	fay.open(review)
	fay.wants("2 comments, 1 piece of evidence from people")
	if strings.Contains(fay.text(), "open challenge") {
		t.Error("a resolved challenge is still said to be open")
	}
	fay.open(review + "/talk")
	fay.open(question + "/talk")
	asha.open(question)
	asha.send(newComment + ` button[type=submit]`)
	asha.wants("There is a problem", "Write something.")
}
