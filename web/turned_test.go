package web_test

import (
	"bufio"
	"context"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/notify"
	"orrery/internal/questionnaire"
)

// letters is a mail server that keeps what it is sent.
func letters(t *testing.T) (address string, got chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	got = make(chan string, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go takeLetter(c, got)
		}
	}()
	return l.Addr().String(), got
}

func takeLetter(c net.Conn, got chan string) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
	say("220 double ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if !strings.HasPrefix(strings.ToUpper(line), "DATA") {
			say("250 fine")
			continue
		}
		say("354 go on")
		var b strings.Builder
		for line, err = in.ReadString('\n'); err == nil && line != ".\r\n"; line, err = in.ReadString('\n') {
			b.WriteString(line)
		}
		got <- b.String()
		say("250 taken")
	}
}

// handOn gives the events to the notices, twice.
func (s *site) handOn() {
	s.Helper()
	var again []audit.Event
	_, _, err := audit.HandOn(s.Context(), s.DB, s.Clock.now(), s.Notices.Take, func(_ context.Context, _ pgx.Tx, e audit.Event) error {
		again = append(again, e)
		return nil
	})
	for _, e := range again {
		if err == nil {
			err = pgx.BeginFunc(s.Context(), s.DB, func(tx pgx.Tx) error { return s.Notices.Take(s.Context(), tx, e) })
		}
	}
	if err != nil {
		s.Fatal(err)
	}
}

// watched is a workload whose trail logs or does not, with answers that say it does.
func watched(t *testing.T) (r *reviewed, logging func(bool)) {
	t.Helper()
	r = newReviewed(t, false)
	cloud := r.aws(awstest.World{Account: awsAccount, Regions: map[string]*awstest.Region{"us-east-1": {}}})
	logging = func(on bool) {
		cloud.Change(func(w *awstest.World) {
			w.Regions["us-east-1"].Trails = []awstest.Trail{{Name: "audit", Stopped: !on, DeliveredAt: r.Clock.now().Add(-time.Minute)}}
			w.Regions["us-east-1"].Recorders = []awstest.Recorder{{Name: "default"}}
		})
	}
	r.Evidence.WhenJudged(r.Reviews.AfterRun)
	r.work()
	r.asha.post("/workloads/payments/edit", "version", "1", "key", "payments", "name", "Payments", "team", "ledger", "tier", "2", "stage", "live",
		"accounts", awsAccount, "regions", "us-east-1").is(http.StatusSeeOther)
	logging(true)
	r.trailEntry()
	r.answerAll(true)
	return r, logging
}

func (s *site) exec(sql string, args ...any) {
	s.Helper()
	if _, err := s.DB.Exec(s.Context(), sql, args...); err != nil {
		s.Fatal(err)
	}
}

const turnedWords = "Evidence of Payments changed since the decision"

// When a run turns evidence against the decision, the team and the decider get one notice
// each; the same again is not told twice, and a later turn is.
func TestToldWhenEvidenceTurns(t *testing.T) {
	r, logging := watched(t)
	server, got := letters(t)
	r.Notices.SendWith(notify.Mail{Server: "smtp://" + server, From: "Orrery <orrery@example.org>"})
	r.asha.collect("payments")
	r.decide("go")
	r.handOn()
	told := func() (n int) {
		t.Helper()
		r.handOn()
		n = r.count(`select count(*) from notices where kind = 'evidence'`)
		if other := r.count(`select count(*) from notices where kind = 'evidence' and title not like $1`, turnedWords+"%"); other != 0 {
			t.Errorf("%d notices say something else of the same run", other)
		}
		return n
	}
	if n := told(); n != 0 {
		t.Fatalf("%d notices before anything turned", n)
	}
	logging(false)
	r.asha.collect("payments")
	if n := told(); n != 3 { // two of a team without a lead, and the decider
		t.Errorf("%d notices of the turn", n)
	}
	r.noor.get("/notices").is(http.StatusOK).says(turnedWords)
	r.asha.get("/notices").is(http.StatusOK).says(turnedWords)
	r.vera.get("/notices").is(http.StatusOK).hides(turnedWords)
	r.noor.get("/workloads/payments").is(http.StatusOK).says("Evidence changed since the decision")
	r.asha.collect("payments")
	if n := told(); n != 3 {
		t.Errorf("%d notices after the same was seen again", n)
	}
	r.Clock.pass(2 * time.Minute)
	if err := r.Notices.MailTo(t.Context(), r.noor.actor().PersonID); err != nil {
		t.Fatal(err)
	}
	letter, err := mail.ReadMessage(strings.NewReader(<-got))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(quotedprintable.NewReader(letter.Body))
	for _, words := range []string{"Evidence changed\n", turnedWords + ": it speaks against the answer to a question.", "/workloads/payments"} {
		if !strings.Contains(strings.ReplaceAll(string(body), "\r", ""), words) {
			t.Errorf("the letter does not say %q: %s", words, body)
		}
	}
	logging(true)
	r.asha.collect("payments")
	logging(false)
	r.asha.collect("payments")
	if n := told(); n != 6 {
		t.Errorf("%d notices after it turned again", n)
	}
	if n := r.count(`select count(*) from audit_records where verb = 'evidence.turned'`); n != 2 {
		t.Errorf("%d records of turns", n)
	}
}

