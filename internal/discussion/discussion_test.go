package discussion_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/discussion"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

func body(s string) discussion.Input { return discussion.Input{Body: s} }

func TestTargets(t *testing.T) {
	h := newHouse(t, false)
	for _, c := range []struct{ kind, id, title, path string }{
		{discussion.OnQuestion, h.question, "", "/reviews/" + h.review.String() + "/q/orr/quotas"},
		{discussion.OnItem, h.item, "Mend it", "/items/" + h.item},
		{discussion.OnReview, h.wholeThing, "New service", "/reviews/" + h.review.String()},
	} {
		got, err := h.talk.Target(t.Context(), h.vera, c.kind, c.id)
		h.fine(c.kind, err)
		if got.Path != c.path || got.Title == "" || c.title != "" && got.Title != c.title || got.WorkloadKey != "payments" {
			t.Errorf("%s: %+v", c.kind, got)
		}
	}
	for _, c := range [][2]string{
		{"workload", h.wholeThing}, {discussion.OnQuestion, h.wholeThing}, {discussion.OnQuestion, h.wholeThing + "/orr/nonsense"},
		{discussion.OnQuestion, h.wholeThing + "/nonsense/quotas"}, {discussion.OnQuestion, "x/orr/quotas"}, {discussion.OnQuestion, ""},
		{discussion.OnItem, uuid.NewString()}, {discussion.OnItem, "x"}, {discussion.OnItem, strings.ToUpper(h.item)}, {discussion.OnReview, uuid.NewString()}, {discussion.OnReview, "x"},
	} {
		_, err := h.talk.Target(t.Context(), h.asha, c[0], c[1])
		h.wants(c[0]+" "+c[1], err, fault.NotFound, "")
	}
}

// TestWhoMay asks every act of every kind of person, on an open and on a restricted workload.
func TestWhoMay(t *testing.T) {
	const ok = fault.Kind(-1)
	for _, restricted := range []bool{false, true} {
		h := newHouse(t, restricted)
		auditor := h.person("Ines Costa", uuid.Nil)
		auditor.Roles = []identity.OrgRole{identity.Auditor}
		selfMade := h.person("Sam Sato", uuid.Nil)
		selfMade.Grants = []identity.Grant{{Kind: identity.Facilitator, SelfGiven: true}}
		outside, hidden := ok, fault.Forbidden
		if restricted {
			outside, hidden = fault.NotFound, fault.NotFound
		}
		for _, c := range []struct {
			name                             string
			who                              identity.Actor
			read, comment, challenge, attach fault.Kind
		}{
			{"member", h.mika, ok, ok, fault.Forbidden, ok},
			{"facilitator", h.fay, ok, ok, ok, ok},
			{"approver", h.noor, ok, ok, ok, ok},
			{"auditor", auditor, ok, ok, fault.Forbidden, fault.Forbidden},
			{"outsider", h.vera, outside, outside, hidden, hidden},
			{"other team", h.tomas, outside, outside, hidden, hidden},
			{"facilitator by own word", selfMade, outside, outside, hidden, hidden},
			{"token of a member", h.token, ok, fault.Forbidden, fault.Forbidden, fault.Forbidden},
			{"nobody", identity.Actor{}, fault.NotFound, fault.NotFound, fault.NotFound, fault.NotFound},
		} {
			check := func(what string, err error, want fault.Kind) {
				t.Helper()
				if want == ok && err != nil || want != ok && !fault.Is(err, want) {
					t.Errorf("restricted %v, %s, %s: %v, want kind %d", restricted, c.name, what, err, want)
				}
			}
			thread, comment := h.start(h.asha, body("Why is that so?"))
			_, err := h.talk.Target(t.Context(), c.who, discussion.OnQuestion, h.question)
			check("read", err, c.read)
			_, err = h.talk.Whereabouts(t.Context(), c.who, comment)
			check("find", err, c.read)
			_, err = h.talk.Start(t.Context(), c.who, discussion.OnQuestion, h.question, body("x"))
			check("start", err, c.comment)
			_, err = h.talk.Reply(t.Context(), c.who, thread, body("x"))
			check("reply", err, c.comment)
			_, err = h.talk.Start(t.Context(), c.who, discussion.OnQuestion, h.question, discussion.Input{Body: "x", Challenge: true})
			check("challenge", err, c.challenge)
			id, err := h.talk.AddFile(t.Context(), c.who, discussion.OnQuestion, h.question, "a.txt", []byte("x"), discussion.Brought{Dated: "2026-11-20"})
			check("attach", err, c.attach)
			if err == nil {
				_, err = h.talk.RemoveAttachment(t.Context(), c.who, id)
				check("remove file", err, ok)
			}
			link, err := h.talk.AddLink(t.Context(), h.asha, discussion.OnQuestion, h.question, discussion.Brought{Dated: "2026-11-20", URL: "https://example.org", Text: "x"})
			h.fine("link", err)
			_, err = h.talk.RemoveAttachment(t.Context(), c.who, link)
			if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.NotFound) {
				t.Errorf("%s removes what another brought: %v", c.name, err)
			}
			_, err = h.talk.RemoveAttachment(t.Context(), h.asha, link)
			h.fine("remove", err)
			for what, err := range map[string]error{
				"edit":   h.talk.Edit(t.Context(), c.who, comment, 1, "y"),
				"remove": h.talk.Remove(t.Context(), c.who, comment),
			} {
				if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.NotFound) {
					t.Errorf("%s may %s another's comment: %v", c.name, what, err)
				}
			}
		}
	}
}

