package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/review"
)

// newHigh is a reviewed site whose answers are good but for the first: high. ask is the
// address of the form that asks to accept it.
func newHigh(t *testing.T, restricted bool) (r *reviewed, e review.Entry, ask string) {
	t.Helper()
	r = newReviewed(t, restricted)
	r.answerAll(true)
	e = r.sheet.Entries()[0]
	r.asha.post(r.sheet.QuestionPath(e), append(ticks(e, false)[2:], "version", "1")...).is(http.StatusSeeOther)
	r.read()
	return r, r.sheet.Entries()[0], "/workloads/payments/acceptances/new?question=" + url.QueryEscape(e.Key())
}

// asks posts the form and gives the address of the acceptance.
func (r *reviewed) asks(e review.Entry) string {
	r.Helper()
	return r.asha.post("/workloads/payments/acceptances", "question", e.Key(), "reason", "The pool comes in spring.", "control", "We watch the quota daily.", "until", "2027-03-03").
		is(http.StatusSeeOther).Header.Get("Location")
}

// to moves the clock to a moment.
func (s *site) to(at time.Time) { s.Clock.pass(at.Sub(s.Clock.now())) }

func TestAcceptanceFromTheCheckPage(t *testing.T) {
	r, e, ask := newHigh(t, false)
	r.asha.get(r.path+"/check").is(http.StatusOK).says("Who mends the highs", "or ask to accept it")
	page := r.asha.get(ask+"&next="+url.QueryEscape(r.path+"/check")).is(http.StatusOK).says("Ask to accept a risk", e.Question.Title, "A high risk in tier 2 is accepted for 180 days at most.")
	if page.value("next") != r.path+"/check" {
		t.Errorf("the form goes on to %q", page.value("next"))
	}
	form := []string{"question", e.Key(), "next", r.path + "/check", "reason", "kept reason", "control", ""}
	refused := r.asha.post("/workloads/payments/acceptances", append(form, "until", "2027-03-06")...)
	refused.is(http.StatusUnprocessableEntity).says("Say what keeps the risk small meanwhile.", "Choose Friday 5 March 2027.", "kept reason")
	if refused.value("until") != "2027-03-06" {
		t.Error("the day that was typed is lost")
	}
	r.asha.post("/workloads/payments/acceptances", form...).is(http.StatusUnprocessableEntity).says("An acceptance always ends.")
	form[7] = "We watch the quota daily."
	back := r.asha.post("/workloads/payments/acceptances", append(form, "until", "2027-03-03")...).leadsTo(r.path + "/check")
	r.asha.follow(back).says("Asked to accept it (it needs no owner yet)", "An approver who did not ask")
	r.mika.get(ask).is(http.StatusOK).says("Asha Rao asked for this already.")
	r.asha.post("/workloads/payments/acceptances", append(form, "until", "2027-03-03")...).is(http.StatusConflict).says("asked for already", "kept reason")
	r.asha.post("/workloads/payments/acceptances", append(form[:3:3], "//evil.example", "reason", "x", "control", "y", "until", "2027-03-03")...).is(http.StatusConflict)

	r.asha.post(r.path+"/submit", review.FieldName("owner", e.Key()), "", review.FieldName("due_on", e.Key()), "").leadsTo(r.path)
	decide := r.noor.get(r.path+"/decide").is(http.StatusOK).says("Asked for", "Grant or decline", "nobody yet, asked to accept", "Refused while a high is open.")
	content := decide.value("content")
	r.noor.post(r.path+"/sign-off", "content", content, "voice", "agree").is(http.StatusSeeOther)
	seen := r.noor.get(r.path + "/decide").value("seen")
	id := r.acceptanceID()
	r.noor.get("/acceptances/"+id).is(http.StatusOK).says("Grant it", "Decline it", "We watch the quota daily.", "Asha Rao")
	r.noor.post("/acceptances/"+id+"/grant", "until", "2027-03-03", "note", "Show me the graph.").leadsTo("/acceptances/" + id)
	r.noor.post(r.path+"/decision", "content", content, "seen", seen, "outcome", "go").is(http.StatusConflict).says("This changed since you read it.", "has an acceptance that is granted until 2027-03-03 now")
	decide = r.noor.get(r.path+"/decide").says("High, accepted until 3 March 2027", "1 high, 1 of them accepted", "Every high is accepted, so a plain go is possible")
	r.noor.post(r.path+"/decision", "content", content, "seen", decide.value("seen"), "outcome", "go").leadsTo(r.path + "/record")
	r.vera.get("/workloads/payments").is(http.StatusOK).says("Standing now", "Accepted of these 1", "First to end 3 Mar 2027", "1 High open", "1 Accepted", "High, accepted until 3 March 2027")

	r.to(time.Date(2027, 2, 2, 9, 0, 0, 0, time.UTC))
	r.asha.again("asha")
	r.asha.get("/").is(http.StatusOK).says("Acceptances ending", e.Question.Title, "Mend it, or ask again.")
	r.asha.get("/workloads/payments").says("High, accepted until 3 March 2027 only")
	r.asha.get("/acceptances?view=ending").says(e.Question.Title, "Accepted, ends soon")
	r.to(time.Date(2027, 3, 4, 0, 0, 0, 0, time.UTC))
	r.asha.again("asha")
	r.asha.get("/workloads/payments").says("No, hold", "High again, for its acceptance ended on 3 March 2027", "Acceptance over 1", "Accepted of these 0")
	r.asha.get("/acceptances/"+id).says("Ended, the risk stands again", "Ask again", "Open an item")
	r.asha.get("/").says("Ended: the risk stands again.")
	r.asha.get("/acceptances?view=ended").says("Ended, the risk stands again")
	r.asha.get("/workloads/payments/acceptances").says("Past", e.Question.Title)
}

