package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestUpgradeLooksRight goes the whole way in browsers: a curator publishes the next version
// of a set, the team sees what it changes, accepts it, takes its notes over, and confirms.
func TestUpgradeLooksRight(t *testing.T) {
	r := newReviewed(t, false)
	cara := newCurator(r.site)
	draft := beginDraft(cara, "key", "own", "name", "Our set")
	cara.post(draft, "revision", "1", "act", "add-section", "section", "Recovery").leadsTo(draft)
	cara.post(draft+"/q/new", backups("2")...).is(http.StatusSeeOther)
	cara.post(draft, "revision", "3", "act", "publish", "version", "1.0.0").is(http.StatusSeeOther)

	asha := r.look(r.asha)
	asha.open("/workloads/payments/reviews/new?change_key=CHG-7&change_title=Restore")
	asha.wants("In all: 15 questions")
	eval[chromedp.Void](asha, `document.querySelector("#set-own").click()`)
	asha.wants("In all: 16 questions")
	asha.unfold()
	asha.judge("start")
	asha.press(`#start button.btn-primary`)
	home := asha.here()
	asha.open(home + "/q/own/can_you_restore_the_data")
	eval[chromedp.Void](asha, `document.querySelector(".choice input[name=choice]").click()`)
	eval[chromedp.Void](asha, `document.querySelector("[name=notes]").value = "The log of the last drill is in the wiki."`)
	asha.press(`button[name=go]`)

	r.Clock.pass(time.Second)
	curator := r.look(cara)
	curator.open("/questionnaires/drafts/new")
	curator.submit("/questionnaires/drafts", "from", "own", "key", "own")
	draft = curator.here()
	curator.open(draft + "/q/can_you_restore_the_data")
	eval[chromedp.Void](curator, `document.querySelector("[name=title]").value = "Can you restore the data within a day?"`)
	curator.press(`button[name=act][value=done]`)
	curator.press(`button[name=act][value=publish]`)
	curator.wants("is published")
	curator.open("/review-types")
	curator.judge("review-types")
	curator.open("/review-types/new-service")
	eval[chromedp.Void](curator, `(() => { const f = document.querySelector("[name=place_serverless]"); f.value = "2"; f.dispatchEvent(new Event("change", {bubbles: true})) })()`)
	curator.wants("24 required questions")
	curator.judge("review-type")

	asha.open(home)
	asha.wants("Newer questions are published")
	asha.press(`a[href$="/upgrade"]`)
	asha.wants("1.0.0 to 1.1.0, minor", "To be confirmed: 1", "The log of the last drill is in the wiki.", "before: Can you restore the data?")
	asha.unfold()
	asha.judge("upgrade")
	asha.press(`main form button.btn-primary`)
	asha.wants("The review is upgraded.", "Round 2", "To confirm")
	asha.judge("to-confirm")
	asha.open(home + "/q/own/can_you_restore_the_data")
	asha.wants("Before", "Can you restore the data within a day?", "To be confirmed")
	asha.judge("question-to-confirm")
	asha.press(`button[form=answer]`)
	if notes := eval[string](asha, `document.querySelector("[name=notes]").value`); notes != "The log of the last drill is in the wiki." {
		t.Errorf("taken over: %q", notes)
	}
	asha.press(`.savebar button:not([name])`)
	asha.wants("Saved at 12:00 by Asha Rao")
	asha.open(home)
	asha.wants("1 of 16 questions answered")
	asha.open(home + "/record")
	asha.wants("Superseded by an upgrade, frozen", "To Our set 1.1.0 by Asha Rao")
	asha.judge("record-superseded")
}
