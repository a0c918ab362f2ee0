package portfolio_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/review"
	"orrery/internal/workload"
)

func TestHomeListsDecisionsMadeElsewhere(t *testing.T) {
	w := newWorld(t)
	load := w.workload(w.asha, "payments", func(in *workload.Input) { in.Tier = 1 })
	recorder, judge, inTeam := w.judge(w.asha), w.judge(w.jonas), w.asha
	inTeam.PersonID = w.person("Tomas").PersonID
	inTeam = w.judge(inTeam)
	id, err := w.reviews.RecordOutside(t.Context(), recorder, load.ID, review.OutsideInput{
		Outcome: review.Go, DecidedOn: "2026-10-01", DecidedBy: "The board", ValidUntil: w.now.AddDate(0, 3, 0).Format(time.DateOnly), Link: "https://minutes.example.com/1",
	})
	if err != nil {
		t.Fatal(err)
	}
	home := func(what string, who identity.Actor, waiting int) {
		t.Helper()
		h, err := w.portfolio.Home(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		want(t, what, []int{len(h.Outside), h.OutsideTotal}, []int{waiting, waiting})
	}
	home("an approver from outside the team", judge, 1)
	home("who recorded it", recorder, 0)
	home("an approver of the team, in tier 1", inTeam, 0)
	home("an approver of another workload", approver(w.jonas, uuid.New()), 0)
	home("nobody's approver", w.mika, 0)
	w.exec(`update workloads set tier = 2 where id = $1`, load.ID)
	home("an approver of the team, in tier 2", inTeam, 1)
	begun := w.now
	w.now = w.now.AddDate(1, 0, 0)
	home("when it would be over", judge, 0)
	w.now = begun
	if err := w.reviews.JudgeOutside(t.Context(), judge, id, review.Confirmed, ""); err != nil {
		t.Fatal(err)
	}
	home("confirmed", judge, 0)
}
