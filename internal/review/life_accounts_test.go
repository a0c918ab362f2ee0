package review_test

import (
	"slices"
	"testing"

	"orrery/internal/review"
	"orrery/internal/workload"
)

// What a team allowed a workload it allowed to the team that had it: a move ends it.
func TestMoveEndsAllowances(t *testing.T) {
	const account = "444444444444"
	w := newWorld(t, 2)
	w.addTeam("shop")
	owner := w.addTeam("owner")
	for _, sql := range []string{
		`insert into accounts (account, team_id, set_at) values ('` + account + `', '` + owner.String() + `', now())`,
		`insert into account_allowances (account, workload_id, allowed_at) values ('` + account + `', '` + w.payments.ID.String() + `', now())`,
		`insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn)
			values (gen_random_uuid(), '` + w.payments.ID.String() + `', 'production', true, '{` + account + `}', '{eu-west-1}', '{}', '')`,
	} {
		if _, err := w.db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	foreign := func() []string {
		t.Helper()
		list, err := workload.Foreign(t.Context(), w.db, w.payments.ID)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := foreign(); len(list) != 0 {
		t.Fatalf("before the move %v are foreign", list)
	}
	if _, err := w.reviews.Move(t.Context(), w.lead(), w.payments.ID, review.LifeInput{Version: w.version(), Reason: "The shop runs it now.", TeamKey: "shop"}); err != nil {
		t.Fatal(err)
	}
	if list := foreign(); !slices.Equal(list, []string{account}) {
		t.Errorf("after the move %v are foreign", list)
	}
	var told int
	if err := w.db.QueryRow(t.Context(), `select count(*) from audit_records where verb = 'account.disallowed'`).Scan(&told); err != nil || told != 1 {
		t.Errorf("%d records, %v", told, err)
	}
}
