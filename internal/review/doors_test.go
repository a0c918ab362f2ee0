package review_test

import (
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/remediation"
	"orrery/internal/review"
)

// These tests try the side doors: ways around four eyes, and acts that meet in the middle.

func TestAVoiceCountsWhileItsGiverMayJudge(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	w.sign(w.noor, r, review.Agree)
	in := review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Go}
	w.exec(`delete from grants where person_id = $1`, w.noor.PersonID)
	_, err := w.decide(w.tomas, in)
	wantFault(t, err, fault.Conflict, "0 of 1 sign-offs")
	w.approver(&w.noor)
	w.exec(`update people set deactivated_at = now() where id = $1`, w.noor.PersonID)
	_, err = w.decide(w.tomas, in)
	wantFault(t, err, fault.Conflict, "0 of 1 sign-offs")
	w.exec(`update people set deactivated_at = null where id = $1`, w.noor.PersonID)
	if _, err = w.decide(w.tomas, in); err != nil {
		t.Fatal(err)
	}
}

func TestADecisionIsMadeOnWhatWasSeen(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	w.sign(w.noor, r, review.Agree)
	readout, err := w.reviews.Readout(t.Context(), w.noor, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.sign(w.tomas, r, review.Object)
	_, err = w.reviews.Decide(t.Context(), w.noor, review.DecideInput{
		ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Seen: readout.Seen(), Outcome: review.Go, Reason: "x",
	})
	wantFault(t, err, fault.Conflict, "Tomas Berg signed off and objects: because.")
}

// A no-go does not wash away who wrote the answers that the next round carries on.
func TestAuthorsStayAuthors(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	w.answerAll(w.tomas, r.ID, true)
	r = w.submit(r.ID)
	if _, err := w.decide(w.noor, review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.NoGo, Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	r = w.submit(r.ID)
	err := w.reviews.SignOff(t.Context(), w.tomas, review.SignOffInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Voice: review.Agree})
	wantFault(t, err, fault.Forbidden, "saved an answer")
	if _, err := w.db.Exec(t.Context(), `insert into signoffs (id, round_id, person_id, voice, note, outside_team, content_sha256, signed_at)
		values ($1, $2, $3, 'agree', '', false, $4, now())`, uuid.New(), r.Round.ID, w.tomas.PersonID, r.Round.ContentSHA256); err == nil {
		t.Error("the database let him")
	}
}

func TestARaisedTierAsksForMore(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	w.sign(w.tomas, r, review.Agree)
	w.exec(`update workloads set tier = 1 where id = $1`, w.payments.ID)
	in := review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Go}
	_, err := w.decide(w.tomas, in)
	wantFault(t, err, fault.Conflict, "1 of 2")
	w.exec(`update workloads set tier = 3 where id = $1`, w.payments.ID)
	if _, err = w.decide(w.tomas, in); err != nil {
		t.Fatal(err)
	}
	w.exec(`update workloads set tier = 1 where id = $1`, w.payments.ID)
	g, err := w.reviews.Launch(t.Context(), w.vera, "payments", "")
	if err != nil || len(g.Warnings) != 1 || g.Warnings[0].Code != "tier_raised" {
		t.Errorf("the gate warns of %+v, %v", g.Warnings, err)
	}
}

// Submitting locks many items, changing an item locks one: in one order, so nobody deadlocks.
func TestSubmitBesideItemChanges(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, false)
	w.submit(r.ID)
	items, _, err := w.items.List(t.Context(), w.asha, remediation.Filter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(2 * time.Second)
	var wg sync.WaitGroup
	for lane := range 2 {
		wg.Go(func() {
			for i := lane; time.Now().Before(end); i += 2 {
				it, err := w.items.Item(t.Context(), w.mika, items[i%len(items)].ID)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = w.items.Change(t.Context(), w.mika, it.ID, remediation.Change{
					Version: it.Version, OwnerID: it.OwnerID.String(), DueOn: it.DueOn.Format(time.DateOnly), State: remediation.InProgress,
				})
				if err != nil && !fault.Is(err, fault.Conflict) {
					t.Errorf("change beside a submission: %v", err)
				}
			}
		})
	}
	for time.Now().Before(end) {
		if _, err := w.reviews.Withdraw(t.Context(), w.asha, r.ID); err != nil {
			t.Fatal(err)
		}
		w.submit(r.ID)
	}
	wg.Wait()
}