// An item from evidence weighs what the answer would be worth without it and belongs to who
// should answer; when no check asks any more, a lead closes it, and nobody else.
func TestItemThatNothingAsksFor(t *testing.T) {
	r, logging := watched(t)
	e := r.trailEntry()
	mika := r.mika.actor().PersonID
	r.asha.post(r.path+"/assign", "question", e.Key(), "person", mika.String()).is(http.StatusSeeOther)
	r.asha.collect("payments")
	logging(false)
	r.asha.collect("payments")
	var id, risk, owner string
	if err := r.DB.QueryRow(t.Context(), `select id::text, risk, owner_id::text from items where cause_key = 'cloudtrail.trail/trail'`).Scan(&id, &risk, &owner); err != nil {
		t.Fatal(err)
	}
	without := e.Answer.Selection()
	without.Chosen = nil
	for _, c := range e.Question.Checks {
		if c.Source == "cloudtrail.trail" {
			for _, choice := range e.Answer.Chosen {
				if choice != c.Choice {
					without.Chosen = append(without.Chosen, choice)
				}
			}
		}
	}
	want := "medium"
	if s := e.Question.Score(without); s == questionnaire.RiskHigh || s == questionnaire.RiskUnanswered || s == questionnaire.RiskUnmatched {
		want = "high"
	}
	if risk != want || owner != mika.String() {
		t.Errorf("the item is %s, of %s; want %s", risk, owner, want)
	}
	path := "/items/" + id
	r.asha.get(path).is(http.StatusOK).hides("No check asks for this any more")
	r.exec(`update memberships set role = 'lead' where person_id = $1`, r.asha.actor().PersonID)
	r.asha.post(path+"/close", "version", "1", "reason", "Done with it.").is(http.StatusConflict).says("A check asks for this")

	r.exec(`update items set cause_key = 'config.rule/taken-out' where id = $1`, id)
	r.mika.get(path).is(http.StatusOK).says("No check asks for this any more", "A lead of Ledger may close it").hides("Close the item")
	r.mika.post(path+"/close", "version", "1", "reason", "Done with it.").is(http.StatusForbidden)
	r.vera.post(path+"/close", "version", "1", "reason", "Done with it.").is(http.StatusForbidden)
	r.asha.get(path).is(http.StatusOK).says("Close the item")
	r.asha.post(path+"/close", "version", "1", "reason", " \x00 ").is(http.StatusUnprocessableEntity).says("Say why it needs no more work")
	r.asha.post(path+"/close", "version", "7", "reason", "The trail moved to the organisation.").is(http.StatusConflict).says("The trail moved to the organisation.")
	r.asha.follow(r.asha.post(path+"/close", "version", "1", "reason", "The trail moved to the organisation.")).is(http.StatusOK).
		says("The item is closed.", "Closed", "The trail moved to the organisation.").hides("found it mended", "Close the item")
	if n := r.count(`select count(*) from items where state = 'closed' and closed_alone`); n != 1 {
		t.Errorf("%d items are closed alone", n)
	}
}

// What failed in more than the scope takes in now is closed by a lead, who says why.
func TestItemOutsideTheScope(t *testing.T) {
	r, logging := watched(t)
	r.trailEntry()
	r.asha.collect("payments")
	logging(false)
	r.asha.collect("payments")
	var id string
	if err := r.DB.QueryRow(t.Context(), `select id::text from items where cause_key = 'cloudtrail.trail/trail'`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	path, words := "/items/"+id, "This failed in more than the scope takes in now"
	r.exec(`update memberships set role = 'lead' where person_id = $1`, r.asha.actor().PersonID)
	r.asha.get(path).is(http.StatusOK).hides(words, "Close the item")
	r.exec(`update scopes set regions = '{eu-south-2}'`)
	r.mika.get(path).is(http.StatusOK).says(words, "A lead of Ledger may close it").hides("Close the item")
	r.mika.post(path+"/close", "version", "1", "reason", "It moved.").is(http.StatusForbidden)
	r.asha.follow(r.asha.post(path+"/close", "version", "1", "reason", "The account moved.")).is(http.StatusOK).
		says("The item is closed.", "The account moved.").hides("found it mended", words)
}
