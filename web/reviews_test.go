package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/review"
)

// reviewed is a site with a team of two, an approver, somebody else, and a started review.
type reviewed struct {
	*site
	asha, mika, noor, vera *browser
	path                   string // of the review
	sheet                  review.Sheet
}

func newReviewed(t *testing.T, restricted bool) *reviewed {
	t.Helper()
	s := newSite(t)
	s.publish()
	team := s.team("ledger", "Ledger")
	member := identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Member}}}
	r := &reviewed{site: s}
	_, r.asha = s.person("Asha Rao", member)
	_, r.mika = s.person("Mika Laine", member)
	_, r.noor = s.person("Noor Haddad", identity.InviteInput{Grants: []identity.GrantInput{{Kind: identity.Approver}}})
	_, r.vera = s.person("Vera Lind", identity.InviteInput{})
	s.workload("payments", "Payments", "ledger", restricted)
	r.path = r.asha.post("/workloads/payments/reviews", "type", "new-service").is(http.StatusSeeOther).Header.Get("Location")
	r.read()
	return r
}

// read loads the review as the team sees it.
func (r *reviewed) read() {
	r.Helper()
	var err error
	r.sheet, err = r.Reviews.Sheet(r.Context(), r.asha.actor(), uuid.MustParse(strings.TrimPrefix(r.path, "/reviews/")))
	if err != nil {
		r.Fatal(err)
	}
}

// ticks is a form that ticks every practice, or none of these.
func ticks(e review.Entry, good bool) []string {
	form := []string{"version", "0"}
	for _, c := range e.Question.Choices {
		if c.None != good && c.Weight != "scope" {
			form = append(form, "choice", c.ID)
		}
	}
	return form
}

func (r *reviewed) answerAll(good bool) {
	r.Helper()
	for _, e := range r.sheet.Entries() {
		r.asha.post(r.sheet.QuestionPath(e), ticks(e, good)...).is(http.StatusSeeOther)
	}
	r.read()
}

func TestAnswerForm(t *testing.T) {
	r := newReviewed(t, false)
	e := r.sheet.Entries()[0]
	path := r.sheet.QuestionPath(e)
	first := e.Question.Choices[0].ID
	r.asha.get(path).is(http.StatusOK).says(e.Question.Title, "Question 1 of 15, required", "Not answered yet")

	refused := r.asha.post(path, "version", "0", "choice", first, "unknown", "1", "notes", "typed <b>notes</b>", "na_"+e.Question.Choices[1].ID, "because")
	refused.is(http.StatusUnprocessableEntity).says("There is a problem", `"Do not know" cannot be ticked beside a choice.`, "Not saved", "typed <b>notes</b>")
	if !strings.Contains(refused.Body, `value="because"`) || !strings.Contains(refused.Body, `value="`+first+`" checked`) {
		t.Error("a refused answer does not keep what was typed and ticked")
	}
	r.asha.post(path, "version", "0", "not_applicable", "1").is(http.StatusUnprocessableEntity).says("Say why this question does not apply.")
	r.asha.post(path, "version", "0", "choice", "no-such").is(http.StatusUnprocessableEntity).says("has no choice")
	r.asha.post(path, "version", "0", "notes", strings.Repeat("x", 20_001)).is(http.StatusUnprocessableEntity).says("under 20,000 characters")
	r.asha.post(path, "version", "0", "notes", strings.Repeat("x", 2<<20)).is(http.StatusRequestEntityTooLarge)

	r.asha.post(path, "version", "0", "choice", first, "notes", "a\x00b \xff c", "go", "next", "next", r.path).leadsTo(r.path)
	saved := r.asha.get(path).is(http.StatusOK).says("Saved at 12:00 by Asha Rao", "version 1")
	if saved.value("version") != "1" {
		t.Errorf("the form is on version %s", saved.value("version"))
	}
	r.asha.post(path, "version", "1", "choice", first, "go", "next", "next", "//evil.example").leadsTo("/")
}

