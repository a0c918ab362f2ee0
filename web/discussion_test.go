package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"orrery/internal/identity"
)

// talked is a reviewed site with a facilitator, and the address of one question.
type talked struct {
	*reviewed
	fay  *browser
	path string // of the question
}

func newTalked(t *testing.T, restricted bool) *talked {
	t.Helper()
	k := &talked{reviewed: newReviewed(t, restricted)}
	_, k.fay = k.person("Fay Okoro", identity.InviteInput{Grants: []identity.GrantInput{{Kind: identity.Facilitator}}})
	k.path = k.sheet.QuestionPath(k.sheet.Entries()[0])
	return k
}

// upload posts a form with a file; fields are pairs of a name and a value.
func (b *browser) upload(path, name string, data []byte, fields ...string) answer {
	b.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(data)
	}
	for i := 0; i+1 < len(fields) && err == nil; i += 2 {
		err = form.WriteField(fields[i], fields[i+1])
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	return b.ask("POST", path, &body, http.Header{"Content-Type": {form.FormDataContentType()}})
}

// at is the path of a redirect without its fragment.
func (a answer) at() (path, fragment string) {
	a.Helper()
	a.is(http.StatusSeeOther)
	path, fragment, _ = strings.Cut(a.Header.Get("Location"), "#")
	return path, fragment
}

// threadOf finds the id of the thread that a comment stands in.
func (k *talked) threadOf(fragment string) string {
	k.Helper()
	var id string
	err := k.DB.QueryRow(k.Context(), `select thread_id::text from comments where id = $1`, strings.TrimPrefix(fragment, "comment-")).Scan(&id)
	if err != nil {
		k.Fatal(err)
	}
	return id
}

func TestCommentForms(t *testing.T) {
	k := newTalked(t, false)
	k.asha.get(k.path).is(http.StatusOK).says("Comments", "none yet", "New comment", "From people", "Add a file, a link or a statement")
	to, fragment := k.vera.post(k.path+"/talk", "body", "Why **so** <b>few</b>? @mika").at()
	if to != k.path || !strings.HasPrefix(fragment, "comment-") {
		t.Fatalf("leads to %s#%s", to, fragment)
	}
	page := k.mika.get(k.path).says("Vera Lind", "1 open, 0 resolved", "For Mika Laine", "Reply")
	if !strings.Contains(page.Body, "<strong>so</strong>") || strings.Contains(page.Body, "<b>few</b>") || !strings.Contains(page.Body, `id="`+fragment+`"`) {
		t.Error("the comment is not shown as safe Markdown at its anchor")
	}
	k.mika.get("/").says("Mentions for you, not read", "Vera Lind on "+k.sheet.Entries()[0].Question.Title)
	id := strings.TrimPrefix(fragment, "comment-")
	k.mika.get("/comments/" + id).leadsTo(k.path + "#" + fragment)
	k.mika.get("/").says("Mentions for you, not read")
	k.mika.post("/mentions/read", "comment", id, "comment", "nonsense").leadsTo("/")
	k.mika.get("/").hides("Mentions for you")

	thread := k.threadOf(fragment)
	k.mika.post("/threads/"+thread+"/replies", "body", " ").is(http.StatusUnprocessableEntity).says("There is a problem", "Write something.")
	refused := k.mika.post("/threads/"+thread+"/replies", "body", "typed words @asha", "notify", "nonsense").is(http.StatusUnprocessableEntity)
	refused.says("Choose people from the list.", "typed words @asha")
	k.mika.post("/threads/"+thread+"/replies", "body", "Because.").is(http.StatusSeeOther)
	k.vera.post(k.path+"/talk", "body", strings.Repeat("x", 10_001)).is(http.StatusUnprocessableEntity).says("at most 10,000 characters")
	k.asha.post("/threads/"+thread+"/state", "to", "resolved").leadsTo(k.path + "#talk")
	k.asha.post("/threads/"+thread+"/state", "to", "resolved").is(http.StatusConflict).says("does not fit any more")
	k.noor.post("/threads/"+thread+"/state", "to", "open").is(http.StatusForbidden)
	k.vera.post("/threads/"+thread+"/state", "to", "open").leadsTo(k.path + "#talk")

	k.vera.get("/comments/"+id+"/edit").is(http.StatusOK).says("Edit your comment", "Why **so**")
	k.mika.get("/comments/" + id + "/edit").is(http.StatusForbidden)
	k.vera.post("/comments/"+id+"/edit", "version", "1", "body", "").is(http.StatusUnprocessableEntity).says("Write something.")
	k.vera.post("/comments/"+id+"/edit", "version", "1", "body", "Why so many?").leadsTo(k.path + "#" + fragment)
	k.vera.post("/comments/"+id+"/edit", "version", "1", "body", "third words").is(http.StatusConflict).says("third words", "was edited since")
	k.asha.get(k.path).says("Why so many?", "edited")
	k.Clock.pass(16 * time.Minute)
	k.vera.get(k.path).hides("/comments/" + id + "/edit")
	k.vera.post("/comments/"+id+"/edit", "version", "2", "body", "late words").is(http.StatusConflict).says("late words", "15 minutes")
	k.vera.post("/comments/" + id + "/remove").leadsTo(k.path + "#" + fragment)
	k.asha.get(k.path).says("Removed by its author").hides("Why so many?")
	k.vera.post("/comments/" + id + "/remove").is(http.StatusConflict)
}