func TestWhoResolvesAComment(t *testing.T) {
	h := newHouse(t, false)
	thread, _ := h.start(h.vera, body("Why?"))
	h.wants("approver", h.talk.Move(t.Context(), h.noor, thread, discussion.Resolved), fault.Forbidden, "Only the owning team")
	h.wants("other team", h.talk.Move(t.Context(), h.tomas, thread, discussion.Resolved), fault.Forbidden, "Only the owning team")
	h.wants("token", h.talk.Move(t.Context(), h.token, thread, discussion.Resolved), fault.Forbidden, "token")
	h.wants("unknown", h.talk.Move(t.Context(), h.mika, uuid.New(), discussion.Resolved), fault.NotFound, "thread")
	for _, who := range []identity.Actor{h.mika, h.vera, h.fay} {
		h.fine("resolve", h.talk.Move(t.Context(), who, thread, discussion.Resolved))
		h.wants("twice", h.talk.Move(t.Context(), who, thread, discussion.Resolved), fault.Conflict, "resolved now")
		h.wants("challenge it", h.talk.Move(t.Context(), who, thread, discussion.Challenged), fault.Conflict, "")
		h.fine("reopen", h.talk.Move(t.Context(), who, thread, discussion.Open))
	}
	if one := h.thread(h.vera, thread); one.State != discussion.Open || one.Mover != "Fay Okoro" || !one.May.Resolve || one.May.Reopen || one.May.Answer {
		t.Errorf("the thread is %+v", one)
	}
	if one := h.thread(h.noor, thread); one.May != (discussion.Moves{}) {
		t.Errorf("an approver may %+v", one.May)
	}
	if n := h.count(`select count(*) from audit_records where verb in ('thread.resolved', 'thread.reopened')`); n != 6 {
		t.Errorf("%d acts are recorded, want 6", n)
	}
}

