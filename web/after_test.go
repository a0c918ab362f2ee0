package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/review"
)

// decide submits the answered round and lets noor decide it.
func (r *reviewed) decide(outcome string) {
	r.Helper()
	var steps []string
	r.read()
	for _, e := range r.sheet.Highs() {
		steps = append(steps, review.FieldName("owner", e.Key()), r.asha.actor().PersonID.String(), review.FieldName("due_on", e.Key()), "2026-12-24")
	}
	r.asha.post(r.path+"/submit", steps...).leadsTo(r.path)
	page := r.noor.get(r.path + "/decide")
	r.noor.post(r.path+"/sign-off", "content", page.value("content"), "seen", page.value("seen"), "voice", "agree").leadsTo(r.path + "/decide")
	page = r.noor.get(r.path + "/decide")
	r.noor.post(r.path+"/decision", "content", page.value("content"), "seen", page.value("seen"), "outcome", outcome, "reason", "because").leadsTo(r.path + "/record")
}

func TestRevocationPages(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(true)
	r.decide("go")
	r.asha.get(r.path + "/record").says("Go by Noor Haddad").hides("Revoke the decision")
	seen := r.noor.get(r.path+"/record").says("Take the decision back", "the sealed record stays").value("content")
	r.asha.post(r.path+"/revocation", "reason", "x").is(http.StatusForbidden).says("Only an approver")
	r.vera.post(r.path+"/revocation", "reason", "x").is(http.StatusForbidden)
	r.visitor().post(r.path+"/revocation", "reason", "x").is(http.StatusUnauthorized)
	r.noor.post(r.path+"/revocation", "content", strings.Repeat("0", 64), "reason", "kept").is(http.StatusConflict).says("Another decision was made since", "kept")
	r.noor.post(r.path+"/revocation", "content", seen, "reason", " ").is(http.StatusUnprocessableEntity).says("Say why the decision is taken back")
	r.Clock.pass(time.Minute)
	r.noor.follow(r.noor.post(r.path+"/revocation", "content", seen, "reason", "The drill was staged.")).says("Revoked by Noor Haddad", "The drill was staged.", "Round 2")
	r.noor.post(r.path+"/revocation", "reason", "again words").is(http.StatusConflict).says("revoked already", "again words")
	r.asha.get("/workloads/payments").says("No, hold", "The decision was revoked.", "Revoked, being answered again")
	r.asha.get("/workloads").says("Revoked")
	r.asha.get("/workloads?decision=revoked").says("Payments")
	r.asha.get(r.path).says("Revoked in round 1", "Revoked by Noor Haddad: The drill was staged.")
	r.asha.get("/reviews").says("Payments")
}

func TestNextRoundOfAnEndedDecision(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(true)
	r.decide("go")
	r.asha.get(r.path + "/record").hides("Open the next round")
	r.asha.post(r.path + "/next-round").is(http.StatusConflict).says("stands for more than 14 days")
	r.Clock.pass(366 * 24 * time.Hour)
	for _, who := range []**browser{&r.asha, &r.noor} { // their sessions have ended
		secret, err := r.signInAgain(*who)
		if err != nil {
			t.Fatal(err)
		}
		*who = r.holding(secret)
	}
	r.noor.get(r.path+"/record").says("Expired", "Revoke the decision").hides("Open the next round") // in its grace it can be taken back
	r.asha.get(r.path+"/record").says("The decision has ended", "Open the next round")
	r.asha.get(r.path).says("Expired in round 1")
	r.noor.post(r.path + "/next-round").is(http.StatusForbidden)
	r.asha.post(r.path + "/next-round").leadsTo(r.path)
	r.asha.get(r.path).says("Round 2", "confirm") // answers of a year ago are kept, to be confirmed
}

func (r *reviewed) signInAgain(b *browser) (string, error) {
	name := map[*browser]string{r.asha: "asha", r.noor: "noor"}[b]
	return r.Identity.SignIn(r.Context(), name+"@example.org", password, identity.Client{IP: "192.0.2.9"})
}