func TestChallengeForms(t *testing.T) {
	k := newTalked(t, false)
	k.asha.get(k.path).hides("This is a challenge")
	k.asha.post(k.path+"/talk", "body", "x", "challenge", "1").is(http.StatusForbidden).says("Only a facilitator or an approver")
	_, fragment := k.fay.post(k.path+"/talk", "body", "Is that a restore?", "challenge", "1").at()
	thread := "/threads/" + k.threadOf(fragment)
	k.asha.get(k.path).says("Challenged by Fay Okoro", "This answers the challenge").hides("Take the challenge back")
	k.fay.get(k.path).says("Take the challenge back").hides("This answers the challenge")
	k.asha.get(k.path + "/talk").is(http.StatusOK).says("Challenged by Fay Okoro")
	k.asha.get(k.sheet.Path()).says("1 challenge is not resolved", "1 comment", "1 open challenge")
	k.asha.get(k.sheet.Path() + "/check").says("1 challenge is not resolved")
	k.asha.post(thread+"/state", "to", "resolved").is(http.StatusForbidden).says("settled by who raised it")
	k.answerAll(true)
	k.asha.post(k.sheet.Path() + "/submit").is(http.StatusSeeOther) // a challenge blocks nothing
	k.noor.get(k.sheet.Path()+"/decide").says("Open challenges", "1 now, not blocking", k.sheet.Entries()[0].Question.Title)
	k.vera.post(thread+"/replies", "body", "x", "answers", "1").is(http.StatusForbidden).says("Only a member of Ledger")
	k.asha.post(thread+"/replies", "body", "It is.", "answers", "1").is(http.StatusSeeOther)
	k.asha.post(thread+"/replies", "body", "It really is.", "answers", "1").is(http.StatusConflict).says("It really is.")
	k.fay.get(k.path).says("Challenge by Fay Okoro, answered", "answers the challenge", "Challenge again")
	k.noor.get(k.sheet.Path() + "/decide").says("1 now, not blocking")
	k.fay.post(thread+"/state", "to", "challenged").is(http.StatusSeeOther)
	k.mika.post(thread+"/replies", "body", "Look here.", "answers", "1").is(http.StatusSeeOther)
	k.noor.post(thread+"/state", "to", "resolved").is(http.StatusSeeOther)
	k.asha.get(k.path).says("Challenge by Fay Okoro, resolved by Noor Haddad", "1 resolved thread")
	k.noor.get(k.sheet.Path()+"/decide").says("No facilitator or approver waits for an answer.", "0 now")
	if n := k.count(`select count(*) from rounds where state = 'submitted'`); n != 1 {
		t.Error("talk changed the submitted round")
	}
}