func TestStaleAnswerShowsBoth(t *testing.T) {
	r := newReviewed(t, false)
	e := r.sheet.Entries()[0]
	path := r.sheet.QuestionPath(e)
	r.asha.post(path, "version", "0", "choice", e.Question.Choices[0].ID, "notes", "Asha's words").leadsTo(path)
	stale := r.mika.post(path, "version", "0", "choice", e.Question.Choices[1].ID, "notes", "Mika's words")
	stale.is(http.StatusConflict).says("Asha Rao saved this answer while you were writing", "Asha's words", "Mika's words", e.Question.Choices[0].Title, e.Question.Choices[1].Title)
	if stale.value("version") != "1" {
		t.Errorf("saving the form again would be on version %s, want 1", stale.value("version"))
	}
	r.mika.post(path, "version", "1", "choice", e.Question.Choices[1].ID, "notes", "both words").leadsTo(path)
	r.asha.get(path).says("both words", "Saved at 12:00 by Mika Laine")
	if n := r.count(`select count(*) from answer_revisions`); n != 2 {
		t.Errorf("%d revisions are kept, want 2", n)
	}
}

func TestRiskFollowsTheTicks(t *testing.T) {
	r := newReviewed(t, false)
	e := r.sheet.Entries()[0]
	path := r.sheet.QuestionPath(e) + "/risk"
	r.asha.post(path, ticks(e, true)...).is(http.StatusOK).says("No risk found")
	r.asha.post(path, ticks(e, false)...).is(http.StatusOK).says("High")
	r.asha.post(path, "version", "0").is(http.StatusOK).says("Unanswered")
	if n := r.count(`select count(*) from answer_revisions`); n != 0 {
		t.Errorf("a preview saved %d answers", n)
	}
}

func TestFromDraftToDecision(t *testing.T) {
	r := newReviewed(t, false)
	r.asha.post(r.path + "/submit").is(http.StatusConflict).says("15 unanswered questions block submission")
	r.answerAll(false)
	r.asha.get(r.path + "/check").is(http.StatusOK).says("Who mends the highs")
	r.asha.post(r.path+"/submit", review.FieldName("owner", r.sheet.Highs()[0].Key()), "nobody").
		is(http.StatusUnprocessableEntity).says("Choose who mends this.", "Write the due date")
	var steps []string
	for _, e := range r.sheet.Highs() {
		steps = append(steps, review.FieldName("owner", e.Key()), r.asha.actor().PersonID.String(), review.FieldName("due_on", e.Key()), "2026-12-24")
	}
	r.asha.post(r.path+"/submit", steps...).leadsTo(r.path)
	r.asha.get(r.path).says("Submitted, frozen", "Waiting for a decision")
	r.asha.get(r.sheet.QuestionPath(r.sheet.Entries()[0])).says("answers cannot change").hides(`name="go"`)

	r.asha.get(r.path+"/decide").is(http.StatusOK).says("Only an approver of this workload", "15 high").hides("Decide and seal")
	page := r.noor.get(r.path+"/decide").is(http.StatusOK).says("15 high", "0 of 1 sign-offs agree")
	content := page.value("content")
	r.noor.post(r.path+"/sign-off", "content", content, "voice", "object").is(http.StatusUnprocessableEntity).says("Say what you object to.")
	r.noor.post(r.path+"/sign-off", "content", strings.Repeat("0", 64), "voice", "agree").is(http.StatusConflict).says("What you decide on is not what this page shows now.")
	r.asha.post(r.path+"/sign-off", "content", content, "voice", "agree").is(http.StatusForbidden)
	r.noor.post(r.path+"/sign-off", "content", content, "voice", "agree", "note", "Fine by me.").leadsTo(r.path + "/decide")
	r.noor.post(r.path+"/decision", "content", content, "seen", page.value("seen"), "outcome", "go", "reason", "kept words").
		is(http.StatusConflict).says("Noor Haddad signed off and agrees: Fine by me.", "kept words")
	seen := r.noor.get(r.path + "/decide").value("seen")
	r.noor.post(r.path+"/decision", "content", content, "seen", seen, "outcome", "go").is(http.StatusUnprocessableEntity).says("a plain go is refused")
	again := r.noor.post(r.path+"/decision", "content", content, "seen", seen, "outcome", "conditional", "reason", "kept", "condition_text_0", "Page somebody", "condition_timing_0", "after_launch", "condition_owner_0", "", "condition_due_on_0", "")
	again.is(http.StatusUnprocessableEntity).says("A condition after launch needs a date.", "Choose who sees to it.", "kept")
	if again.value("condition_text_0") != "Page somebody" {
		t.Error("the condition was lost")
	}
	r.noor.post(r.path+"/decision", "content", content, "seen", seen, "outcome", "conditional", "condition_text_0", "x", "add", "1").is(http.StatusOK).says("Condition 2")
	r.noor.post(r.path+"/decision", "content", content, "seen", seen, "outcome", "conditional", "condition_text_0", "Page somebody", "condition_timing_0", "after_launch",
		"condition_owner_0", r.mika.actor().PersonID.String(), "condition_due_on_0", "2027-01-01").leadsTo(r.path + "/record")
	r.vera.get(r.path+"/record").is(http.StatusOK).says("Conditional go by Noor Haddad", "Noor Haddad agreed, from outside the team: Fine by me.", "Page somebody", "after launch", content)
	r.noor.post(r.path+"/decision", "content", content, "seen", seen, "outcome", "no_go", "reason", "too late").is(http.StatusConflict).says("What you sent", "too late")
	r.asha.post(r.path + "/withdraw").is(http.StatusConflict)

	pdf := r.vera.get(r.path + "/report.pdf").is(http.StatusOK)
	if !strings.HasPrefix(pdf.Body, "%PDF-") || pdf.Header.Get("Content-Type") != "application/pdf" {
		t.Error("the report is no PDF")
	}
	frozen := r.vera.get(r.path + "/record.json?round=1").is(http.StatusOK)
	if !strings.Contains(frozen.Body, `"content_sha256":"`+content+`"`) {
		t.Error("the record does not hold the hash that was decided on")
	}
}