func TestEmergencyPages(t *testing.T) {
	r := newReviewed(t, false)
	const page = "/workloads/payments/emergency"
	r.asha.get(page).is(http.StatusOK).says("Only an approver", "There was none").hides("Decide: EMERGENCY go")
	r.asha.get("/workloads/payments").hides("Let it through in an emergency")
	r.noor.get("/workloads/payments").says("Let it through in an emergency")
	r.noor.get(page).says("Why it cannot wait", "5 Dec 2026 at the latest")
	good := []string{"reason", "Cards fail", "ticket", "https://tickets.example.com/1", "ends_on", "2026-11-24"}
	r.asha.post(page, good...).is(http.StatusForbidden)
	r.noor.post(page, "reason", "kept words", "ticket", "x", "ends_on", "2027-01-01").is(http.StatusUnprocessableEntity).says("kept words", "beginning with https://", "within 14 days")
	r.noor.post(page, good...).leadsTo(r.path)
	r.noor.post(page, good...).is(http.StatusConflict).says("runs already", "Cards fail")
	r.asha.get("/dashboard").says("EMERGENCY gos by team", "EMERGENCY go now")
	for _, where := range []string{"/workloads/payments", "/workloads", "/reviews", page, r.path, r.path + "/record", "/teams/ledger"} {
		if where != "/teams/ledger" {
			r.asha.get(where).says("EMERGENCY go")
		} else {
			r.asha.get(where).says("1 in 2026")
		}
	}
	var id string
	if err := r.DB.QueryRow(t.Context(), `select id::text from emergency_decisions`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	r.asha.post(page+"/"+id+"/end", "why", "x").is(http.StatusForbidden)
	r.noor.post(page+"/"+id+"/end", "why", "").is(http.StatusUnprocessableEntity).says("Say why the emergency go ends early.")
	r.Clock.pass(time.Minute)
	r.noor.post(page+"/"+id+"/end", "why", "It works again.").leadsTo(page)
	r.noor.get(page).says("ended early", "It works again.")
	r.asha.get("/workloads/payments").says("No, hold")
	r.noor.post(page+"/"+uuid.NewString()+"/end", "why", "x").is(http.StatusNotFound)
}

// multipartForm is a form with a file.
func multipartForm(t *testing.T, name string, file []byte, fields ...string) (body *bytes.Buffer, header http.Header) {
	t.Helper()
	body = &bytes.Buffer{}
	m := multipart.NewWriter(body)
	for i := 0; i+1 < len(fields); i += 2 {
		if err := m.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if name != "" {
		part, err := m.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(file)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return body, http.Header{"Content-Type": {m.FormDataContentType()}}
}

func TestElsewherePages(t *testing.T) {
	r := newReviewed(t, false)
	const page = "/workloads/payments/elsewhere"
	good := []string{"outcome", "go", "decided_on", "2026-03-01", "decided_by", "The old board", "valid_until", "2027-03-01", "note", "kept words"}
	send := func(b *browser, name string, file []byte, fields ...string) answer {
		t.Helper()
		body, header := multipartForm(t, name, file, fields...)
		return b.ask("POST", page, body, header)
	}
	r.vera.get(page).is(http.StatusOK).says("Members of Ledger and admins record").hides("Record it")
	send(r.vera, "a.pdf", []byte("%PDF-1.7"), good...).is(http.StatusForbidden)
	send(r.noor, "a.pdf", []byte("%PDF-1.7"), good...).is(http.StatusForbidden)
	send(r.asha, "", nil, good...).is(http.StatusUnprocessableEntity).says("Give a file or a link", "kept words")
	send(r.asha, "a.exe", []byte("MZ"), good...).is(http.StatusUnprocessableEntity).says("Give a PDF, PNG or JPEG file.")
	send(r.asha, "a.pdf", append([]byte("%PDF-"), make([]byte, 12<<20)...), good...).is(http.StatusUnprocessableEntity).says("Keep the file under 10 MB.")
	send(r.asha, `mi"nu
tes.pdf`, []byte("%PDF-1.7 the minutes"), good...).leadsTo(page)
	r.asha.get(page).says("Waits for an approver", "The old board").hides("Confirm it")
	r.asha.get("/workloads/payments").says("A decision made elsewhere waits for an approver")
	var id string
	if err := r.DB.QueryRow(t.Context(), `select id::text from outside_decisions`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	r.asha.post(page+"/"+id, "verdict", "confirmed").is(http.StatusForbidden)
	r.noor.post(page+"/"+id, "verdict", "refused", "note", "").is(http.StatusUnprocessableEntity).says("Say why it does not count.")
	r.noor.get(page).says("Confirm it", "Refuse it")
	r.noor.post(page+"/"+id, "verdict", "confirmed", "note", "I was there.").leadsTo(page)
	r.noor.post(page+"/"+id, "verdict", "confirmed").is(http.StatusConflict).says("confirmed already")
	r.asha.get("/workloads/payments").says("Yes", "Decided elsewhere", "no review stands behind it")
	r.asha.get("/workloads").says("Decided elsewhere")
	file := r.vera.get(page + "/" + id + "/file").is(http.StatusOK)
	if file.Body != "%PDF-1.7 the minutes" || file.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") || file.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the file comes as %v", file.Header)
	}
	r.vera.get(page + "/" + uuid.NewString() + "/file").is(http.StatusNotFound)
	r.vera.get(page + "/x/file").is(http.StatusNotFound)
}

func TestWhatFollowsIsHiddenWithItsWorkload(t *testing.T) {
	r := newReviewed(t, true)
	for _, path := range []string{"/workloads/payments/emergency", "/workloads/payments/elsewhere", r.path + "/record"} {
		r.vera.get(path).is(http.StatusNotFound)
		r.Ada.get(path).is(http.StatusNotFound)
	}
	for _, path := range []string{"/workloads/payments/emergency", "/workloads/payments/emergency/" + uuid.NewString() + "/end", "/workloads/payments/elsewhere",
		"/workloads/payments/elsewhere/" + uuid.NewString(), r.path + "/revocation", r.path + "/next-round"} {
		r.vera.post(path, "reason", "x").is(http.StatusNotFound)
		r.Ada.post(path, "reason", "x").is(http.StatusNotFound)
	}
}

func TestPublicKeysAreOpen(t *testing.T) {
	s := newSite(t)
	s.visitor().get("/.well-known/orrery-keys.json").is(http.StatusOK)
	key, err := audit.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := audit.KeepKey(t.Context(), s.DB, identity.CommandLine, key, s.Clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	a := s.visitor().get("/.well-known/orrery-keys.json").is(http.StatusOK)
	if strings.Count(a.Body, `"kid":"`+key.ID()+`"`) != 1 || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("the keys are %s", a.Body)
	}
	if n := s.count(`select count(*) from audit_records where verb = 'signing_key.added'`); n != 1 {
		t.Errorf("%d acts of one new key", n)
	}
}

func TestAStaleDecisionNamesTheDifference(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(true)
	r.asha.post(r.path + "/submit").leadsTo(r.path)
	page := r.noor.get(r.path + "/decide")
	r.Clock.pass(time.Minute)
	r.asha.post(r.path + "/withdraw").leadsTo(r.path)
	e := r.sheet.Entries()[0]
	r.noor.post(r.path+"/sign-off", "content", page.value("content"), "seen", page.value("seen"), "voice", "agree", "note", "kept words").is(http.StatusConflict).says("kept words")
	r.mika.post(r.sheet.QuestionPath(e), "version", "1", "choice", e.Question.Choices[0].ID, "notes", "new").is(http.StatusSeeOther)
	r.read()
	var steps []string
	for _, high := range r.sheet.Highs() {
		steps = append(steps, review.FieldName("owner", high.Key()), r.asha.actor().PersonID.String(), review.FieldName("due_on", high.Key()), "2026-12-24")
	}
	r.asha.post(r.path+"/submit", steps...).leadsTo(r.path)
	again := "you read submission 1, this is submission 2"
	changed := `Mika Laine saved another answer to "` + e.Question.Title
	r.noor.post(r.path+"/sign-off", "content", page.value("content"), "seen", page.value("seen"), "voice", "agree", "note", "kept words").
		is(http.StatusConflict).says("This changed since you read it.", again, changed, "kept words")
	r.noor.post(r.path+"/decision", "content", page.value("content"), "seen", page.value("seen"), "outcome", "no_go", "reason", "kept words").
		is(http.StatusConflict).says(again, changed, "kept words")
}

// TestLookAtWhatFollows lets axe look at the new pages.
func TestLookAtWhatFollows(t *testing.T) {
	r := newReviewed(t, false)
	body, header := multipartForm(t, "minutes.pdf", []byte("%PDF-1.7"), "outcome", "go", "decided_on", "2026-03-01", "decided_by", "The old board", "valid_until", "2027-03-01", "note", "See page 3.")
	r.asha.ask("POST", "/workloads/payments/elsewhere", body, header).is(http.StatusSeeOther)
	eye := r.look(r.noor)
	for name, path := range map[string]string{"elsewhere": "/workloads/payments/elsewhere", "emergency-form": "/workloads/payments/emergency", "workload-held": "/workloads/payments"} {
		eye.open(path)
		eye.unfold()
		eye.judge(name)
	}
	r.noor.post("/workloads/payments/emergency", "reason", "Cards fail in half of the shops; the mend is this release.", "ticket", "https://tickets.example.com/INC-1", "ends_on", "2026-11-24").leadsTo(r.path)
	for name, path := range map[string]string{"emergency": "/workloads/payments/emergency", "workload-emergency": "/workloads/payments", "review-emergency": r.path} {
		eye.open(path)
		eye.unfold()
		eye.judge(name)
	}
	r.answerAll(true)
	r.Clock.pass(time.Hour)
	r.decide("go")
	eye.open(r.path + "/record")
	eye.judge("record-decided")
	r.Clock.pass(time.Hour)
	r.noor.post(r.path+"/revocation", "content", r.noor.get(r.path+"/record").value("content"), "reason", "The drill was staged.").is(http.StatusSeeOther)
	for name, path := range map[string]string{"record-revoked": r.path + "/record", "review-revoked": r.path, "workload-revoked": "/workloads/payments"} {
		eye.open(path)
		eye.judge(name)
	}
}