func TestChallenge(t *testing.T) {
	h := newHouse(t, false)
	thread, _ := h.start(h.fay, discussion.Input{Body: "Is that a restore?", Challenge: true})
	reply := func(who identity.Actor) error {
		_, err := h.talk.Reply(t.Context(), who, thread, discussion.Input{Body: "It is.", Answers: true})
		return err
	}
	h.wants("approver resolves unanswered", h.talk.Move(t.Context(), h.noor, thread, discussion.Resolved), fault.Conflict, "Nobody answered")
	h.wants("team resolves", h.talk.Move(t.Context(), h.mika, thread, discussion.Resolved), fault.Forbidden, "settled by")
	h.wants("outsider answers", reply(h.vera), fault.Forbidden, "Only a member of Ledger")
	h.wants("approver answers", reply(h.noor), fault.Forbidden, "Only a member of Ledger")
	h.fine("team answers", reply(h.mika))
	h.wants("answered twice", reply(h.asha), fault.Conflict, "answered now")
	h.wants("team resolves", h.talk.Move(t.Context(), h.asha, thread, discussion.Resolved), fault.Forbidden, "settled by")
	h.wants("outsider resolves", h.talk.Move(t.Context(), h.vera, thread, discussion.Resolved), fault.Forbidden, "settled by")

	grantee := h.mika // of the team, and an approver: still of the team
	h.grant(&grantee, identity.Approver)
	h.wants("an approver of the team resolves", h.talk.Move(t.Context(), grantee, thread, discussion.Resolved), fault.Forbidden, "settled by")
	h.wants("reopen", h.talk.Move(t.Context(), h.fay, thread, discussion.Open), fault.Conflict, "")
	h.fine("challenge again", h.talk.Move(t.Context(), h.fay, thread, discussion.Challenged))
	h.fine("answer again", reply(h.asha))
	h.fine("another approver resolves", h.talk.Move(t.Context(), h.noor, thread, discussion.Resolved))
	h.fine("challenge a resolved one again", h.talk.Move(t.Context(), h.fay, thread, discussion.Challenged))
	h.fine("the challenger takes it back", h.talk.Move(t.Context(), h.fay, thread, discussion.Resolved))
	if one := h.thread(h.fay, thread); one.OpenChallenge() || len(one.Comments) != 3 || !one.Comments[1].Answers {
		t.Errorf("the thread is %+v", one)
	}
	own, _ := h.start(grantee, discussion.Input{Body: "My own team's?", Challenge: true})
	_, err := h.talk.Reply(t.Context(), grantee, own, discussion.Input{Body: "Yes.", Answers: true})
	h.wants("answer oneself", err, fault.Forbidden, "You raised this challenge")
	plain, _ := h.start(h.vera, body("Hello"))
	_, err = h.talk.Reply(t.Context(), h.mika, plain, discussion.Input{Body: "Yes.", Answers: true})
	h.wants("answer a comment", err, fault.Conflict, "no challenge")
}

func TestEditAndRemove(t *testing.T) {
	h := newHouse(t, false)
	thread, comment := h.start(h.asha, body("first words"))
	h.clock = h.clock.Add(15 * time.Minute)
	h.wants("empty", h.talk.Edit(t.Context(), h.asha, comment, 1, "  \x00 "), fault.Invalid, "body: Write something.")
	h.fine("edit", h.talk.Edit(t.Context(), h.asha, comment, 1, "second words"))
	h.wants("stale", h.talk.Edit(t.Context(), h.asha, comment, 1, "third words"), fault.Conflict, "since you opened it")
	h.clock = h.clock.Add(time.Second)
	h.wants("late", h.talk.Edit(t.Context(), h.asha, comment, 2, "third words"), fault.Conflict, "15 minutes")
	h.wants("another", h.talk.Edit(t.Context(), h.mika, comment, 2, "x"), fault.Forbidden, "Only its author")
	h.wants("unknown", h.talk.Edit(t.Context(), h.mika, uuid.New(), 2, "x"), fault.NotFound, "comment")
	c := h.thread(h.asha, thread).Comments[0]
	if c.Body != "second words" || c.EditedAt == nil || c.MayEdit || !c.MayRemove {
		t.Errorf("the comment is %+v", c)
	}
	if n := h.count(`select count(*) from comment_revisions where body = 'first words' and version = 1`); n != 1 {
		t.Errorf("%d revisions are kept", n)
	}
	h.wants("another", h.talk.Remove(t.Context(), h.mika, comment), fault.Forbidden, "Only its author")
	h.wants("token", h.talk.Remove(t.Context(), h.token, comment), fault.Forbidden, "token")
	h.fine("remove", h.talk.Remove(t.Context(), h.asha, comment))
	h.wants("twice", h.talk.Remove(t.Context(), h.asha, comment), fault.Conflict, "removed already")
	h.wants("edit a removed one", h.talk.Edit(t.Context(), h.asha, comment, 3, "x"), fault.Conflict, "removed already")
	c = h.thread(h.mika, thread).Comments[0]
	if c.Body != "" || c.RemovedAt == nil {
		t.Errorf("the removed comment is %+v", c)
	}
	if n := h.count(`select count(*) from audit_records where verb like 'comment.%'`); n != 3 {
		t.Errorf("%d acts are recorded, want 3", n)
	}
	if n := h.count(`select count(*) from audit_records where encode(body, 'escape') like '%words%'`); n != 0 {
		t.Error("the audit record says what was written")
	}
}

