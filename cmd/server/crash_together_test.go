package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/review"
	"orrery/internal/workload"
)

// together is a review that a team of two answers and an approver judges, over HTTP, while the
// program is killed.
type together struct {
	*program
	*database
	all       *services
	path      string // of the review
	questions []string
	good      [][]string // the choices that answer them well
	team      [2]*browserless
	approver  *browserless
	members   []identity.Actor
	told      atomic.Int64 // how many acts were acknowledged
}

// TestCrashTogether kills the program with kill -9 while people edit the same answers, while an
// approver signs what the team withdraws and changes, and while fifty decide at once.
// ORRERY_CRASH_CYCLES makes it longer.
func TestCrashTogether(t *testing.T) {
	cycles := max(crashCycles(), 3)
	g := gather(t)
	t.Run("shared answers", func(t *testing.T) { g.sharedAnswers(t, cycles) })
	t.Run("signing", func(t *testing.T) { g.signing(t, cycles) })
	t.Run("deciding", func(t *testing.T) { g.deciding(t) })
}

func gather(t *testing.T) *together {
	p := startProgram(t)
	org := p.organisation()
	g := &together{program: p}
	g.database, g.all = p.open()
	t.Cleanup(func() { _ = g.close() })
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	admin, err := g.all.identity.ActorFor(ctx, g.personAt(t, "jonas@example.com"))
	must(err)
	join := func(name, email string, in identity.InviteInput) (*browserless, identity.Actor) {
		in.Name, in.Email = name, email
		one, link, err := g.all.identity.Invite(ctx, admin, in)
		must(err)
		secret, err := g.all.identity.AcceptLink(ctx, link.Secret, demoPassword, identity.Client{})
		must(err)
		actor, err := g.all.identity.ActorFor(ctx, one.ID)
		must(err)
		return g.holding(secret), actor
	}
	g.team[0] = g.holding(org.session)
	mika, actor := join("Mika Laine", "mika@example.com", identity.InviteInput{Teams: []identity.Membership{{TeamID: org.team, Role: identity.Member}}})
	g.team[1], g.members = mika, []identity.Actor{org.member, actor}
	g.approver, _ = join("Noor Haddad", "noor@example.com", identity.InviteInput{Grants: []identity.GrantInput{{Kind: identity.Approver}}})
	w, err := g.all.workloads.Create(ctx, org.member, workload.Input{Key: "shared", Name: "Shared", TeamKey: "ledger", Tier: 2, Stage: workload.Planned})
	must(err)
	r, err := g.all.reviews.Start(ctx, org.member, w.ID, review.StartInput{Type: "new-service"})
	must(err)
	g.path = "/reviews/" + r.ID.String()
	g.answerAll(t, r.ID)
	return g
}

// holding is a browser with the session.
func (p *program) holding(secret string) *browserless {
	b := p.browser()
	u, _ := url.Parse(b.base)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "orrery-session", Value: secret, Path: "/"}})
	return b
}

