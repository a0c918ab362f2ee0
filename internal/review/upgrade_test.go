package review_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/review"
)

// drillSet is a small set in which tests change questions between versions.
func drillSet(version string, questions ...string) string {
	return "key: drills\nname: Drills\nversion: " + version + "\nminutes: 10\nsections:\n  - id: drills\n    name: Drills\n    questions:\n" + strings.Join(questions, "")
}

func drillQuestion(id, title string, choices ...string) string {
	out := "      - id: " + id + "\n        title: " + title + "\n        phase: launch\n        max_risk: high\n        why: It breaks.\n        choices:\n"
	for _, c := range choices {
		out += "          - id: do_" + c + "\n            title: We do " + c + ".\n            weight: core\n            first_step: {text: Try it.}\n"
	}
	return out
}

func (w *world) publish(source string) {
	w.t.Helper()
	w.clock = w.clock.Add(time.Second)
	if _, err := w.library.LoadShipped(w.t.Context(), fstest.MapFS{"drills.yaml": {Data: []byte(source)}}); err != nil {
		w.t.Fatal(err)
	}
}

// drilled is a review that asks the drills beside the core questions, with each drill
// answered in another way, and version 1.1.0 of the drills published.
func drilled(t *testing.T) (*world, review.Review) {
	w := newWorld(t, 2)
	same, noted := drillQuestion("same", "Do you restore?", "a", "b"), drillQuestion("noted", "Do you fail over?", "a", "b")
	flagged, gone := drillQuestion("flagged", "Do you page?", "a", "b"), drillQuestion("gone", "Do you sleep?", "a")
	w.publish(drillSet("1.0.0", same, noted, flagged, drillQuestion("changed", "Do you roll back?", "a", "b"), gone, drillQuestion("open", "Do you count?", "a")))
	r := w.start(review.StartInput{Sets: []string{"drills"}})
	for id, in := range map[string]review.AnswerInput{
		"same": {Chosen: []string{"do_a", "do_b"}}, "noted": {Chosen: []string{"do_a", "do_b"}, Notes: "See the *log*."},
		"flagged": {Chosen: []string{"do_a"}, NAChoices: []string{"do_b"}, NAReasons: []string{"No pager."}},
		"changed": {Chosen: []string{"do_a", "do_b"}}, "gone": {Chosen: []string{"do_a"}, Notes: "Never."},
	} {
		in.ReviewID, in.Questionnaire, in.QuestionID = r.ID, "drills", id
		if _, err := w.reviews.SaveAnswer(t.Context(), w.tomas, in); err != nil {
			t.Fatal(err)
		}
	}
	w.publish(drillSet("1.1.0", same, noted, flagged, drillQuestion("changed", "Do you roll back by alarm?", "a", "c"), drillQuestion("open", "Do you count?", "a"), drillQuestion("fresh", "Do you write?", "a")))
	return w, r
}

