package portfolio_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
)

func TestHomeOfAnEmptyInstallation(t *testing.T) {
	w := newWorld(t)
	for _, who := range []identity.Actor{w.asha, w.jonas, approver(w.jonas, uuid.Nil)} {
		h, err := w.portfolio.Home(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(h.Drafts) + len(h.Submissions) + len(h.Mend) + len(h.Verify) + len(h.Ending) + len(h.Standing); n > 0 || h.More {
			t.Errorf("%s: %+v", who.Name, h)
		}
	}
}

func TestHomeListsDraftsOfMyTeams(t *testing.T) {
	w := newWorld(t)
	late := w.workload(w.asha, "late", func(in *workload.Input) { in.LaunchOn = "2026-12-24" })
	next := w.workload(w.asha, "next", func(in *workload.Input) { in.LaunchOn = "2026-11-20" })
	first := w.review(w.asha, late, 0, 0)
	second := w.review(w.asha, next, 4, 0)
	w.review(w.mika, w.workload(w.mika, "shop"), 0, 0)
	h, err := w.portfolio.Home(t.Context(), w.asha)
	if err != nil {
		t.Fatal(err)
	}
	questions := len(first.Entries())
	var got []any
	for _, d := range h.Drafts {
		got = append(got, d.ReviewID, d.Questions, d.Unanswered)
	}
	want(t, "drafts, the next launch first", got, []any{second.ID, questions, questions - 4, first.ID, questions, questions})
	want(t, "totals", []int{h.DraftsTotal, h.Unanswered}, []int{2, 2*questions - 4})
	if _, err := w.reviews.SaveAnswer(t.Context(), w.asha, review.AnswerInput{ReviewID: first.ID, Questionnaire: first.Entries()[0].Questionnaire, QuestionID: first.Entries()[0].Question.ID, Unknown: true}); err != nil {
		t.Fatal(err)
	}
	if h, err = w.portfolio.Home(t.Context(), w.asha); err != nil || h.Unanswered != 2*questions-5 {
		t.Errorf("an answer of do not know counts as answered: %d, %v", h.Unanswered, err)
	}
}

func TestHomeListsWhatTheActorMayJudge(t *testing.T) {
	w := newWorld(t)
	pay := w.workload(w.asha, "payments", func(in *workload.Input) { in.Restricted = true })
	sheet := w.review(w.asha, pay, all, 1)
	here, everywhere := approver(w.jonas, pay.ID), approver(w.jonas, uuid.Nil)
	author := approver(w.asha, uuid.Nil)
	selfMade := w.jonas
	selfMade.Grants = []identity.Grant{{Kind: identity.Approver, WorkloadID: uuid.Nil, SelfGiven: true}}
	facilitator := w.jonas
	facilitator.Grants = []identity.Grant{{Kind: identity.Facilitator, WorkloadID: pay.ID}}
	token := everywhere
	token.TokenID = uuid.Must(uuid.NewV7())
	elsewhere := approver(w.jonas, w.workload(w.mika, "shop").ID)
	count := func(who identity.Actor) int {
		t.Helper()
		h, err := w.portfolio.Home(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		if h.DecideTotal != len(h.Submissions) {
			t.Errorf("%d counted, %d listed", h.DecideTotal, len(h.Submissions))
		}
		return len(h.Submissions)
	}
	want(t, "a draft", count(here), 0)
	w.submit(w.asha, sheet.ID, w.asha, "2026-11-20")
	for name, c := range map[string]struct {
		who  identity.Actor
		want int
	}{
		"approver of it": {here, 1}, "approver of all": {everywhere, 1}, "the author": {author, 0}, "made himself approver": {selfMade, 0},
		"facilitator": {facilitator, 0}, "a token": {token, 0}, "approver of another workload": {elsewhere, 0}, "nobody special": {w.mika, 0},
	} {
		want(t, name, count(c.who), c.want)
	}

	w.exec(`insert into grants (id, person_id, kind, workload_id, granted_by, granted_at) values ($1, $2, 'approver', $3, $4, $5)`,
		uuid.Must(uuid.NewV7()), w.jonas.PersonID, pay.ID, w.mika.PersonID, w.now)
	read, err := w.reviews.Readout(t.Context(), here, sheet.ID)
	if err != nil {
		t.Fatal(err)
	}
	content := fmt.Sprintf("%x", read.Round.ContentSHA256)
	for _, voice := range []string{review.Object, review.Agree} { // the later replaces the earlier
		if err := w.reviews.SignOff(t.Context(), here, review.SignOffInput{ReviewID: sheet.ID, Content: content, Voice: voice, Note: "Read."}); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Minute)
	}
	h, err := w.portfolio.Home(t.Context(), here)
	if err != nil || len(h.Submissions) != 1 {
		t.Fatalf("%v, %v", h.Submissions, err)
	}
	s := h.Submissions[0]
	want(t, "voices", []any{s.Needed, s.Agree, s.Object, s.Outside, s.Voice, s.SubmittedBy, s.Round}, []any{1, 1, 0, true, "agree", "Asha Rao", 1})
	w.wantVoicesThatCount(here, pay.ID, sheet.ID, elsewhere.Grants[0].WorkloadID)
	w.decide(everywhere, sheet.ID, review.NoGo, w.asha)
	want(t, "decided", count(here), 0)
	back, err := w.portfolio.Home(t.Context(), w.asha)
	if err != nil || len(back.Drafts) != 1 || back.Drafts[0].Round != 2 {
		t.Errorf("a no-go opens the next round to answer: %+v, %v", back.Drafts, err)
	}
}

// wantVoicesThatCount raises the tier and takes the right to judge from the one who agreed: the
// home says what a decision would ask for and count.
func (w *world) wantVoicesThatCount(judge identity.Actor, workload, reviewID, elsewhere uuid.UUID) {
	w.t.Helper()
	counts := func() []any {
		w.t.Helper()
		h, err := w.portfolio.Home(w.t.Context(), judge)
		if err != nil || len(h.Submissions) != 1 {
			w.t.Fatalf("%v, %v", h.Submissions, err)
		}
		s := h.Submissions[0]
		return []any{s.Tier, s.Needed, s.Agree, s.Outside, s.Voice}
	}
	w.exec(`update workloads set tier = 1 where id = $1`, workload)
	want(w.t, "in the tier that it has now", counts(), []any{1, 2, 1, true, "agree"})
	if now, err := w.reviews.Readout(w.t.Context(), judge, reviewID); err != nil || now.SignoffsNeeded != 2 || now.Tier != 1 {
		w.t.Errorf("who decides needs %d sign-offs in tier %d: %v", now.SignoffsNeeded, now.Tier, err)
	}
	w.exec(`update workloads set tier = 3 where id = $1`, workload)
	want(w.t, "in the tier that it had again", counts(), []any{3, 1, 1, true, "agree"})
	w.exec(`update grants set workload_id = $1`, elsewhere)
	want(w.t, "by an approver who judges it no more", counts(), []any{3, 1, 0, false, "agree"})
	w.exec(`update grants set workload_id = null`)
	w.exec(`update people set deactivated_at = now() where id = $1`, judge.PersonID)
	want(w.t, "by an approver who is gone", counts(), []any{3, 1, 0, false, "agree"})
	w.exec(`update people set deactivated_at = null`)
}

func TestHomeSaysWhoSentARoundBack(t *testing.T) {
	w := newWorld(t)
	sheet := w.review(w.asha, w.workload(w.asha, "payments"), all, 0)
	w.submit(w.asha, sheet.ID, w.asha, "")
	if _, err := w.reviews.RequestChanges(t.Context(), approver(w.jonas, uuid.Nil), sheet.ID, "Say how the restore was tested."); err != nil {
		t.Fatal(err)
	}
	h, err := w.portfolio.Home(t.Context(), w.asha)
	if err != nil || len(h.Drafts) != 1 {
		t.Fatalf("%v, %v", h.Drafts, err)
	}
	want(t, "returned", []string{h.Drafts[0].ReturnedBy, h.Drafts[0].ReturnedNote}, []string{"Jonas Weber", "Say how the restore was tested."})
}

func TestHomeListsItems(t *testing.T) {
	w := newWorld(t)
	pay := w.workload(w.asha, "payments")
	sheet := w.review(w.asha, pay, all, 3)
	w.submit(w.asha, sheet.ID, w.mika, "2026-11-05")
	items, _, err := w.items.List(t.Context(), w.asha, remediation.Filter{})
	if err != nil || len(items) != 3 {
		t.Fatalf("%v, %v", items, err)
	}
	move := func(who identity.Actor, i int, state, due string, owner identity.Actor) {
		t.Helper()
		items[i], err = w.items.Change(t.Context(), who, items[i].ID, remediation.Change{
			Version: items[i].Version, OwnerID: owner.PersonID.String(), DueOn: due, State: state, Resolution: "Done as agreed.",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	move(w.asha, 0, remediation.InProgress, "2026-11-30", w.mika)
	move(w.asha, 1, remediation.Done, "2026-11-05", w.mika)
	w.now = time.Date(2026, 11, 8, 9, 0, 0, 0, time.UTC)
	home := func(who identity.Actor) (mend, verify []uuid.UUID, late int) {
		t.Helper()
		h, err := w.portfolio.Home(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range h.Mend {
			mend = append(mend, task.ID)
		}
		for _, task := range h.Verify {
			verify = append(verify, task.ID)
		}
		want(t, "totals", []int{h.MendTotal, h.VerifyTotal}, []int{len(mend), len(verify)})
		return mend, verify, h.OverdueTotal
	}
	mend, verify, late := home(w.mika)
	want(t, "the owner mends, the most overdue first", fmt.Sprint(mend, verify, late), fmt.Sprint([]uuid.UUID{items[2].ID, items[0].ID}, []uuid.UUID{}, 1))
	mend, verify, _ = home(w.asha)
	want(t, "who did it does not verify it", fmt.Sprint(mend, verify), fmt.Sprint([]uuid.UUID{}, []uuid.UUID{}))
	colleague := w.jonas
	colleague.Teams = w.asha.Teams
	facilitator := w.jonas
	facilitator.Grants = []identity.Grant{{Kind: identity.Facilitator, WorkloadID: pay.ID}}
	for name, who := range map[string]identity.Actor{"a colleague": colleague, "an approver of all": approver(w.jonas, uuid.Nil), "a facilitator": facilitator} {
		_, verify, _ = home(who)
		want(t, name+" verifies", verify, []uuid.UUID{items[1].ID})
	}
	participant, selfMade := w.jonas, w.jonas
	participant.Grants = []identity.Grant{{Kind: identity.Participant, WorkloadID: pay.ID}}
	selfMade.Grants = []identity.Grant{{Kind: identity.Facilitator, WorkloadID: pay.ID, SelfGiven: true}}
	for name, who := range map[string]identity.Actor{"a stranger": w.jonas, "a participant": participant, "a facilitator by their own word": selfMade} {
		_, verify, _ = home(who)
		want(t, name+" does not", verify, []uuid.UUID{})
	}

	w.exec(`update workloads set restricted = true`)
	mend, _, _ = home(w.mika)
	want(t, "an owner who may not read the workload", mend, []uuid.UUID{})
}

func TestHomeShowsStandingAndEnds(t *testing.T) {
	w := newWorld(t)
	judge := approver(w.jonas, uuid.Nil)
	put := func(key string, tier int) workload.Workload {
		return w.workload(w.asha, key, func(in *workload.Input) { in.Tier, in.Stage = tier, workload.Live })
	}
	sheet := w.review(w.asha, put("old", 3), all, 0)
	w.submit(w.asha, sheet.ID, w.asha, "")
	w.decide(judge, sheet.ID, review.Go, w.asha)
	put("critical", 1)
	w.workload(w.mika, "shop")
	w.now = start.AddDate(0, 0, 340)
	h, err := w.portfolio.Home(t.Context(), w.asha)
	if err != nil {
		t.Fatal(err)
	}
	var standing []string
	for _, l := range h.Standing {
		standing = append(standing, l.Key+" "+l.Outcome)
	}
	want(t, "standing, tier 1 first", fmt.Sprintf("%q", standing), `["critical " "old go"]`)
	if len(h.Ending) != 1 || h.Ending[0].Key != "old" {
		t.Errorf("ending: %+v", h.Ending)
	}
	w.now = start.AddDate(0, 0, 300)
	if h, err = w.portfolio.Home(t.Context(), w.asha); err != nil || len(h.Ending) != 0 {
		t.Errorf("65 days before its end nothing ends soon: %+v, %v", h.Ending, err)
	}
}

// A home reads few lines of each list, and counts all of them: of what waits for a decision a hundred.
func TestHomeCountsWhatItDoesNotList(t *testing.T) {
	w := newWorld(t)
	w.grow(720) // 120 rounds wait for a decision
	judge := approver(w.jonas, uuid.Nil)
	counts := func(who identity.Actor) []any {
		t.Helper()
		h, err := w.portfolio.Home(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		return []any{len(h.Submissions), h.DecideTotal, h.DecideMore, len(h.Drafts), h.DraftsTotal, h.Ready}
	}
	want(t, "of 120 to decide", counts(judge), []any{8, 100, true, 0, 0, 0})
	w.exec(`update rounds set state = 'draft', submitted_by = null, submitted_at = null where id in (select id from rounds where state = 'submitted' order by id limit 20)`)
	want(t, "of 100 to decide", counts(judge), []any{8, 100, false, 0, 0, 0})
	w.exec(`update workloads set team_id = $1`, w.shop)
	want(t, "of 20 drafts", counts(w.mika), []any{0, 0, false, 8, 20, 20})
}