func (g *together) personAt(t *testing.T, email string) (id uuid.UUID) {
	t.Helper()
	if err := g.pool.QueryRow(context.Background(), `select id from people where email = $1`, email).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// answerAll ticks every practice of every question, and keeps the addresses of the first three.
func (g *together) answerAll(t *testing.T, id uuid.UUID) {
	t.Helper()
	sheet, err := g.all.reviews.Sheet(context.Background(), g.members[0], id)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range sheet.Entries() {
		if _, err := g.all.reviews.SaveAnswer(context.Background(), g.members[0], review.AnswerInput{
			ReviewID: id, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID, Chosen: goodChoices(e),
		}); err != nil {
			t.Fatal(err)
		}
		if i < 3 {
			g.questions, g.good = append(g.questions, sheet.QuestionPath(e)), append(g.good, goodChoices(e))
		}
	}
}

func goodChoices(e review.Entry) (list []string) {
	for _, c := range e.Question.Choices {
		if !c.None && c.Weight != "scope" {
			list = append(list, c.ID)
		}
	}
	return list
}

const atLeast = 3 // acknowledged acts in a cycle, if twenty seconds bring them

// killWhile kills the program and starts it again, so many times, while work runs, each time once
// something was acknowledged since: a busy machine makes cycles longer, not empty. It ends when
// the last start is over.
func (g *together) killWhile(cycles int, work ...func(ctx context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, w := range work {
		wg.Go(func() { w(ctx) })
	}
	for range cycles {
		before := g.told.Load()
		time.Sleep(time.Duration(700+rand.IntN(900)) * time.Millisecond)
		for wait := time.Now().Add(20 * time.Second); g.told.Load() < before+atLeast && time.Now().Before(wait); {
			time.Sleep(5 * time.Millisecond)
		}
		g.kill()
		g.start()
	}
	time.Sleep(300 * time.Millisecond)
	stop()
	wg.Wait()
}

// shown is what a page of a question shows of its answer.
type shown struct {
	version int
	note    string
}

// edit is one act of a client on a question: a read, or a save on a version.
type edit struct {
	path string
	save bool
	base int
	note string
}

// heard is what came of it: whether it was taken, and what the page then showed. Of a refused
// save only the version is known.
type heard struct {
	taken bool
	shown
}

// registers is one register per question: a save takes effect on the newest version only.
var registers = porcupine.Model{
	Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
		by := map[string][]porcupine.Operation{}
		for _, op := range history {
			by[op.Input.(edit).path] = append(by[op.Input.(edit).path], op)
		}
		for _, part := range by {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return shown{version: 1} },
	Step: func(state, input, output any) (bool, any) {
		is, in, out := state.(shown), input.(edit), output.(heard)
		switch {
		case !in.save:
			return out.shown == is, is
		case out.taken:
			return is.version == in.base, shown{in.base + 1, in.note}
		default:
			return is.version == out.version && is.version != in.base, is
		}
	},
}

var shownNote = regexp.MustCompile(`(?s)<textarea[^>]*name="notes"[^>]*>(.*?)</textarea>`)

// sharedAnswers lets eight clients edit three answers. A save that nobody answered was taken when
// the history in the table has it; else it never was.
func (g *together) sharedAnswers(t *testing.T, cycles int) {
	began, clients := time.Now(), make([]*client, 8)
	work := make([]func(context.Context), len(clients))
	for i := range clients {
		clients[i] = &client{id: i, browser: g.team[i%2], began: began, paths: g.questions, told: &g.told}
		work[i] = clients[i].editUntil
	}
	g.killWhile(cycles, work...)
	taken := g.revisions(t)
	var all []porcupine.Operation
	told, doubt := 0, 0
	for _, c := range clients {
		all = append(all, c.history...)
		told += len(c.taken)
		for _, note := range c.taken {
			if !taken[note] {
				t.Errorf("%q was acknowledged and is lost", note)
			}
		}
		for _, op := range c.doubtful {
			if taken[op.Input.(edit).note] {
				op.Return, op.Output = time.Since(began).Nanoseconds(), heard{taken: true}
				all = append(all, op)
				doubt++
			}
		}
	}
	if told < atLeast*cycles {
		t.Errorf("only %d saves were acknowledged: the test did not test", told)
	}
	if result := porcupine.CheckOperationsTimeout(registers, all, 2*time.Minute); result != porcupine.Ok {
		t.Errorf("%d acts on shared answers under kill -9: %s, want a linearizable history", len(all), result)
	}
	t.Logf("%d acts, %d saves acknowledged, %d more taken whose answer was cut off", len(all), told, doubt)
}

// revisions are the notes in the history of the answers.
func (g *together) revisions(t *testing.T) map[string]bool {
	t.Helper()
	rows, err := g.pool.Query(context.Background(), `select notes from answer_revisions where notes like 'client %'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	notes := map[string]bool{}
	for rows.Next() {
		var note string
		if err := rows.Scan(&note); err != nil {
			t.Fatal(err)
		}
		if notes[note] {
			t.Errorf("%q is stored twice", note)
		}
		notes[note] = true
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return notes
}

// client edits over HTTP and writes down what it was told.
type client struct {
	id       int
	browser  *browserless
	began    time.Time
	paths    []string
	history  []porcupine.Operation
	doubtful []porcupine.Operation // saves without an answer
	taken    []string              // notes of saves that were acknowledged
	told     *atomic.Int64         // how many of all clients' were
}

func (c *client) editUntil(ctx context.Context) {
	known := map[string]int{}
	for i := 0; ctx.Err() == nil; i++ {
		path := c.paths[(i*7+c.id)%len(c.paths)]
		in := edit{path: path, save: i%4 != 0 && known[path] > 0, base: known[path], note: fmt.Sprintf("client %d edit %d", c.id, i)}
		op := porcupine.Operation{ClientId: c.id, Input: in, Call: time.Since(c.began).Nanoseconds()}
		out, sure := c.try(in)
		op.Output, op.Return = out, time.Since(c.began).Nanoseconds()
		switch {
		case sure:
			c.history = append(c.history, op)
			known[path] = out.version
			if in.save && out.taken {
				c.taken = append(c.taken, in.note)
				c.told.Add(1)
			}
		case in.save:
			c.doubtful = append(c.doubtful, op)
			delete(known, path)
		default:
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// try does one act; not sure when no answer came, or one that says nothing.
func (c *client) try(in edit) (out heard, sure bool) {
	if !in.save {
		status, page, err := c.browser.get(in.path)
		v, n := shownVersion.FindStringSubmatch(page), shownNote.FindStringSubmatch(page)
		if err != nil || status != http.StatusOK || v == nil || n == nil {
			return out, false
		}
		out.version, _ = strconv.Atoi(v[1])
		out.note = strings.TrimPrefix(html.UnescapeString(n[1]), "\n")
		return out, true
	}
	resp, err := c.browser.PostForm(c.browser.base+in.path, url.Values{"version": {strconv.Itoa(in.base)}, "unknown": {"1"}, "notes": {in.note}})
	if err != nil {
		return out, false
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusSeeOther {
		return heard{true, shown{in.base + 1, in.note}}, true
	}
	page, err := io.ReadAll(resp.Body)
	v := shownVersion.FindStringSubmatch(string(page))
	if err != nil || resp.StatusCode != http.StatusConflict || v == nil {
		return out, false
	}
	out.version, _ = strconv.Atoi(v[1])
	return out, true
}

var (
	shownContent = regexp.MustCompile(`name="content" value="([0-9a-f]{64})"`)
	shownSeen    = regexp.MustCompile(`name="seen" value="([^"]*)"`)
)

// readout is what the approver's page shows of the submitted content; empty when there is none.
func (g *together) readout() (content, seen string) {
	_, page, err := g.approver.get(g.path + "/decide")
	c, s := shownContent.FindStringSubmatch(page), shownSeen.FindStringSubmatch(page)
	if err != nil || c == nil || s == nil {
		return "", ""
	}
	return c[1], html.UnescapeString(s[1])
}

// signing lets an approver sign what was read, while the team withdraws, edits and submits.
func (g *together) signing(t *testing.T, cycles int) {
	g.ticked(t)
	read, acknowledged := map[string]bool{}, 0
	approver := func(ctx context.Context) {
		for ctx.Err() == nil {
			content, seen := g.readout()
			if content == "" {
				time.Sleep(20 * time.Millisecond)
				continue
			}
			read[content] = true
			form := url.Values{"content": {content}, "seen": {seen}, "voice": {"agree"}}
			if status, _, err := g.approver.post(g.path+"/sign-off", form); err == nil && status == http.StatusSeeOther {
				acknowledged++
				g.told.Add(1)
			}
		}
	}
	team := func(ctx context.Context) {
		for i := 0; ctx.Err() == nil; i++ {
			_, _, _ = g.team[0].post(g.path+"/submit", nil)
			time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
			_, _, _ = g.team[0].post(g.path+"/withdraw", nil)
			if _, page, err := g.team[1].get(g.questions[0]); err == nil {
				if v := shownVersion.FindStringSubmatch(page); v != nil {
					_, _, _ = g.team[1].post(g.questions[0], g.goodAnswer(v[1], "signing edit "+strconv.Itoa(i)))
				}
			}
		}
	}
	g.killWhile(cycles, approver, team)
	rows, err := g.pool.Query(context.Background(), `select content_sha256 from signoffs`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	stored := 0
	for rows.Next() {
		var sum []byte
		if err := rows.Scan(&sum); err != nil {
			t.Fatal(err)
		}
		stored++
		if !read[hex.EncodeToString(sum)] {
			t.Errorf("a voice is on content that its giver never read")
		}
	}
	if rows.Err() != nil || acknowledged == 0 || stored < acknowledged {
		t.Errorf("%d voices acknowledged, %d stored, %v", acknowledged, stored, rows.Err())
	}
	var astray int
	const sql = `select count(*) from signoffs s join rounds d on d.id = s.round_id where d.state = 'submitted' and d.content_sha256 = s.content_sha256 and not s.content_sha256 = any($1)`
	if err := g.pool.QueryRow(context.Background(), sql, sums(read)).Scan(&astray); err != nil || astray > 0 {
		t.Errorf("%d voices count on content that nobody read, %v", astray, err)
	}
	t.Logf("%d contents read, %d voices acknowledged, %d stored", len(read), acknowledged, stored)
}

func sums(read map[string]bool) (list [][]byte) {
	for text := range read {
		sum, _ := hex.DecodeString(text)
		list = append(list, sum)
	}
	return list
}

// goodAnswer is the form of the first question with every practice ticked.
func (g *together) goodAnswer(version, note string) url.Values {
	return url.Values{"version": {version}, "choice": g.good[0], "notes": {note}}
}

// ticked answers the shared questions well again, so that nothing blocks submission.
func (g *together) ticked(t *testing.T) {
	t.Helper()
	for i, path := range g.questions {
		_, page, err := g.team[0].get(path)
		v := shownVersion.FindStringSubmatch(page)
		if err != nil || v == nil {
			t.Fatal(path, err)
		}
		g.team[0].mustPost(t, path, url.Values{"version": {v[1]}, "choice": g.good[i]})
	}
}

// deciding lets fifty decide at once and kills the program among them, until somebody has decided.
func (g *together) deciding(t *testing.T) {
	_, _, _ = g.team[0].post(g.path+"/withdraw", nil) // it may be a draft already
	g.team[0].mustPost(t, g.path+"/submit", nil)
	won := 0
	for try := range 4 { // the last time in peace
		content, seen := g.readout()
		if content == "" {
			break // decided
		}
		answers := make(chan int, 50)
		var wg sync.WaitGroup
		for i := range cap(answers) {
			outcome := []string{review.Go, review.NoGo}[i%2]
			wg.Go(func() {
				form := url.Values{"content": {content}, "seen": {seen}, "outcome": {outcome}, "reason": {"because"}}
				status, _, _ := g.approver.post(g.path+"/decision", form)
				answers <- status
			})
		}
		if try < 3 {
			time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
			g.kill()
			g.start()
		}
		wg.Wait()
		close(answers)
		for status := range answers {
			if status == http.StatusSeeOther {
				won++
			}
		}
	}
	var decisions, acts int
	const sql = `select (select count(*) from decisions), (select count(*) from audit_records where verb = 'round.decided')`
	if err := g.pool.QueryRow(context.Background(), sql).Scan(&decisions, &acts); err != nil || won > 1 || decisions != 1 || decisions < won || acts != decisions {
		t.Errorf("%d were told that they decided; %d decisions, %d acts, %v", won, decisions, acts, err)
	}
	if out, err := g.command("audit", "verify"); err != nil {
		t.Errorf("audit verify: %s, %v", out, err)
	}
	t.Logf("%d told, %d decisions, %d acts", won, decisions, acts)
}