func TestRequestChangesFromThePage(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(true)
	r.asha.post(r.path + "/submit").leadsTo(r.path)
	content := r.noor.get(r.path + "/decide").value("content")
	r.noor.post(r.path+"/decision", "content", content, "changes", "1").is(http.StatusUnprocessableEntity).says("Say what should change")
	r.noor.post(r.path+"/decision", "content", content, "changes", "1", "reason", "Bring the log.").leadsTo(r.path)
	r.asha.get(r.path).says("Noor Haddad asked for changes", "Bring the log.")
	r.asha.post(r.path + "/submit").leadsTo(r.path)
	r.noor.get(r.path+"/decide").says("Since submission 1", "Bring the log.", "Nothing changed.")
}

func TestReviewsOfRestrictedWorkloadsAreNotFound(t *testing.T) {
	r := newReviewed(t, true)
	e := r.sheet.Entries()[0]
	for _, path := range []string{
		r.path, r.path + "/check", r.path + "/decide", r.path + "/record", r.path + "/record.json", r.path + "/report.pdf",
		r.sheet.QuestionPath(e), "/workloads/payments/reviews/new",
	} {
		r.vera.get(path).is(http.StatusNotFound).hides("Payments", e.Question.Title)
		r.visitor().get(path).leadsTo("/sign-in?next=" + url.QueryEscape(path))
		if !strings.Contains(path, "/decide") && !strings.HasSuffix(path, ".json") {
			r.noor.get(path).is(http.StatusOK)
		}
	}
	for _, path := range []string{
		"/submit", "/withdraw", "/sign-off", "/decision", strings.TrimPrefix(r.sheet.QuestionPath(e), r.path), strings.TrimPrefix(r.sheet.QuestionPath(e), r.path) + "/risk",
	} {
		r.vera.post(r.path+path, "version", "0", "voice", "agree").is(http.StatusNotFound)
		r.visitor().post(r.path+path, "version", "0").is(http.StatusUnauthorized)
	}
	r.vera.post("/workloads/payments/reviews", "type", "new-service").is(http.StatusNotFound)
	if n := r.count(`select count(*) from answer_revisions`); n != 0 {
		t.Errorf("%d answers were saved", n)
	}
}

