package audit_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres/pgtest"
)

var auditor = identity.Actor{PersonID: uuid.New(), Name: "Audrey", Roles: []identity.OrgRole{identity.Auditor}}

func record(t testing.TB, db *pgxpool.Pool, who identity.Actor, a audit.Act) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error { return audit.Record(t.Context(), tx, who, a) })
	if err != nil {
		t.Fatal(err)
	}
}

func TestEntryIsWhatWasRecorded(t *testing.T) {
	db := pgtest.New(t)
	token := ada
	token.TokenID = uuid.New()
	a := act("org", "answer.saved", noon)
	record(t, db, token, a)
	record(t, db, identity.SystemActor("scheduler"), audit.Act{Stream: "org", Verb: "run.started", TargetKind: "run", TargetID: "1", At: noon})
	list, next, err := audit.Records(t.Context(), db, auditor, audit.Filter{})
	if err != nil || next != "" || len(list) != 2 {
		t.Fatalf("%+v %q %v", list, next, err)
	}
	want := []audit.Entry{
		{Stream: "org", Seq: 2, At: noon.Truncate(time.Microsecond), ActorName: "system: scheduler", Verb: "run.started", TargetKind: "run", TargetID: "1", Details: []audit.Detail{}},
		{Stream: "org", Seq: 1, At: noon.Truncate(time.Microsecond), ActorID: ada.PersonID, ActorName: ada.Name, TokenID: token.TokenID, RequestID: "req-1",
			Verb: "answer.saved", TargetKind: "answer", TargetID: "OPS07", Details: a.Details},
	}
	for i := range list {
		if len(list[i].Hash) != 32 {
			t.Errorf("hash of %d bytes", len(list[i].Hash))
		}
		list[i].Hash = nil
	}
	if d := cmp.Diff(want, list); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRecordsFilterAndPages(t *testing.T) {
	db := pgtest.New(t)
	bob := identity.Actor{PersonID: uuid.New(), Name: "Bob"}
	wl := uuid.New()
	for i := range 24 {
		a := act([]string{"org", audit.WorkloadStream(wl), "workload/x"}[i%3], []string{"review.signed", "review.decided", "reviewer.added", "item.opened"}[i%4],
			noon.Add(time.Duration(i/2)*time.Minute)) // two at a time share a moment
		a.TargetID = fmt.Sprint(i % 5)
		if i%2 == 0 {
			a.TargetKind = "review"
		}
		record(t, db, []identity.Actor{ada, bob}[i/12], a)
	}
	everything := func(f audit.Filter) (names []string) {
		t.Helper()
		for range 100 {
			list, next, err := audit.Records(t.Context(), db, auditor, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				names = append(names, fmt.Sprintf("%s %s/%d", e.At.Format("15:04"), e.Stream, e.Seq))
			}
			if f.After = next; next == "" {
				return names
			}
		}
		t.Fatal("the pages do not end")
		return nil
	}
	all := everything(audit.Filter{})
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b string) int { return strings.Compare(b[:5], a[:5]) })
	if len(slices.Compact(slices.Clone(all))) != 24 || !slices.IsSortedFunc(all, func(a, b string) int { return strings.Compare(b[:5], a[:5]) }) {
		t.Errorf("not every record once, newest first: %v", all)
	}
	for limit := 1; limit <= 24; limit++ {
		if got := everything(audit.Filter{Limit: limit}); !slices.Equal(got, all) {
			t.Errorf("in pages of %d: %v", limit, got)
		}
		if got := everything(audit.Filter{Limit: limit, Stream: "org"}); len(got) != 8 || !strings.HasSuffix(got[0], "org/8") || !strings.HasSuffix(got[7], "org/1") {
			t.Errorf("a stream in pages of %d: %v", limit, got)
		}
	}
	for name, c := range map[string]struct {
		f    audit.Filter
		want int
	}{
		"actor":         {audit.Filter{ActorID: bob.PersonID}, 12},
		"verb":          {audit.Filter{Verb: "review.signed"}, 6},
		"verb's family": {audit.Filter{Verb: "review."}, 12},
		"kind":          {audit.Filter{TargetKind: "review"}, 12},
		"target":        {audit.Filter{TargetID: "4"}, 4},
		"since":         {audit.Filter{Since: noon.Add(10 * time.Minute).Truncate(time.Microsecond)}, 4},
		"until":         {audit.Filter{Until: noon.Add(10 * time.Minute).Truncate(time.Microsecond)}, 20},
		"together":      {audit.Filter{ActorID: bob.PersonID, Verb: "item.opened", Stream: "org"}, 1},
		"nothing":       {audit.Filter{Verb: "%"}, 0},
	} {
		c.f.Limit = 3
		if got := everything(c.f); len(got) != c.want {
			t.Errorf("%s: %d records, want %d: %v", name, len(got), c.want, got)
		}
	}
	list, _, err := audit.WorkloadRecords(t.Context(), db, wl, audit.Filter{Stream: "org"})
	if err != nil || len(list) != 8 || list[0].Stream != audit.WorkloadStream(wl) {
		t.Errorf("a workload's own: %d, %v", len(list), err)
	}
}

