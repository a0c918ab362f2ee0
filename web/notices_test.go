package web_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/notify"
	"orrery/internal/notify/mailtest"
	"orrery/internal/review"
)

// noticed is a reviewed site with a lead, Lina, whose notices go out to a mail server and the
// chat of the team.
type noticed struct {
	*reviewed
	high  review.Entry
	lina  *browser
	mails *mailtest.Double
	mu    sync.Mutex
	chat  []string // bodies
}

func newNoticed(t *testing.T) *noticed {
	t.Helper()
	n := &noticed{mails: mailtest.New(t)}
	n.reviewed, n.high, _ = newHigh(t, false)
	n.openDoor()
	team, err := n.Identity.Team(t.Context(), n.admin(), "ledger")
	if err != nil {
		t.Fatal(err)
	}
	_, n.lina = n.person("Lina Berg", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.chat = append(n.chat, string(b))
	}))
	t.Cleanup(chat.Close)
	n.lina.post("/teams/ledger/chat", "kind", "slack", "url", chat.URL, "active", "1").leadsTo("/teams/ledger/chat")
	n.Notices.SendWith(n.mails.Mail())
	workers := river.NewWorkers()
	notify.RegisterWorkers(workers, n.Notices)
	client, err := river.NewClient(riverpgxv5.New(n.DB), &river.Config{
		Schema: "river", Workers: workers, Queues: map[string]river.QueueConfig{notify.Queue: {MaxWorkers: 2}}, FetchPollInterval: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Stop(context.Background()) })
	return n
}

// goesOut hands events on, lets a minute pass, looks at the calendar and sends what is to be
// sent: letters by address, and what the chat was told.
func (n *noticed) goesOut() (letters map[string][]mailtest.Letter, chat string) {
	n.Helper()
	if _, _, err := audit.HandOn(n.Context(), n.DB, n.Clock.now(), n.Notices.Take); err != nil {
		n.Fatal(err)
	}
	if err := n.Notices.Calendar(n.Context()); err != nil {
		n.Fatal(err)
	}
	n.Clock.pass(2 * time.Minute)
	if err := n.Notices.Post(n.Context()); err != nil {
		n.Fatal(err)
	}
	n.worked()
	letters = map[string][]mailtest.Letter{}
	for _, l := range n.mails.Take() {
		letters[l.To] = append(letters[l.To], l)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	chat, n.chat = strings.Join(n.chat, "\n"), nil
	return letters, chat
}

// worked waits until each job of notices is done, and forgets them: a person gets one letter a
// minute of a clock that is not the site's.
func (n *noticed) worked() {
	n.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var left int
		if err := n.DB.QueryRow(n.Context(), `select count(*) from river.river_job where queue = $1 and state <> 'completed'`, notify.Queue).Scan(&left); err != nil {
			n.Fatal(err)
		}
		if left == 0 {
			if _, err := n.DB.Exec(n.Context(), `delete from river.river_job where state = 'completed'`); err != nil {
				n.Fatal(err)
			}
			return
		}
	}
	n.Fatal("the jobs of notices are not done")
}

// one wants exactly one letter to each of the first names, and to nobody else, and returns
// their bodies by name.
func (n *noticed) one(letters map[string][]mailtest.Letter, names ...string) map[string]string {
	n.Helper()
	got := map[string]string{}
	for to, list := range letters {
		name, _, _ := strings.Cut(to, "@")
		if !slices.Contains(names, name) || len(list) != 1 {
			n.Errorf("%d letters to %s: %v", len(list), to, list)
		}
		got[name] = list[0].Body
	}
	for _, name := range names {
		if got[name] == "" {
			n.Errorf("%s gets no letter", name)
		}
	}
	return got
}

func (n *noticed) wants(body string, words ...string) {
	n.Helper()
	for _, w := range words {
		if !strings.Contains(body, w) {
			n.Errorf("%q is not said: %s", w, body)
		}
	}
}