// again signs in again, after the clock was moved far.
func (b *browser) again(first string) {
	b.Helper()
	b.post("/sign-in", "email", first+"@example.org", "password", password).is(http.StatusSeeOther)
}

// acceptanceID is the newest acceptance's.
func (r *reviewed) acceptanceID() (id string) {
	r.Helper()
	if err := r.DB.QueryRow(r.Context(), `select id::text from acceptances order by asked_at desc, id desc limit 1`).Scan(&id); err != nil {
		r.Fatal(err)
	}
	return id
}

func TestAcceptancePage(t *testing.T) {
	r, e, ask := newHigh(t, false)
	r.vera.get(ask).is(http.StatusForbidden).says("Only a member of the owning team")
	r.vera.post("/workloads/payments/acceptances", "question", e.Key(), "reason", "kept", "control", "y", "until", "2027-03-03").is(http.StatusForbidden).says("kept")
	r.asha.get("/workloads/payments/acceptances/new?question=orr/nothing").is(http.StatusNotFound)
	r.asha.get("/workloads/payments/acceptances/new?question=" + url.QueryEscape(r.sheet.Entries()[1].Key())).is(http.StatusConflict).says("no risk to accept")
	r.asha.get("/workloads/payments/acceptances").says("No risk is accepted")
	r.asha.get(r.sheet.QuestionPath(e)).says("The risk of this answer is not accepted.", "Ask to accept it for a time")
	r.noor.get(r.sheet.QuestionPath(e)).says("not accepted").hides("/acceptances/new")
	at := r.asks(e)
	r.asha.get(at).is(http.StatusOK).says("Only an approver of this workload", "Withdraw").hides(`action="` + at + `/grant"`)
	r.noor.get(at).says("Grant it").hides(`action="` + at + `/withdraw"`)
	r.vera.get(at).is(http.StatusOK).hides("<form method=\"post\" action=\"" + at)
	r.noor.get("/").says("Risks to accept or not", "Asha Rao asks to accept it.")

	r.asha.post(at+"/grant", "until", "2027-03-03").is(http.StatusForbidden).says("Only an approver")
	r.noor.post(at+"/grant", "until", "2027-03-04", "note", "kept note").is(http.StatusUnprocessableEntity).says("no longer than Wednesday 3 March 2027", "kept note")
	r.noor.post(at+"/decline", "decline_note", "").is(http.StatusUnprocessableEntity).says("Say why, so that the team knows what to do instead.")
	r.noor.post(at+"/revoke", "revoke_note", "kept why").is(http.StatusConflict).says("this acceptance is asked for")
	r.noor.post(at+"/grant", "until", "2027-02-26").leadsTo(at)
	r.noor.post(at+"/decline", "decline_note", "kept why").is(http.StatusConflict).says("does not wait for a judgement")
	r.asha.get(at).says("Accepted", "Granted by Noor Haddad until 26 Feb 2027", "Ask for longer")
	r.asha.get(r.sheet.QuestionPath(e)).says("Accepted until 26 Feb 2027", "Ask for longer")
	r.asha.get(r.path).says("High, accepted until 26 February 2027")
	r.asha.get(r.path+"/check").says("No item is opened while it is accepted.", "High, accepted until 26 February 2027")
	r.asha.get(ask).is(http.StatusOK).says("We watch the quota daily.")
	r.noor.post(at+"/revoke", "revoke_note", "").is(http.StatusUnprocessableEntity).says("Say why, so that the team knows what to mend.")
	r.noor.post(at+"/revoke", "revoke_note", "The graph stopped.").leadsTo(at)
	r.asha.get(at).says("Revoked by Noor Haddad", "The graph stopped.", "Ask again")
	r.asha.post(at+"/mend", "owner", "", "due_on", "soon").is(http.StatusUnprocessableEntity).says("Choose who mends this.")
	r.noor.post(at+"/mend", "owner", r.mika.actor().PersonID.String(), "due_on", "2026-12-24").is(http.StatusForbidden)
	item := r.asha.follow(r.asha.post(at+"/mend", "owner", r.mika.actor().PersonID.String(), "due_on", "2026-12-24"))
	item.is(http.StatusOK).says(e.Question.Title, "Mika Laine", "We watch the quota daily.")

	second := r.asks(e)
	r.asha.get(second).says("Other acceptances of this question", "Revoked")
	r.asha.post(second+"/withdraw", "x", "").leadsTo(second)
	r.asha.post(second+"/withdraw", "x", "").is(http.StatusConflict).says("withdrawn")
	r.Ada.get("/audit").is(http.StatusOK).says("Asked to accept a risk", "Accepted a risk until a day", "Revoked a risk acceptance", "Withdrew a risk acceptance")
}

