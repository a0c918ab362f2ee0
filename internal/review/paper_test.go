package review_test

import (
	"slices"
	"testing"
	"time"

	"orrery/internal/discussion"
	"orrery/internal/fault"
	"orrery/internal/review"
)

func TestPaperSaysWhatStandsBeside(t *testing.T) {
	w := newWorld(t, 2)
	talk := discussion.NewService(w.db, w.library, func() time.Time { return w.clock })
	r := w.outcome(w.start(review.StartInput{}), review.Conditional)
	w.later(time.Hour)
	if _, err := talk.Start(t.Context(), w.vera, discussion.OnReview, r.ID.String(), discussion.Input{Body: "When is the meeting?"}); err != nil {
		t.Fatal(err)
	}
	read := func(number int) review.Beside {
		t.Helper()
		p, err := w.reviews.Paper(t.Context(), w.vera, r.ID, number)
		if err != nil {
			t.Fatal(err)
		}
		return p.Beside
	}
	b := read(0)
	if b.Revoked != nil || b.Followed || b.Next != nil || b.HoldsFrom == nil || len(b.Conditions) != 1 || b.Conditions[0].ItemState != "open" || len(b.Talk) != 1 || len(b.Talk[0].Comments) != 1 {
		t.Errorf("beside a decision stands %+v", b)
	}
	if _, err := w.revoke(w.noor, r.ID, "The drill was staged."); err != nil {
		t.Fatal(err)
	}
	b = read(1)
	if b.Revoked == nil || b.Revoked.Reason != "The drill was staged." || b.Revoked.RevokedBy != "Noor Haddad" || b.Next == nil || b.Next.Number != 2 || b.Next.State != review.Draft {
		t.Errorf("beside a revoked decision stands %+v", b)
	}
	if b := read(2); b.Revoked != nil || b.Next != nil {
		t.Errorf("beside the next round stands %+v", b)
	}
	w.later(time.Hour)
	if _, err := w.reviews.DecideEmergency(t.Context(), w.noor, w.payments.ID, emergencyFor(w, 3)); err != nil {
		t.Fatal(err)
	}
	for number := 1; number <= 2; number++ {
		if b := read(number); len(b.Emergencies) != 1 || !b.Emergencies[0].Running(w.clock) {
			t.Errorf("beside round %d stand the emergency gos %+v", number, b.Emergencies)
		}
	}
	if !read(1).Followed {
		t.Error("the emergency go does not govern instead of the revoked decision")
	}
	w.exec(`update workloads set restricted = true where id = $1`, w.payments.ID)
	_, err := w.reviews.Paper(t.Context(), w.vera, r.ID, 1)
	wantFault(t, err, fault.NotFound, "")
}

func TestPaperHasTheFilesThatStoodThereWhenItWasFrozen(t *testing.T) {
	w := newWorld(t, 2)
	talk := discussion.NewService(w.db, w.library, func() time.Time { return w.clock })
	r := w.start(review.StartInput{})
	bring := func(name string) {
		t.Helper()
		_, err := talk.AddLink(t.Context(), w.asha, discussion.OnReview, r.ID.String(), discussion.Brought{Text: name, URL: "https://wiki.example.com/" + name, Dated: "2026-11-20"})
		if err != nil {
			t.Fatal(err)
		}
	}
	names := func(number int) (list []string) {
		t.Helper()
		p, err := w.reviews.Paper(t.Context(), w.asha, r.ID, number)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Beside.Brought {
			list = append(list, a.Name)
		}
		return list
	}
	bring("before")
	if got := names(1); !slices.Equal(got, []string{"before"}) {
		t.Errorf("the draft has %q", got)
	}
	w.later(time.Minute)
	r = w.outcome(r, review.NoGo)
	w.later(time.Minute)
	bring("after")
	if got := names(1); !slices.Equal(got, []string{"before"}) {
		t.Errorf("the decided round has %q", got)
	}
	if got := names(2); !slices.Equal(got, []string{"before", "after"}) {
		t.Errorf("the next round has %q", got)
	}
}
