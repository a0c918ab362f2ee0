package web_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"orrery/internal/identity"
	"orrery/internal/review"
)

// saved is what a page that saves by itself hears.
type saved struct {
	status   int
	Words    string
	Version  int
	Status   string
	Icon     string
	Conflict bool
	Hold     bool
	Fields   []struct{ Name, Message string }
}

// autosave sends a form as the script does.
func (b *browser) autosave(path string, fields ...string) saved {
	b.Helper()
	a := b.ask("POST", path, strings.NewReader(values(fields...).Encode()), http.Header{"Accept": {"application/json"}})
	s := saved{status: a.Status}
	if strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal([]byte(a.Body), &s); err != nil {
			b.Fatalf("%s: %v: %s", a.Asked, err, a.Body)
		}
	}
	return s
}

func TestAutosave(t *testing.T) {
	r := newReviewed(t, false)
	e := r.sheet.Entries()[0]
	path, first, second := r.sheet.QuestionPath(e), e.Question.Choices[0].ID, e.Question.Choices[1].ID
	asha := r.asha.actor().PersonID.String()

	for range 2 { // its answer may get lost, so it is sent again
		if s := r.asha.autosave(path, "version", "0", "person", asha, "choice", first); s.status != 200 || s.Version != 1 || s.Words != "Saved at 12:00 by Asha Rao" || !strings.Contains(s.Status, "High") && !strings.Contains(s.Status, "Medium") || !strings.Contains(s.Icon, "<svg") {
			t.Fatalf("saved: %+v", s)
		}
	}
	if s := r.mika.autosave(path, "version", "0", "choice", second); s.status != 409 || !s.Conflict || s.Words != "Changed by Asha Rao" || s.Version != 1 {
		t.Errorf("stale: %+v", s)
	}
	if s := r.asha.autosave(path, "version", "1", "choice", first, "unknown", "1"); s.status != 422 || len(s.Fields) != 1 || s.Fields[0].Name != "choice" {
		t.Errorf("invalid: %+v", s)
	}
	if s := r.asha.autosave(path, "choice", first); s.status != 422 {
		t.Errorf("without a version: %+v", s)
	}
	if s := r.visitor().autosave(path, "version", "1", "choice", first); s.status != 401 {
		t.Errorf("signed out: %+v", s)
	}
	if s := r.vera.autosave(path, "version", "1", "choice", second); s.status != 403 || !strings.Contains(s.Words, "owning team") {
		t.Errorf("another team: %+v", s)
	}
	if s := r.mika.autosave(path, "version", "1", "person", asha, "choice", second); s.status != 403 || !strings.Contains(s.Words, "signed in as Mika Laine") {
		t.Errorf("typed by somebody else: %+v", s)
	}
	if s := r.asha.autosave(r.path+"/q/orr/nope", "version", "0"); s.status != 404 {
		t.Errorf("unknown question: %+v", s)
	}
	if n := r.count(`select count(*) from answer_revisions`); n != 1 {
		t.Errorf("%d revisions, want 1", n)
	}
}

// An approver who is in the team becomes an author only by pressing Save.
func TestAutosaveMakesNobodyAnAuthorSilently(t *testing.T) {
	r := newReviewed(t, false)
	team := r.asha.actor().Teams[0].TeamID
	_, tomas := r.person("Tomas Berg", identity.InviteInput{
		Teams: []identity.Membership{{TeamID: team, Role: identity.Member}}, Grants: []identity.GrantInput{{Kind: identity.Approver}}})
	e := r.sheet.Entries()[0]
	path, first := r.sheet.QuestionPath(e), e.Question.Choices[0].ID
	page := tomas.get(path).is(200).says("You could decide this round", "until you press Save once")
	if !strings.Contains(page.Body, `data-hold="author"`) {
		t.Error("the form of a possible approver does not wait")
	}
	if s := tomas.autosave(path, "version", "0", "choice", first); s.status != 409 || !s.Hold {
		t.Errorf("by itself: %+v", s)
	}
	if n := r.count(`select count(*) from answer_revisions`); n != 0 {
		t.Fatalf("%d revisions before Save was pressed", n)
	}
	if s := tomas.autosave(path, "version", "0", "choice", first, "knowing", "1"); s.status != 200 || s.Version != 1 {
		t.Errorf("knowingly: %+v", s)
	}
	if s := tomas.autosave(path, "version", "1", "unknown", "1"); s.status != 200 || s.Version != 2 {
		t.Errorf("an author goes on: %+v", s)
	}
}