func TestUnknownReviewsAreNotFound(t *testing.T) {
	r := newReviewed(t, false)
	for _, path := range []string{
		"/reviews/nonsense", "/reviews/" + uuid.NewString(), r.path + "/q/orr/nonsense", r.path + "/q/nonsense/quotas", r.path + "/q/orr/%00",
		r.path + "/report.pdf?round=2", r.path + "/report.pdf?round=x", r.path + "/record.json?round=2", r.path + "/nonsense", "/workloads/nonsense/reviews/new",
	} {
		r.asha.get(path).is(http.StatusNotFound)
	}
	r.asha.post("/workloads/payments/reviews", "type", "nonsense", "change_key", "CHG-1", "change_title", "kept words").
		is(http.StatusUnprocessableEntity).says("Choose a review type")
	r.asha.post("/workloads/payments/reviews", "type", "new-service").is(http.StatusConflict).says("open already")
	r.vera.post("/workloads/payments/reviews", "type", "new-service", "change_key", "C", "change_title", "x").is(http.StatusForbidden)
	if a := r.asha.ask("PUT", r.path, nil, nil); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", a.Status)
	}
}

func TestStartPageSaysWhoCanDecide(t *testing.T) {
	r := newReviewed(t, false)
	r.asha.get("/workloads/payments/reviews/new").is(http.StatusOK).says("Noor Haddad, approver, outside Ledger", "15 questions", "it needs 1 sign-off")
	r.vera.get("/workloads/payments/reviews/new").says("Only a member of Ledger may start a review.").hides("Start the review")
	r.noor.get(r.sheet.QuestionPath(r.sheet.Entries()[0])).says("Only a member of the owning team may answer this review.")
}

func TestPossibleApproverIsWarned(t *testing.T) {
	r := newReviewed(t, false)
	team, err := r.Identity.Team(r.Context(), r.admin(), "ledger")
	if err != nil {
		t.Fatal(err)
	}
	_, tomas := r.person("Tomas Berg", identity.InviteInput{
		Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Member}}, Grants: []identity.GrantInput{{Kind: identity.Approver}},
	})
	e := r.sheet.Entries()[0]
	tomas.get(r.sheet.QuestionPath(e)).says("If you save an answer here you become an author")
	tomas.post(r.sheet.QuestionPath(e), ticks(e, true)...).is(http.StatusSeeOther)
	tomas.get(r.sheet.QuestionPath(e)).hides("you become an author")
	tomas.get(r.path).says("You saved answers in this round, so you cannot sign off or decide it.")
}

func TestNoGoFromThePage(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(true)
	r.asha.post(r.path + "/submit").leadsTo(r.path)
	page := r.noor.get(r.path + "/decide")
	r.noor.post(r.path+"/decision", "content", page.value("content"), "seen", page.value("seen"), "outcome", "no_go", "reason", "The drill failed.").
		leadsTo(r.path + "/record")
	r.noor.get(r.path+"/record").says("Round 2", "No-go by Noor Haddad", "The drill failed.")
	r.asha.get(r.path).says("No-go in round 1", "15 of 15 questions answered")
}

// What was typed is never lost: who may not save it any more gets it back.
func TestARefusedFormComesBack(t *testing.T) {
	r := newReviewed(t, false)
	e := r.sheet.Entries()[0]
	path := r.sheet.QuestionPath(e)
	typed := append(ticks(e, true), "notes", "two hours of thought")
	r.visitor().post(path, typed...).is(http.StatusUnauthorized).says("two hours of thought", "Sign in, in another tab")
	r.vera.post(path, typed...).is(http.StatusForbidden).says("two hours of thought", "Only a member of the owning team")
	r.answerAll(true)
	r.asha.post(r.path + "/submit").leadsTo(r.path)
	r.mika.post(path, append(typed[2:], "version", "1")...).is(http.StatusConflict).says("two hours of thought", "The team may withdraw it.")
	r.visitor().post("/sign-in", "email", "x@example.org", "password", "hunter2hunter2").hides("hunter2hunter2")
	header := http.Header{"Content-Type": {"text/plain"}}
	r.asha.ask(http.MethodPost, path, strings.NewReader("notes=lost"), header).is(http.StatusUnprocessableEntity).says("takes a form as browsers send it")
	r.asha.post(path, "notes", "x").is(http.StatusUnprocessableEntity).says("which version of the answer")
	if n := r.count(`select count(*) from answer_revisions where notes <> ''`); n != 0 {
		t.Errorf("%d refused answers were saved", n)
	}
}

func TestHeadAnswersAsGet(t *testing.T) {
	r := newReviewed(t, false)
	if a := r.asha.ask(http.MethodHead, r.path, nil, nil); a.Status != http.StatusOK || a.Body != "" {
		t.Errorf("HEAD: %d with %d bytes", a.Status, len(a.Body))
	}
}