func TestAcceptancesOfRestrictedWorkloadsAreNotFound(t *testing.T) {
	r, e, ask := newHigh(t, true)
	at := r.asks(e)
	for _, path := range []string{at, ask, "/workloads/payments/acceptances"} {
		r.vera.get(path).is(http.StatusNotFound).hides("Payments", e.Question.Title)
		r.visitor().get(path).is(http.StatusSeeOther)
		r.asha.get(path).is(http.StatusOK)
	}
	for _, act := range []string{"/grant", "/decline", "/withdraw", "/revoke", "/mend"} {
		r.vera.post(at+act, "until", "2027-03-03", "decline_note", "x", "revoke_note", "x").is(http.StatusNotFound)
		r.visitor().post(at+act, "until", "2027-03-03").is(http.StatusUnauthorized)
		r.asha.post("/acceptances/"+uuid.NewString()+act, "x", "y").is(http.StatusNotFound)
	}
	r.vera.post("/workloads/payments/acceptances", "question", e.Key()).is(http.StatusNotFound)
	r.vera.get("/acceptances?view=all").is(http.StatusOK).hides(e.Question.Title)
	r.noor.get("/acceptances?view=all").is(http.StatusOK).says(e.Question.Title)
	r.noor.get("/acceptances?view=nothing").is(http.StatusUnprocessableEntity)
	r.asha.get("/acceptances/nonsense").is(http.StatusNotFound)
	if n := r.count(`select count(*) from acceptances where state <> 'asked'`); n != 0 {
		t.Errorf("%d acceptances were judged", n)
	}
}

// A grant one gave oneself opens nothing, also here.
func TestSelfGivenApproverAcceptsNothing(t *testing.T) {
	r, e, _ := newHigh(t, false)
	at := r.asks(e)
	if err := r.Identity.Grant(r.Context(), r.admin(), r.admin().PersonID, identity.GrantInput{Kind: identity.Approver}); err != nil {
		t.Fatal(err)
	}
	r.Ada.post(at+"/grant", "until", "2027-03-03").is(http.StatusForbidden).says("made so by somebody else")
	a, err := r.Items.Acceptance(r.Context(), r.asha.actor(), uuid.MustParse(strings.TrimPrefix(at, "/acceptances/")))
	if err != nil || a.State != remediation.Asked {
		t.Errorf("the acceptance is %s, %v", a.State, err)
	}
}