func TestConflictIsSettled(t *testing.T) {
	r := newReviewed(t, false)
	e := r.sheet.Entries()[0]
	path, first, second := r.sheet.QuestionPath(e), e.Question.Choices[0].ID, e.Question.Choices[1].ID
	r.asha.post(path, "version", "0", "choice", first, "notes", "Asha's").is(303)
	page := r.mika.post(path, "version", "0", "choice", second, "notes", "Mika's").is(409)
	page.says("Asha Rao saved this answer while you were writing", "21 November, 12:00 UTC, version 1", "Keep theirs", "Replace it with mine", "Merge below",
		"Asha's", "Mika's", "ticked by Asha Rao", "not ticked by Asha Rao", "Save the merged answer")
	if page.value("version") != "1" || page.value("resolves") != review.Merge {
		t.Errorf("the form stands on version %s, resolves %s", page.value("version"), page.value("resolves"))
	}
	r.mika.post(path, "version", "1", "choice", second, "notes", "Mika's", "resolves", review.Merge, "settle", review.Replace).is(303)
	r.asha.post(path, "version", "1", "choice", first, "notes", "Asha's").is(409)
	r.asha.post(path, "version", "2", "choice", first, "choice", second, "notes", "Both", "resolves", review.Merge).is(303)
	for verb, want := range map[string]int{"answer.saved": 1, "answer.replaced": 1, "answer.merged": 1} {
		if n := r.count(`select count(*) from audit_records where verb = $1`, verb); n != want {
			t.Errorf("%d acts %s, want %d", n, verb, want)
		}
	}
}

// A section on one page works by forms alone, and the choice of pages follows the person.
func TestSectionOnOnePage(t *testing.T) {
	r := newReviewed(t, false)
	section := r.sheet.Sections[0]
	here := r.sheet.SectionPath(section)
	page := r.asha.get(here).is(200).says(section.Name, section.Entries[0].Question.Title, section.Entries[1].Question.Title, "One question a page")
	for i := range section.Entries {
		if id := `id="q` + strconv.Itoa(i+1) + `-answer"`; strings.Count(page.Body, id) != 1 {
			t.Errorf("%s stands %d times on the page", id, strings.Count(page.Body, id))
		}
	}
	e := section.Entries[0]
	question, back := r.sheet.QuestionPath(e), here+"#"+e.Anchor()
	r.asha.post(question, "version", "0", "choice", e.Question.Choices[0].ID, "back", back).leadsTo(back)
	r.asha.post(question, "version", "1", "unknown", "1", "back", "https://example.com/", "go", "").leadsTo("/")
	r.asha.post(question+"/risk", "unknown", "1", "prefix", "q1-").is(200).says("High")
	r.asha.post(question+"/risk", "unknown", "1", "prefix", `"><b>`).is(200).hides(`"><b>`)

	r.asha.get(question).is(200)
	r.asha.post("/account/pages", "pages", "section", "next", here).leadsTo(here)
	r.asha.get(question).leadsTo(back)
	r.asha.get(question + "?view=one").is(200)
	r.asha.ask("GET", question, nil, http.Header{"Referer": {r.URL + question}}).is(200)
	r.mika.get(question).is(200)
	r.asha.get("/account").is(200).says("A section on one page", "Single keys act")
	r.asha.post("/account/answering", "pages", "question").leadsTo("/account")
	r.asha.get(question).is(200).hides("data-keys-help", "Keys on this page")
	r.mika.get(question).says("Keys on this page")
	r.vera.get(here).is(200).says("Only a member of the owning team").hides(`<textarea`)
	r.asha.get(r.path + "/s/orr/nope").is(404)
	newReviewed(t, true).outsider(t)
}

// outsider finds nothing of a restricted workload.
func (r *reviewed) outsider(t *testing.T) {
	t.Helper()
	section := r.sheet.Sections[0]
	r.vera.get(r.sheet.SectionPath(section)).is(404)
	r.vera.post(r.path+"/assign", "question", section.Entries[0].Key(), "person", "").is(404)
}

func TestAskAndFilter(t *testing.T) {
	r := newReviewed(t, false)
	e, section := r.sheet.Entries()[0], r.sheet.Sections[1]
	mika := r.mika.actor().PersonID.String()
	r.asha.get(r.path).is(200).says("Ask somebody to answer", "What blocks submission", "Unanswered 15", "Yours 0")
	r.asha.post(r.path+"/assign", "question", e.Key(), "question", review.SectionKey(section.Questionnaire, section.ID), "person", mika, "next", r.path).leadsTo(r.path)
	n := 1 + len(section.Entries)
	r.asha.get(r.path).says(strconv.Itoa(n)+" questions have somebody to answer now", "asked: Mika Laine", "Yours 0")
	r.mika.get(r.path+"?show=mine").is(200).says("yours", "Yours "+strconv.Itoa(n)).hides("Select " + r.sheet.Sections[2].Entries[0].Question.Title)
	r.mika.get("/").says(strconv.Itoa(n)+" of them yours", "You are asked to answer "+strconv.Itoa(n))
	r.mika.get(r.sheet.QuestionPath(e)).says("yours", "Mika Laine is asked to answer this")
	r.vera.post(r.path+"/assign", "question", e.Key(), "person", mika).is(403)
	r.asha.post(r.path+"/assign", "person", mika).is(422).says("Select at least one")
	r.asha.get(r.path + "?show=high").is(200).says("No question is left")
	r.asha.get(r.path + "?phase=design&show=unanswered").is(200)
	r.asha.get(r.path + "?show=nonsense").is(404)
	r.asha.get(r.path + "?phase=nonsense").is(404)
	r.vera.get(r.path).is(200).hides("Ask somebody to answer", `class="pick"`)
}