func TestRecordsCursor(t *testing.T) {
	db := pgtest.New(t)
	put(t, db, ada, "org", 1)
	for _, after := range []string{"x", "%", "AAAA", base64.RawURLEncoding.EncodeToString([]byte(`{"at":"x"}`)),
		base64.RawURLEncoding.EncodeToString([]byte(`{"at":"2026-01-01T00:00:00Z","stream":"\u0000","seq":1}`))} {
		_, _, err := audit.Records(t.Context(), db, auditor, audit.Filter{After: after})
		if f := fault.FieldsOf(err); !fault.Is(err, fault.Invalid) || len(f) != 1 || f[0].Name != "after" {
			t.Errorf("%q: %v", after, err)
		}
	}
}

func TestWhoReadsTheRecord(t *testing.T) {
	db := pgtest.New(t)
	team, open, secret := uuid.New(), uuid.New(), uuid.New()
	for _, sql := range []string{
		fmt.Sprintf(`insert into teams values ('%s', 'payments', 'Payments', now())`, team),
		fmt.Sprintf(`insert into workloads select i::uuid, 'w' || n, 'W', '', '%s', 1, 'live', n = 2, null, 1, null, now(), now()
			from (values ('%s', 1), ('%s', 2)) v (i, n)`, team, open, secret),
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	put(t, db, ada, "org", 1)
	put(t, db, ada, audit.WorkloadStream(open), 1)
	put(t, db, ada, audit.WorkloadStream(secret), 1)
	person := func(change func(*identity.Actor)) identity.Actor {
		a := identity.Actor{PersonID: uuid.New(), Name: "Somebody"}
		change(&a)
		return a
	}
	admin := []identity.OrgRole{identity.Admin}
	for name, c := range map[string]struct {
		who  identity.Actor
		want int // records; -1: forbidden
	}{
		"nobody":               {identity.Actor{}, -1},
		"a part of the system": {identity.SystemActor("scheduler"), -1},
		"a lead":               {person(func(a *identity.Actor) { a.Teams = []identity.Membership{{TeamID: team, Role: identity.Lead}} }), -1},
		"a curator":            {person(func(a *identity.Actor) { a.Roles = []identity.OrgRole{identity.Curator} }), -1},
		"an approver":          {person(func(a *identity.Actor) { a.Grants = []identity.Grant{{Kind: identity.Approver}} }), -1},
		"an auditor's read token": {person(func(a *identity.Actor) {
			a.Roles, a.TokenID, a.Scopes = auditor.Roles, uuid.New(), []string{"read"}
		}), -1},
		"an auditor":                 {auditor, 3},
		"an admin":                   {person(func(a *identity.Actor) { a.Roles = admin }), 2},
		"an admin who is an auditor": {person(func(a *identity.Actor) { a.Roles = []identity.OrgRole{identity.Admin, identity.Auditor} }), 3},
		"an admin of the team": {person(func(a *identity.Actor) {
			a.Roles, a.Teams = admin, []identity.Membership{{TeamID: team, Role: identity.Member}}
		}), 3},
		"an admin of another team": {person(func(a *identity.Actor) {
			a.Roles, a.Teams = admin, []identity.Membership{{TeamID: uuid.New(), Role: identity.Lead}}
		}), 2},
		"an admin with a grant on it": {person(func(a *identity.Actor) {
			a.Roles, a.Grants = admin, []identity.Grant{{Kind: identity.Facilitator, WorkloadID: secret}}
		}), 3},
		"an admin with a grant elsewhere": {person(func(a *identity.Actor) {
			a.Roles, a.Grants = admin, []identity.Grant{{Kind: identity.Facilitator, WorkloadID: open}}
		}), 2},
		"an admin with a grant on all": {person(func(a *identity.Actor) {
			a.Roles, a.Grants = admin, []identity.Grant{{Kind: identity.Facilitator}}
		}), 3},
		"an admin with a grant on it by their own hand": {person(func(a *identity.Actor) {
			a.Roles, a.Grants = admin, []identity.Grant{{Kind: identity.Participant, WorkloadID: secret, SelfGiven: true}}
		}), 2},
		"an admin with a grant on all by their own hand": {person(func(a *identity.Actor) {
			a.Roles, a.Grants = admin, []identity.Grant{{Kind: identity.Facilitator, SelfGiven: true}}
		}), 2},
	} {
		list, _, err := audit.Records(t.Context(), db, c.who, audit.Filter{})
		if c.want < 0 {
			if !fault.Is(err, fault.Forbidden) || list != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || len(list) != c.want {
			t.Errorf("%s: %d records, %v; want %d", name, len(list), err, c.want)
		}
		// Nor by naming the stream or the target.
		list, _, err = audit.Records(t.Context(), db, c.who, audit.Filter{Stream: audit.WorkloadStream(secret)})
		if err != nil || len(list) != c.want-2 {
			t.Errorf("%s: %d records of the restricted workload, %v", name, len(list), err)
		}
	}
}