func (w *world) upgrade(r review.Review) review.Upgrade {
	w.t.Helper()
	u, err := w.reviews.Upgrade(w.t.Context(), w.asha, r.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

func accept(u review.Upgrade) review.UpgradeInput {
	in := review.UpgradeInput{ReviewID: u.ID, Seen: u.Seen}
	for _, set := range u.Sets {
		in.Versions = append(in.Versions, set.VersionID)
	}
	return in
}

func TestUpgradeShowsWhatBecomesOfAnswers(t *testing.T) {
	w, r := drilled(t)
	u := w.upgrade(r)
	if len(u.Sets) != 1 || u.Sets[0].From != "1.0.0" || u.Sets[0].To != "1.1.0" || !u.Sets[0].Difference.Major {
		t.Fatalf("sets %+v", u.Sets)
	}
	got := map[string]string{}
	for _, f := range u.Sets[0].Answers {
		got[f.Question.ID] = f.Kind
		if f.Left() != (f.Question.ID == "noted" || f.Question.ID == "flagged" || f.Question.ID == "gone") {
			t.Errorf("%s: left behind is %t", f.Question.ID, f.Left())
		}
	}
	for id, want := range map[string]string{
		"same": review.FateStays, "noted": review.FateConfirm, "flagged": review.FateConfirm, "changed": review.FateConfirm,
		"gone": review.FateGone, "open": review.FateOpen, "fresh": review.FateNew,
	} {
		if got[id] != want {
			t.Errorf("%s: %q, want %q", id, got[id], want)
		}
	}
}

func TestAcceptUpgrade(t *testing.T) {
	w, r := drilled(t)
	u := w.upgrade(r)
	_, err := w.reviews.AcceptUpgrade(t.Context(), w.vera, accept(u))
	wantFault(t, err, fault.Forbidden, "owning team")
	_, err = w.reviews.AcceptUpgrade(t.Context(), w.asha, review.UpgradeInput{ReviewID: r.ID, Seen: u.Seen})
	wantFault(t, err, fault.Invalid, "versions")
	_, err = w.reviews.AcceptUpgrade(t.Context(), w.asha, review.UpgradeInput{ReviewID: r.ID, Seen: u.Seen, Versions: []uuid.UUID{uuid.New()}})
	wantFault(t, err, fault.Conflict, "newer version")
	w.answer(w.mika, r.ID, w.entry(r.ID, 0), true)
	_, err = w.reviews.AcceptUpgrade(t.Context(), w.asha, accept(u))
	wantFault(t, err, fault.Conflict, "Somebody saved an answer")

	old := r.Round.ID
	r, err = w.reviews.AcceptUpgrade(t.Context(), w.asha, accept(w.upgrade(r)))
	if err != nil || r.Round.Number != 2 || r.Round.State != review.Draft {
		t.Fatalf("after the upgrade: %+v, %v", r.Round, err)
	}
	sheet := w.sheet(r.ID)
	if len(sheet.Entries()) != 15+6 || sheet.Entries()[0].Answer.SavedBy != "Mika Laine" || !sheet.Entries()[0].Answered() {
		t.Errorf("%d questions; the first is %+v", len(sheet.Entries()), sheet.Entries()[0].Answer)
	}
	for _, e := range sheet.Entries()[15:] {
		a := e.Answer
		if a.Notes != "" || len(a.NAChoices) > 0 {
			t.Errorf("%s: notes or flags were carried: %+v", e.Question.ID, a)
		}
		switch e.Question.ID {
		case "same":
			if a.ToConfirm || a.SavedBy != "Tomas Berg" || !e.Answered() {
				t.Errorf("an unchanged answer is %+v", a)
			}
		case "noted", "flagged", "changed":
			if !a.ToConfirm || a.SavedByID != nil || a.Origin == nil || a.Origin.RoundID != old {
				t.Errorf("%s is %+v", e.Question.ID, a)
			}
		default:
			if a.ToConfirm || e.Answered() {
				t.Errorf("%s is %+v", e.Question.ID, a)
			}
		}
	}
	w.keepsSuperseded(r, old)
	// an author of the round before is an author of this one, whoever confirms
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	wantFault(t, w.reviews.SignOff(t.Context(), w.tomas, review.SignOffInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Voice: review.Agree}), fault.Forbidden, "saved an answer")
	w.publish(drillSet("1.2.0", drillQuestion("same", "Do you restore now?", "a", "b")))
	_, err = w.reviews.Upgrade(t.Context(), w.asha, r.ID)
	wantFault(t, err, fault.Conflict, "Withdraw it first")
	_, err = w.reviews.AcceptUpgrade(t.Context(), w.asha, accept(u))
	wantFault(t, err, fault.Conflict, "Withdraw it first")
}

// keepsSuperseded looks at the round that an upgrade took the place of: in the record, whole,
// and out of everybody's reach.
func (w *world) keepsSuperseded(r review.Review, old uuid.UUID) {
	w.t.Helper()
	rec, err := w.reviews.Record(w.t.Context(), w.vera, r.ID)
	if err != nil || len(rec.Rounds) != 2 || rec.Rounds[1].State != review.Superseded || rec.Rounds[1].SupersededBy != "Asha Rao" || rec.Rounds[1].SupersededTo != "Drills 1.1.0" {
		w.t.Fatalf("record %+v, %v", rec.Rounds, err)
	}
	f, err := w.reviews.Frozen(w.t.Context(), w.vera, r.ID, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	var snap review.Snapshot
	if err := json.Unmarshal(f.Content, &snap); err != nil || !strings.Contains(string(f.Content), "See the *log*.") || !strings.Contains(string(f.Content), "Never.") || snap.Review.Round != 1 {
		w.t.Errorf("the frozen round is %.300s, %v", f.Content, err)
	}
	if p, err := w.reviews.Paper(w.t.Context(), w.vera, r.ID, 1); err != nil || p.State != review.Superseded || len(p.ContentSHA256) != 64 {
		w.t.Errorf("paper %s, %v", p.State, err)
	}
	for _, sql := range []string{
		`update rounds set state = 'draft' where id = $1`, `update rounds set content = '' where id = $1`, `delete from rounds where id = $1`,
		`update answers set notes = 'x' where round_id = $1`, `delete from answers where round_id = $1`, `update answer_revisions set notes = 'x' where round_id = $1`,
	} {
		if _, err := w.db.Exec(w.t.Context(), sql, old); err == nil {
			w.t.Errorf("a superseded round let %q through", sql)
		}
	}
}

// A second upgrade carries what was never confirmed from where it was said.
func TestUpgradeTwice(t *testing.T) {
	w, r := drilled(t)
	old := r.Round.ID
	r, err := w.reviews.AcceptUpgrade(t.Context(), w.asha, accept(w.upgrade(r)))
	if err != nil {
		t.Fatal(err)
	}
	if u := w.upgrade(r); len(u.Sets) != 0 {
		t.Errorf("upgraded already, but %+v", u.Sets)
	}
	w.publish(drillSet("1.2.0", drillQuestion("same", "Do you restore?", "a", "b"), drillQuestion("noted", "Do you fail over?", "a", "b"), drillQuestion("flagged", "Do you page a person?", "a", "b")))
	r, err = w.reviews.AcceptUpgrade(t.Context(), w.mika, accept(w.upgrade(r)))
	if err != nil || r.Round.Number != 3 {
		t.Fatalf("second upgrade: %+v, %v", r.Round, err)
	}
	for _, e := range w.sheet(r.ID).Entries()[15:] {
		a := e.Answer
		if e.Question.ID == "same" {
			if a.ToConfirm || a.SavedBy != "Tomas Berg" {
				t.Errorf("same: %+v", a)
			}
			continue
		}
		if !a.ToConfirm || a.Origin == nil || a.Origin.RoundID != old {
			t.Errorf("%s: %+v", e.Question.ID, a)
		}
	}
	page, err := w.reviews.Question(t.Context(), w.asha, r.ID, "drills", "flagged")
	if err != nil || page.Before == nil || page.Before.NAReasons[0] != "No pager." || page.Before.Number != "1.0.0" {
		t.Errorf("before: %+v, %v", page.Before, err)
	}
}

// A save and an upgrade at once: one of both is told, and nothing is lost.
func TestUpgradeBesideASave(t *testing.T) {
	for range 4 {
		w, r := drilled(t)
		in := accept(w.upgrade(r))
		save := review.AnswerInput{ReviewID: r.ID, Round: 1, Questionnaire: "drills", QuestionID: "open", Chosen: []string{"do_a"}, Notes: "Saved meanwhile."}
		var saved, upgraded error
		var wg sync.WaitGroup
		wg.Go(func() { _, saved = w.reviews.SaveAnswer(t.Context(), w.mika, save) })
		wg.Go(func() { _, upgraded = w.reviews.AcceptUpgrade(t.Context(), w.asha, in) })
		wg.Wait()
		if (saved == nil) == (upgraded == nil) {
			t.Fatalf("save: %v, upgrade: %v; want one of both refused", saved, upgraded)
		}
		for _, err := range []error{saved, upgraded} {
			if err != nil && !fault.Is(err, fault.Conflict) {
				t.Errorf("refused as %v", err)
			}
		}
		var kept int
		if err := w.db.QueryRow(t.Context(), `select count(*) from answers where notes = 'Saved meanwhile.'`).Scan(&kept); err != nil || (kept == 1) != (saved == nil) {
			t.Errorf("%d answers hold what was saved, %v", kept, err)
		}
	}
}