// TestAssignedFromActToLetter gives an item and a question to Mika, and wants both on the page
// and in one letter, and nothing for who gave them.
func TestAssignedFromActToLetter(t *testing.T) {
	n := newNoticed(t)
	mika := n.mika.actor().PersonID.String()
	n.asha.post("/items/new", "workload", "payments", "title", "Drill the failover", "risk", "high", "owner", mika, "due_on", "2026-12-20").is(http.StatusSeeOther)
	n.asha.post(n.path+"/assign", "question", n.high.Key(), "person", mika).is(http.StatusSeeOther)
	letters, chat := n.goesOut()
	body := n.one(letters, "mika")["mika"]
	n.wants(body, "Hello Mika Laine,", "Assigned to you\n", "Yours to mend in Payments by 20 December 2026: Drill the failover", "A question about Payments is yours to answer.", n.URL+"/items/", n.URL+n.path)
	if chat != "" || strings.Count(body, "\n- ") != 2 {
		t.Errorf("the chat is told %s, the letter is %s", chat, body)
	}
	n.mika.get("/notices").says("Yours to mend in Payments", "A question about Payments is yours to answer.")
	n.mika.get("/").says("New for you", "Yours to mend in Payments")
	n.asha.get("/notices").says("There is no notice")
	letters, _ = n.goesOut()
	n.one(letters)
}

// TestDecideFromActToLetter asks to accept a risk and submits: who decides is told of both in
// one letter and the team's chat of the round; no author, nobody else.
func TestDecideFromActToLetter(t *testing.T) {
	n := newNoticed(t)
	n.asks(n.high)
	n.asha.post(n.path+"/submit", review.FieldName("owner", n.high.Key()), "", review.FieldName("due_on", n.high.Key()), "").leadsTo(n.path)
	letters, chat := n.goesOut()
	body := n.one(letters, "noor")["noor"]
	n.wants(body, "Waiting for your decision\n", "A review of Payments waits for your decision.", "A risk of Payments is asked to be accepted: "+n.high.Question.Title, n.URL+n.path, n.URL+"/acceptances/"+n.acceptanceID())
	n.wants(chat, "A review of Payments was submitted and waits for a decision.", n.URL+n.path)
	n.noor.get("/notices").says("A review of Payments waits for your decision.", "is asked to be accepted")
	for _, who := range []*browser{n.asha, n.mika, n.vera, n.lina} {
		who.get("/notices").says("There is no notice")
	}
	n.noor.post("/acceptances/"+n.acceptanceID()+"/grant", "until", "2027-03-03", "note", "").is(http.StatusSeeOther)
	page := n.noor.get(n.path + "/decide")
	n.noor.post(n.path+"/sign-off", "content", page.value("content"), "voice", "agree").leadsTo(n.path + "/decide")
	n.noor.post(n.path+"/decision", "content", page.value("content"), "seen", n.noor.get(n.path+"/decide").value("seen"), "outcome", "go").leadsTo(n.path + "/record")
	letters, chat = n.goesOut()
	n.one(letters)
	n.wants(chat, "A review of Payments was decided.")
}