func TestUploadForms(t *testing.T) {
	k := newTalked(t, false)
	files := k.path + "/talk/files"
	choice := k.sheet.Entries()[0].Question.Choices[0]
	k.asha.upload(files, `..\Übung 1.txt`, []byte("two hours"), "dated", "2025-11-20", "supports", choice.ID, "description", "The drill.").leadsTo(k.path + "#people")
	page := k.vera.get(k.path).says("Übung 1.txt", "The drill.", "20 Nov 2025", "Stale: more than a year old", "brought by Asha Rao", `for "`+choice.Title+`"`)
	_, rest, _ := strings.Cut(page.Body, `href="/files/`)
	id, _, _ := strings.Cut(rest, `"`)
	file := k.vera.get("/files/" + id).is(http.StatusOK)
	for name, want := range map[string]string{
		"Content-Disposition": `attachment; filename*=utf-8''%C3%9Cbung%201.txt`, "Content-Security-Policy": "default-src 'none'; sandbox",
		"X-Content-Type-Options": "nosniff", "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "private, no-cache",
	} {
		if got := file.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if file.Body != "two hours" {
		t.Errorf("the file holds %q", file.Body)
	}
	k.vera.ask("GET", "/files/"+id, nil, http.Header{"If-None-Match": {file.Header.Get("ETag")}}).is(http.StatusNotModified)
	k.visitor().get("/files/" + id).is(http.StatusSeeOther)

	k.asha.upload(files, "a.svg", []byte("<svg onload=x()>"), "dated", "2026-11-20", "description", "typed words").
		is(http.StatusUnprocessableEntity).says("There is a problem", "a browser could run", "typed words")
	k.asha.upload(files, "", nil, "dated", "2026-11-20").is(http.StatusUnprocessableEntity).says("Choose a file, write the address of a link, or say what you attest.")
	k.asha.upload(files, "a.txt", []byte("x"), "dated", "2026-11-20", "url", "https://example.org", "text", "x").is(http.StatusUnprocessableEntity).says("not both at once")
	k.asha.upload(files, "a.txt", []byte("x"), "dated", "2026-11-22").is(http.StatusUnprocessableEntity).says("cannot be after today")
	k.asha.upload(files, "a.txt", []byte("x"), "dated", "2026-11-20", "description", strings.Repeat("x", 70<<10)).is(http.StatusUnprocessableEntity).says("too long")
	k.asha.post(files, "dated", "2026-11-20").is(http.StatusUnprocessableEntity).says("takes a form with a file")
	k.vera.upload(files, "a.txt", []byte("x"), "dated", "2026-11-20").is(http.StatusForbidden).says("Only Ledger and the workload's approvers and facilitators")
	k.visitor().upload(files, "a.txt", []byte("x"), "dated", "2026-11-20").is(http.StatusUnauthorized)

	k.asha.upload(files, "", nil, "dated", "2026-11-20", "url", "https://wiki.example.org/drill", "text", "The runbook").leadsTo(k.path + "#people")
	both := k.asha.upload(files, "a.txt", []byte("x"), "dated", "2026-11-20", "statement", "We did.").is(http.StatusUnprocessableEntity).says("State it by itself")
	later := k.asha.upload(files, "", nil, "dated", "2099-11-20", "statement", "We will.").is(http.StatusUnprocessableEntity).says("cannot be after today")
	if !strings.Contains(both.Body, `value="We did."`) || !strings.Contains(later.Body, `value="We will."`) {
		t.Error("a refused statement is lost")
	}
	k.asha.upload(files, "", nil, "dated", "2020-11-20", "statement", "We restored <it> by hand.").leadsTo(k.path + "#people")
	k.vera.get(k.path).says("We restored <it> by hand.", "Statement, without a file or a link, by Asha Rao on", "Stale: more than a year old")
	k.asha.get(k.path).says("The runbook", "Link, brought by Asha Rao")
	k.mika.post("/files/" + id + "/remove").is(http.StatusForbidden)
	k.asha.post("/files/" + id + "/remove").leadsTo(k.path + "#people")
	k.asha.get(k.path).says("was removed by Asha Rao").hides("/files/" + id)
	k.asha.get("/files/" + id).is(http.StatusNotFound).says("was removed by Asha Rao")

	k.answerAll(true)
	k.asha.post(k.sheet.Path() + "/submit").is(http.StatusSeeOther)
	k.asha.get(k.path).says("This round is submitted, so its files, links and statements cannot change.").hides("Add a file, a link or a statement")
	k.asha.upload(files, "a.txt", []byte("x"), "dated", "2026-11-20", "description", "kept words").is(http.StatusConflict).says("This round is submitted")
}

// A file that is too large gets its sentence, not a broken connection.
func TestTooLargeAFile(t *testing.T) {
	k := newTalked(t, false)
	files := k.path + "/talk/files"
	big := bytes.Repeat([]byte("x"), 10<<20)
	k.asha.upload(files, "a.txt", big, "dated", "2026-11-20").is(http.StatusSeeOther)
	for _, size := range []int{10<<20 + 1, 40 << 20} {
		k.asha.upload(files, "a.txt", bytes.Repeat([]byte("x"), size), "description", "typed words", "dated", "2026-11-20").
			is(http.StatusUnprocessableEntity).says("larger than 10 MB", "typed words")
	}
	k.vera.upload(files, "a.txt", append(big, 'x'), "dated", "2026-11-20").is(http.StatusForbidden)
	k.visitor().upload(files, "a.txt", big, "dated", "2026-11-20").is(http.StatusUnauthorized)
	k.asha.post(k.path+"/talk", "body", strings.Repeat("x", 2<<20)).is(http.StatusRequestEntityTooLarge)
	if n := k.count(`select count(*) from attachments`); n != 1 {
		t.Errorf("%d files are kept, want 1", n)
	}
}

// For who may not read a restricted workload, nothing said about it is there.
func TestRestrictedTalkIsNotFound(t *testing.T) {
	k := newTalked(t, true)
	_, fragment := k.asha.post(k.path+"/talk", "body", "secret words").at()
	thread, id := k.threadOf(fragment), strings.TrimPrefix(fragment, "comment-")
	k.asha.upload(k.path+"/talk/files", "a.txt", []byte("x"), "dated", "2026-11-20").is(http.StatusSeeOther)
	var file string
	if err := k.DB.QueryRow(t.Context(), `select id::text from attachments`).Scan(&file); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{k.path + "/talk", k.sheet.Path() + "/talk", "/comments/" + id, "/comments/" + id + "/edit", "/files/" + file} {
		k.vera.get(path).is(http.StatusNotFound).hides("secret words")
		k.fay.get(path)
	}
	for _, path := range []string{k.path + "/talk", k.sheet.Path() + "/talk", "/threads/" + thread + "/replies", "/threads/" + thread + "/state", "/comments/" + id + "/edit", "/comments/" + id + "/remove", "/files/" + file + "/remove"} {
		k.vera.post(path, "body", "x", "to", "resolved").is(http.StatusNotFound)
		k.visitor().post(path, "body", "x").is(http.StatusUnauthorized)
	}
	k.vera.upload(k.path+"/talk/files", "a.txt", []byte("x"), "dated", "2026-11-20").is(http.StatusNotFound)
	k.asha.post(k.path+"/talk", "body", "@vera look").is(http.StatusUnprocessableEntity).says("Vera Lind may not read Payments", "@vera look")
	k.fay.post(k.path+"/talk", "body", "x").is(http.StatusSeeOther)
	for _, path := range []string{"/threads/nonsense/replies", "/comments/nonsense/remove", "/files/nonsense/remove", "/items/nonsense/talk", "/reviews/nonsense/talk", k.sheet.Path() + "/q/orr/nonsense/talk"} {
		k.asha.post(path, "body", "x").is(http.StatusNotFound)
	}
	for _, path := range []string{"/files/nonsense", "/comments/nonsense", "/comments/" + url.PathEscape("a\x00b")} {
		k.asha.get(path).is(http.StatusNotFound)
	}
}

func TestTalkOnReviewsAndItems(t *testing.T) {
	k := newTalked(t, false)
	to, _ := k.vera.post(k.sheet.Path()+"/talk", "body", "When is the meeting?").at()
	if to != k.sheet.Path()+"/talk" {
		t.Errorf("a comment on the review leads to %s", to)
	}
	k.asha.get(to).says("When is the meeting?", "Vera Lind")
	k.asha.get(k.sheet.Path()).says("1 comment. Comment on the review")
	e := k.sheet.Entries()[0]
	k.answerAll(true)
	k.asha.post(k.sheet.QuestionPath(e), append(ticks(e, false)[2:], "version", "1")...).is(http.StatusSeeOther)
	k.read()
	steps := []string{}
	for _, high := range k.sheet.Highs() {
		steps = append(steps, "owner:"+high.Key(), k.asha.actor().PersonID.String(), "due_on:"+high.Key(), "2026-12-05")
	}
	k.asha.post(k.sheet.Path()+"/submit", steps...).is(http.StatusSeeOther)
	var item string
	if err := k.DB.QueryRow(t.Context(), `select '/items/' || id from items limit 1`).Scan(&item); err != nil {
		t.Fatal(err)
	}
	to, fragment := k.vera.post(item+"/talk", "body", "Is it done?").at()
	if to != item {
		t.Errorf("a comment on the item leads to %s", to)
	}
	k.asha.upload(item+"/talk/files", "proof.txt", []byte("x"), "dated", "2026-11-20", "thread", k.threadOf(fragment)).is(http.StatusSeeOther)
	k.vera.get(item).says("Is it done?", "proof.txt", "Text, 1 byte")
}
