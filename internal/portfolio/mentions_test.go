package portfolio_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/discussion"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/workload"
)

func TestMentions(t *testing.T) {
	w := newWorld(t)
	talk := discussion.NewService(w.db, questionnaire.NewLibrary(w.db, func() time.Time { return w.now }), func() time.Time { return w.now })
	for _, who := range []identity.Actor{w.asha, w.mika} {
		w.exec(`insert into memberships (team_id, person_id, role, granted_at) values ($1, $2, 'member', $3)`, who.Teams[0].TeamID, who.PersonID, w.now)
	}
	load := w.workload(w.asha, "payments", func(in *workload.Input) { in.Restricted = true })
	sheet := w.review(w.asha, load, 0, 0)
	facilitator := w.jonas
	facilitator.Grants = []identity.Grant{{Kind: identity.Facilitator}}
	var ids []uuid.UUID
	for i := range 12 {
		w.now = w.now.Add(time.Minute)
		id, err := talk.Start(t.Context(), facilitator, discussion.OnReview, sheet.ID.String(), discussion.Input{Body: "@asha.rao look " + strconv.Itoa(i), Challenge: i == 11})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	list, total, err := w.portfolio.Mentions(t.Context(), w.asha)
	if err != nil || total != 12 || len(list) != 10 {
		t.Fatalf("%d of %d mentions, %v", len(list), total, err)
	}
	if m := list[0]; m.CommentID != ids[11] || m.Author != "Jonas Weber" || !m.Challenge || m.WorkloadName != "Payments" || m.Title != "New service" {
		t.Errorf("the newest is %+v", m)
	}
	if err := talk.Remove(t.Context(), facilitator, ids[0]); err != nil {
		t.Fatal(err)
	}
	if err := talk.ReadMentions(t.Context(), w.asha, ids[6:]); err != nil {
		t.Fatal(err)
	}
	if list, total, err = w.portfolio.Mentions(t.Context(), w.asha); err != nil || total != 5 || list[0].CommentID != ids[5] {
		t.Errorf("after reading six and removing one: %d, %v", total, err)
	}
	gone := w.asha
	gone.Teams = nil
	if list, _, err = w.portfolio.Mentions(t.Context(), gone); err != nil || len(list) != 0 {
		t.Errorf("who left the team still sees %d mentions, %v", len(list), err)
	}
	if list, _, err = w.portfolio.Mentions(t.Context(), w.mika); err != nil || len(list) != 0 {
		t.Errorf("somebody else sees %d mentions, %v", len(list), err)
	}
	if _, _, err = w.portfolio.Mentions(t.Context(), identity.Actor{}); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("nobody: %v", err)
	}
}