// TestWhatComesNear moves the clock to days before and after items are due, and to the last
// days of an acceptance and a decision.
func TestWhatComesNear(t *testing.T) {
	n := newNoticed(t)
	n.asha.post("/items/new", "workload", "payments", "title", "Drill the failover", "risk", "medium", "owner", n.mika.actor().PersonID.String(), "due_on", "2026-12-20").is(http.StatusSeeOther)
	n.asks(n.high)
	n.asha.post(n.path+"/submit", review.FieldName("owner", n.high.Key()), "", review.FieldName("due_on", n.high.Key()), "").leadsTo(n.path)
	n.noor.post("/acceptances/"+n.acceptanceID()+"/grant", "until", "2027-03-03", "note", "").is(http.StatusSeeOther)
	page := n.noor.get(n.path + "/decide")
	n.noor.post(n.path+"/sign-off", "content", page.value("content"), "voice", "agree").leadsTo(n.path + "/decide")
	n.noor.post(n.path+"/decision", "content", page.value("content"), "seen", n.noor.get(n.path+"/decide").value("seen"), "outcome", "go").leadsTo(n.path + "/record")
	n.goesOut()
	var ends time.Time
	if err := n.DB.QueryRow(t.Context(), `select ends_at from workload_standing`).Scan(&ends); err != nil {
		t.Fatal(err)
	}
	ends = ends.UTC()
	last := ends.Format("2 January 2006")
	for _, step := range []struct {
		name  string
		at    time.Time
		who   []string
		words string
	}{
		{"four days before it is due", time.Date(2026, 12, 16, 23, 50, 0, 0, time.UTC), nil, ""},
		{"three days before", time.Date(2026, 12, 17, 0, 10, 0, 0, time.UTC), []string{"mika"}, "Your item in Payments is due on 20 December 2026: Drill the failover"},
		{"on the day", time.Date(2026, 12, 20, 9, 0, 0, 0, time.UTC), nil, ""},
		{"overdue", time.Date(2026, 12, 21, 0, 10, 0, 0, time.UTC), []string{"mika"}, "Your item in Payments is overdue since 20 December 2026: Drill the failover"},
		{"31 days before the acceptance ends", time.Date(2027, 1, 31, 23, 50, 0, 0, time.UTC), nil, ""},
		{"30 days before", time.Date(2027, 2, 1, 0, 10, 0, 0, time.UTC), []string{"asha", "lina"}, "The acceptance of a risk in Payments ends on 3 March 2027: " + n.high.Question.Title},
		{"a week before", time.Date(2027, 2, 24, 0, 10, 0, 0, time.UTC), []string{"asha", "lina"}, "The acceptance of a risk in Payments ends on 3 March 2027"},
		{"after its end", time.Date(2027, 3, 4, 0, 10, 0, 0, time.UTC), nil, ""},
		{"15 days before the decision ends", ends.AddDate(0, 0, -15), nil, ""},
		{"14 days before", ends.AddDate(0, 0, -14).Add(time.Minute), []string{"lina"}, "The decision on Payments ends on " + last + "."},
		{"a day later", ends.AddDate(0, 0, -13), nil, ""},
	} {
		n.to(step.at)
		letters, chat := n.goesOut()
		for name, body := range n.one(letters, step.who...) {
			if !strings.Contains(body, step.words) {
				t.Errorf("%s: %s is told %s", step.name, name, body)
			}
		}
		for _, name := range step.who {
			who := map[string]*browser{"mika": n.mika, "asha": n.asha, "lina": n.lina}[name]
			who.again(name)
			who.get("/notices").says(step.words)
		}
		if chat != "" {
			t.Errorf("%s: the chat is told %s", step.name, chat)
		}
	}
	if letters, _ := n.goesOut(); len(letters) > 0 {
		t.Errorf("the same again: %v", letters)
	}
}

// TestPaces gives the same to three people who want mail at once, daily and not at all; all of
// them have it on the page.
func TestPaces(t *testing.T) {
	n := newNoticed(t)
	n.mika.post("/notices/pace", "pace", "daily").leadsTo("/notices")
	n.vera.post("/notices/pace", "pace", "off").leadsTo("/notices")
	give := func(title string) {
		t.Helper()
		for _, who := range []*browser{n.lina, n.mika, n.vera} {
			n.asha.post("/items/new", "workload", "payments", "title", title, "risk", "medium", "owner", who.actor().PersonID.String(), "due_on", "2027-02-01").is(http.StatusSeeOther)
		}
	}
	give("Drill the failover")
	letters, _ := n.goesOut()
	n.one(letters, "lina")
	give("Page on-call")
	letters, _ = n.goesOut()
	n.wants(n.one(letters, "lina")["lina"], "Page on-call")
	n.to(time.Date(2026, 11, 22, 6, 50, 0, 0, time.UTC))
	letters, _ = n.goesOut()
	n.one(letters)
	n.to(time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC))
	letters, _ = n.goesOut()
	n.wants(n.one(letters, "mika")["mika"], "Drill the failover", "Page on-call")
	n.vera.get("/notices").says("Drill the failover", "Page on-call")
	n.vera.post("/notices/pace", "pace", "once").leadsTo("/notices")
	letters, _ = n.goesOut()
	n.wants(n.one(letters, "vera")["vera"], "Drill the failover")
	give("Rotate the keys")
	if _, _, err := audit.HandOn(t.Context(), n.DB, n.Clock.now(), n.Notices.Take); err != nil {
		t.Fatal(err)
	}
	n.lina.post("/notices/read").leadsTo("/notices")
	letters, _ = n.goesOut() // what was read on the page is not mailed
	n.one(letters, "vera")
}
