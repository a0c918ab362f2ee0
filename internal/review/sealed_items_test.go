package review_test

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"

	"orrery/internal/remediation"
	"orrery/internal/review"
)

// A seal says of which question an item is, and so does the paper of a round before it is sealed.
func TestSealedItemsNameTheirQuestion(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	highs := w.answerAll(w.asha, r.ID, false).Highs()
	r = w.submit(r.ID)
	var keys []string
	for _, e := range highs {
		keys = append(keys, e.Key())
	}
	wantKeys := func(where string, items []review.SealedItem, others int) {
		t.Helper()
		var of []string
		for _, it := range items {
			if it.Cause == remediation.CauseQuestion {
				of = append(of, it.Key)
			} else if others--; it.Key != "" {
				t.Errorf("%s: an item of a %s is of the question %s", where, it.Cause, it.Key)
			}
		}
		slices.Sort(of)
		slices.Sort(keys)
		if len(of) == 0 || !slices.Equal(of, keys) || others != 0 {
			t.Errorf("%s: items of %v, want %v", where, of, keys)
		}
	}
	paper, err := w.reviews.Paper(t.Context(), w.noor, r.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	wantKeys("submitted", paper.Items, 0)

	w.sign(w.noor, r, review.Agree)
	_, err = w.decide(w.noor, review.DecideInput{
		ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Outcome: review.Conditional, Reason: "because",
		Conditions: []review.ConditionInput{{Text: "Run a game day.", Timing: remediation.AfterLaunch, OwnerID: w.mika.PersonID.String(), DueOn: "2027-10-15"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.reviews.Frozen(t.Context(), w.noor, r.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	var seal review.Seal
	if err := json.Unmarshal(f.Seal, &seal); err != nil {
		t.Fatal(err)
	}
	wantKeys("sealed", seal.Items, 1)
}

// A seal that is older than the keys of its items is read and written as it is.
func TestSealsWithoutKeysStayAsTheyAre(t *testing.T) {
	const old = `{"schema":1,"content_sha256":"ab","items":[{"id":"1","title":"Restore?","cause":"question","risk":"high","timing":"","owner":"Ann","due_on":"2026-12-01","state":"open"}],` +
		`"sign_offs":[],"decision":{"outcome":"go","reason":"","decided_by":"Noor","decided_at":"2026-11-20T16:40:00Z","valid_until":"","conditions":[]},"changed_since_submission":[],"acceptances":[]}`
	var seal review.Seal
	if err := json.Unmarshal([]byte(old), &seal); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(seal); err != nil || string(again) != old {
		t.Errorf("%s, %v", again, err)
	}
}
