package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"orrery/internal/identity"
	"orrery/internal/review"
)

// until waits until the expression is true in the page.
func (e *eye) until(what, expression string) {
	e.Helper()
	for range 800 {
		if ok, err := chromedp.Run(e.ctx, chromedp.Evaluate[bool](expression)); err == nil && ok {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	e.Fatalf("%s never comes; the page says:\n%s", what, eval[string](e, `document.querySelector("main").innerText`))
}

// tells waits until the save state says the words.
func (e *eye) tells(words string) {
	e.Helper()
	e.until(words, `(document.querySelector("[data-save]")?.innerText || "").includes("`+words+`")`)
}

func (e *eye) do(steps ...chromedp.Action[chromedp.Void]) {
	e.Helper()
	if err := chromedp.Do(e.ctx, steps...); err != nil {
		e.Fatal(err)
	}
}

// key presses a key that the page takes: no character follows it.
func (e *eye) key(key string, modifiers int64) {
	e.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		if _, err := chromedp.Call(e.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: key, Modifiers: modifiers}); err != nil {
			e.Fatal(err)
		}
	}
}

const ctrl = 2

// write types at the end of a text.
func (e *eye) write(field, text string) {
	e.Helper()
	eval[chromedp.Void](e, `{ const f = document.querySelector("`+field+`"); f.focus(); f.setSelectionRange(f.value.length, f.value.length) }`)
	e.do(chromedp.KeyEvent(text))
}

// network cuts the browser off, or connects it again.
func (e *eye) network(on bool) {
	e.Helper()
	emulate := cdp.Command[network.OverrideNetworkStateParams, cdp.Empty]{Method: "Network.emulateNetworkConditions"}
	if _, err := chromedp.Call(e.ctx, emulate, network.OverrideNetworkStateParams{Offline: !on, DownloadThroughput: -1, UploadThroughput: -1}); err != nil {
		e.Fatal(err)
	}
}

// reload loads the page again and leaves what it asks about unanswered text.
func (e *eye) reload() {
	e.Helper()
	eval[bool](e, `window.here = true`)
	e.do(chromedp.Evaluate[chromedp.Void](`void setTimeout(() => location.reload())`))
	e.until("the page again", `window.here === undefined && document.readyState === "complete"`)
}