func TestBodies(t *testing.T) {
	h := newHouse(t, false)
	for _, c := range []struct{ body, words string }{
		{"", "Write something."}, {" \n\t ", "Write something."}, {strings.Repeat("é", 10_001), "this one has 10001"},
	} {
		_, err := h.talk.Start(t.Context(), h.asha, discussion.OnItem, h.item, body(c.body))
		h.wants("start", err, fault.Invalid, c.words)
	}
	_, err := h.talk.Start(t.Context(), h.asha, discussion.OnItem, h.item, body(strings.Repeat("é", 10_000)))
	h.fine("10,000 characters", err)
	if n := h.count(`select count(*) from threads`); n != 1 {
		t.Errorf("%d threads, want 1", n)
	}
}

func TestMentions(t *testing.T) {
	h := newHouse(t, true)
	second := h.person("Mikas Twin", h.team)
	h.exec(`update people set email = 'mika@example.com' where id = $1`, second.PersonID)
	h.exec(`update people set name = 'Asha Rao' where id = $1`, h.person("Asher Rao", h.team).PersonID)
	for _, c := range []struct {
		body   string
		notify []string
		words  string
	}{
		{"@vera look", nil, "Vera Lind may not read Payments"},
		{`@"Vera  Lind" look`, nil, "Vera Lind may not read Payments"},
		{"look", []string{h.vera.PersonID.String()}, "Vera Lind may not read Payments"},
		{"@mika look", nil, "More than one person is called @mika"},
		{"look", []string{"x"}, "notify: Choose people"},
		{"look", []string{uuid.NewString()}, "notify: Choose people"},
	} {
		_, err := h.talk.Start(t.Context(), h.fay, discussion.OnQuestion, h.question, discussion.Input{Body: c.body, Notify: c.notify})
		h.wants(c.body, err, fault.Invalid, c.words)
	}
	thread, comment := h.start(h.fay, discussion.Input{
		Body:   "(@asha), @noor. and @\"Mikas Twin\" and @Mika: not vera@example.org, x@tomas, @nobody, @fay or `@Override`",
		Notify: []string{h.mika.PersonID.String(), h.mika.PersonID.String()},
	})
	got := h.thread(h.asha, thread).Comments[0].Mentioned
	if want := []string{"Asha Rao", "Mika Laine", "Mikas Twin", "Noor Haddad"}; !slices.Equal(got, want) {
		t.Errorf("mentioned %q, want %q", got, want)
	}
	unread := func(who identity.Actor) int {
		return h.count(`select count(*) from mentions where person_id = $1 and read_at is null`, who.PersonID)
	}
	h.fine("read", h.talk.ReadMentions(t.Context(), h.asha, []uuid.UUID{comment}))
	h.wants("token", h.talk.ReadMentions(t.Context(), h.token, nil), fault.Forbidden, "token")
	if unread(h.asha) != 0 || unread(h.noor) != 1 {
		t.Errorf("unread: Asha %d, Noor %d", unread(h.asha), unread(h.noor))
	}
	if names := h.read(h.asha).Notify; !slices.ContainsFunc(names, func(r identity.Ref) bool { return r.Name == "Fay Okoro" }) {
		t.Errorf("whoever spoke is not offered: %v", names)
	}
}

func TestReaders(t *testing.T) {
	h := newHouse(t, false)
	h.start(h.fay, discussion.Input{Body: "Is it?", Challenge: true})
	thread, comment := h.start(h.vera, body("x"))
	_, err := h.talk.Reply(t.Context(), h.asha, thread, body("y"))
	h.fine("reply", err)
	h.fine("remove", h.talk.Remove(t.Context(), h.vera, comment))
	h.fine("resolve", h.talk.Move(t.Context(), h.asha, thread, discussion.Resolved))
	_, err = h.talk.Start(t.Context(), h.vera, discussion.OnReview, h.wholeThing, body("z"))
	h.fine("start", err)
	_, err = h.talk.AddLink(t.Context(), h.asha, discussion.OnQuestion, h.question, discussion.Brought{URL: "https://example.org/a", Text: "The drill", Dated: "2026-11-21"})
	h.fine("link", err)
	tallies := map[string]discussion.Tally{}
	batch := &pgx.Batch{}
	discussion.QueueTallies(batch, h.review, tallies)
	h.fine("tallies", h.db.SendBatch(t.Context(), batch).Close())
	if want := (discussion.Tally{Comments: 2, OpenThreads: 1, OpenChallenges: 1, Attachments: 1}); tallies["orr/quotas"] != want {
		t.Errorf("the question: %+v, want %+v", tallies["orr/quotas"], want)
	}
	if want := (discussion.Tally{Comments: 1, OpenThreads: 1}); tallies[discussion.ReviewTally] != want {
		t.Errorf("the review: %+v, want %+v", tallies[discussion.ReviewTally], want)
	}
	all, err := discussion.OfReview(t.Context(), h.db, h.review)
	if err != nil || len(all) != 3 || len(all[2].Comments)+len(all[1].Comments)+len(all[0].Comments) != 4 {
		t.Errorf("threads of the review: %+v, %v", all, err)
	}
	open, err := discussion.OpenChallenges(t.Context(), h.db, h.review)
	if err != nil || len(open) != 1 || open[0].Starter != "Fay Okoro" {
		t.Errorf("open challenges: %+v, %v", open, err)
	}
	brought, err := discussion.HumanEvidence(t.Context(), h.db, h.review)
	if err != nil || len(brought) != 1 || brought[0].Name != "The drill" {
		t.Errorf("human evidence: %+v, %v", brought, err)
	}
}

// TestCommentsGoOnAfterSubmission: they never change what was submitted.
func TestCommentsGoOnAfterSubmission(t *testing.T) {
	h := newHouse(t, false)
	h.submit()
	thread, _ := h.start(h.noor, discussion.Input{Body: "Is it?", Challenge: true})
	_, err := h.talk.Reply(t.Context(), h.mika, thread, discussion.Input{Body: "It is.", Answers: true})
	h.fine("answer", err)
	h.fine("resolve", h.talk.Move(t.Context(), h.noor, thread, discussion.Resolved))
}

func TestNothingIsHalfDone(t *testing.T) {
	h := newHouse(t, false)
	thread, _ := h.start(h.fay, discussion.Input{Body: "Is it?", Challenge: true})
	_, err := h.talk.Reply(t.Context(), h.mika, thread, discussion.Input{Body: "", Answers: true})
	h.wants("empty answer", err, fault.Invalid, "Write something.")
	if one := h.thread(h.mika, thread); one.State != discussion.Challenged {
		t.Errorf("the challenge is %s after a refused answer", one.State)
	}
}