// agree answers "leave" to pages that ask before they are left.
func (e *eye) agree() {
	e.Helper()
	err := chromedp.Listen(e.ctx, func(event any) {
		if _, ok := event.(*page.EventJavascriptDialogOpening); ok {
			go func() {
				_, _ = chromedp.Call(e.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
			}()
		}
	})
	if err != nil {
		e.Fatal(err)
	}
}

// answering is Asha in Chromium on the first question.
func answering(t *testing.T) (*reviewed, *eye, string) {
	t.Helper()
	r := newReviewed(t, false)
	e := r.look(r.asha)
	e.agree()
	if _, err := chromedp.Call(e.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	path := r.sheet.QuestionPath(r.sheet.Entries()[0])
	e.as(1280, "light")
	e.open(path)
	return r, e, path
}

func (r *reviewed) notes() string {
	r.Helper()
	r.read()
	return r.sheet.Entries()[0].Answer.Notes
}

const notesField = "textarea[name=notes]"

// Two people answer one question: both see what happened, and merge.
func TestTwoPeopleAnswerAndMerge(t *testing.T) {
	r, e, path := answering(t)
	first := r.sheet.Entries()[0].Question.Choices[0].ID
	e.tells("Not answered yet")
	e.do(chromedp.Click("#c-" + first))
	e.tells("Saved at 12:00 by Asha Rao")
	e.write(notesField, "Asha was here.")
	e.tells("Saved at")
	e.until("notes are stored", `document.querySelector("[name=version]").value === "2"`)
	if got := r.notes(); got != "Asha was here." {
		t.Fatalf("stored %q", got)
	}
	r.mika.post(path, "version", "2", "unknown", "1", "notes", "Mika doubts it.").is(303)
	e.write(notesField, " Again.")
	e.tells("Changed by Mika Laine")
	if got := r.notes(); got != "Mika doubts it." {
		t.Fatalf("a conflict overwrote: %q", got)
	}
	e.do(chromedp.Click("[data-save] button"))
	e.until("the comparison", `document.body.innerText.includes("Mika Laine saved this answer while you were writing")`)
	e.judge("conflict")
	e.as(1280, "light")
	if got := eval[string](e, `document.querySelector("`+notesField+`").value`); got != "Asha was here. Again." {
		t.Fatalf("the form holds %q", got)
	}
	e.write(notesField, " Mika doubts it.")
	e.tells("keep, replace or merge")
	e.do(chromedp.Click("button[name=go]"))
	e.until("the next question", `!location.pathname.endsWith("`+path+`")`)
	if got := r.notes(); got != "Asha was here. Again. Mika doubts it." {
		t.Errorf("merged into %q", got)
	}
	if n := r.count(`select count(*) from audit_records where verb = 'answer.merged'`); n != 1 {
		t.Errorf("%d acts are recorded as merged", n)
	}
	if left := eval[int](e, `Object.keys(localStorage).length`); left != 0 {
		t.Errorf("%d drafts are left in the browser", left)
	}
}

// The network goes, the page is loaded again, the session ends: nothing typed is lost.
func TestNothingTypedIsLost(t *testing.T) {
	r, e, path := answering(t)
	const asks = `!dispatchEvent(new Event("beforeunload", {cancelable: true}))`
	e.network(false)
	e.write(notesField, "Typed on a train.")
	e.tells("Not saved: the server did not answer")
	if !eval[bool](e, asks) {
		t.Error("the page may be left although something is not saved")
	}
	e.network(true)
	e.tells("Saved at")
	if got := r.notes(); got != "Typed on a train." || eval[bool](e, asks) {
		t.Errorf("back on the network: stored %q", got)
	}

	eval[chromedp.Void](e, `window.fetch = () => new Promise(() => {})`) // a server that never answers
	e.write(notesField, " And later.")
	e.tells("Saving")
	e.reload()
	e.until("the draft", `!!document.querySelector("[data-draft]")`)
	e.said() // the browser's complaints about the missing network
	e.judge("draft")
	e.as(1280, "light")
	if got := eval[string](e, `document.querySelector("[data-draft]").innerText`); !strings.Contains(got, "Not saved yet: typed at") {
		t.Errorf("the draft says %q", got)
	}
	e.do(chromedp.Click("[data-draft] button"))
	e.tells("Saved at")
	if got := r.notes(); got != "Typed on a train. And later." {
		t.Errorf("after a reload: stored %q", got)
	}

	secret := r.asha.session()
	if err := r.Identity.SignOut(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	e.write(notesField, " Signed out.")
	e.tells("Signed out: sign in in another tab, then retry")
	fresh, err := r.Identity.SignIn(t.Context(), "asha@example.org", password, identity.Client{IP: "192.0.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(e.ctx, network.SetCookie, network.SetCookieParams{Name: sessionCookie, Value: fresh, URL: r.URL}); err != nil {
		t.Fatal(err)
	}
	r.asha = r.holding(fresh)
	e.do(chromedp.Click("[data-save] button"))
	e.tells("Saved at")
	if got := r.notes(); got != "Typed on a train. And later. Signed out." {
		t.Errorf("after the session ended: stored %q", got)
	}
	e.open(path)
	if eval[bool](e, `!!document.querySelector("[data-draft]")`) {
		t.Error("what is saved is offered as a draft")
	}

	e.network(false)
	e.write(notesField, " On the way.")
	e.do(chromedp.Click("button[name=go]"))
	e.tells("Not saved: the server did not answer")
	e.network(true)
	e.until("the next question", `location.pathname !== "`+path+`"`) // as was asked for while nobody answered
	if got := r.notes(); got != "Typed on a train. And later. Signed out. On the way." {
		t.Errorf("sent while nobody answered: stored %q", got)
	}
}

// A refused answer says so beside its field and keeps the focus.
func TestAutosaveShowsWhatIsWrong(t *testing.T) {
	r, e, _ := answering(t)
	eval[chromedp.Void](e, `document.querySelector("[name=not_applicable]").closest("details").open = true`)
	e.do(chromedp.Click("[name=not_applicable]"))
	e.tells("Not saved yet: Say why this question does not apply.")
	if !eval[bool](e, `document.querySelector("[name=reason]").previousElementSibling.matches("[data-live-error]") && document.activeElement.name === "not_applicable"`) {
		t.Error("the message does not stand beside its field, or the focus moved")
	}
	e.do(chromedp.SendKeys("[name=reason]", "It has no dependencies."))
	e.tells("Saved at")
	if eval[bool](e, `!!document.querySelector("[data-live-error]")`) {
		t.Error("the message stays although it is mended")
	}
	r.read()
	if !r.sheet.Entries()[0].Answer.NotApplicable {
		t.Error("the answer is not stored")
	}
	none, _ := r.sheet.Entries()[0].Question.NoneChoice()
	eval[chromedp.Void](e, `document.querySelector("[name=not_applicable]").click(); document.querySelector(".choices [name=choice]").click()`)
	eval[chromedp.Void](e, `document.querySelector("[name=choice][value=`+none.ID+`]").click()`)
	if eval[int](e, `document.querySelectorAll("[name=choice]:checked").length`) != 1 {
		t.Error("none of these stands beside others")
	}
}

// A section is answered with the keyboard alone, and the same without any script.
func TestKeyboardAnswersASection(t *testing.T) {
	r, e, _ := answering(t)
	section := r.sheet.Sections[0]
	e.open(r.sheet.SectionPath(section))
	e.unfold()
	e.judge("section")
	e.as(1280, "light")
	e.open(r.sheet.SectionPath(section))
	e.key("?", 0)
	e.until("the help", `document.querySelector("#keys").open`)
	e.judge("keys")
	e.as(1280, "light")
	e.do(chromedp.KeyEvent("\x1b"))
	e.until("the page", `!document.querySelector("#keys").open`)
	for i, entry := range section.Entries {
		if i == 0 {
			e.key("j", 0)
		}
		e.until("the question", `document.activeElement.closest("article")?.id === "`+entry.Anchor()+`"`)
		if i == 0 {
			e.key("u", 0)
		} else {
			e.key("1", 0)
			e.key("2", 0)
			e.key("2", 0)
		}
		e.key("n", 0)
		e.do(chromedp.KeyEvent("Keys: j1?"))
		e.until("notes", `document.activeElement.value === "Keys: j1?"`)
		e.key("Enter", ctrl)
		if i+1 < len(section.Entries) {
			e.until("it is saved", `document.querySelector("#`+entry.Anchor()+` [data-save]").innerText.startsWith("Saved")`)
		}
	}
	r.wholeSection(e, section)
}

// wholeSection wants every question of the section answered.
func (r *reviewed) wholeSection(e *eye, section review.Section) {
	r.Helper()
	e.until("the next section", `location.pathname !== "`+r.sheet.SectionPath(section)+`"`)
	r.read()
	for _, entry := range r.sheet.Sections[0].Entries {
		if !entry.Answered() || entry.Answer.Notes != "Keys: j1?" {
			r.Errorf("%s is answered %v with %q", entry.Question.ID, entry.Answered(), entry.Answer.Notes)
		}
	}
}

func TestAnsweringWithoutScript(t *testing.T) {
	r, e, path := answering(t)
	if _, err := chromedp.Call(e.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	e.open(r.sheet.SectionPath(r.sheet.Sections[0]))
	e.do(chromedp.Click("#q1-c-"+r.sheet.Entries()[0].Question.Choices[0].ID), chromedp.SendKeys("#f-q1-notes", "By form."))
	if _, err := chromedp.RunResponse(e.ctx, chromedp.Click(`#q1-answer .savebar button:not([name])`)); err != nil {
		t.Fatal(err)
	}
	if got := r.notes(); got != "By form." {
		t.Errorf("stored %q", got)
	}
	where, err := chromedp.Run(e.ctx, chromedp.Location())
	if err != nil || !strings.HasSuffix(where, r.sheet.SectionPath(r.sheet.Sections[0])+"#"+r.sheet.Sections[0].Entries[0].Anchor()) {
		t.Errorf("one is led to %s, %v", where, err)
	}
	r.mika.post(path, "version", "1", "unknown", "1").is(303)
	e.do(chromedp.Click("article summary"), chromedp.SendKeys("#f-q1-notes", "Late. "))
	if _, err := chromedp.RunResponse(e.ctx, chromedp.Click(`#q1-answer .savebar button:not([name])`)); err != nil {
		t.Fatal(err)
	}
	e.do(chromedp.WaitVisible(`button[name=settle]`))
	if _, err := chromedp.RunResponse(e.ctx, chromedp.Click(`button[name=settle]`)); err != nil {
		t.Fatal(err)
	}
	if got := r.notes(); got != "Late. By form." {
		t.Errorf("after mine replaced theirs: stored %q", got)
	}
}
