package remediation_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/remediation"
)

type house struct {
	*testing.T
	db         *pgxpool.Pool
	service    *remediation.Service
	clock      time.Time
	asha, mika identity.Actor
	stranger   identity.Actor
	workload   uuid.UUID
}

func newHouse(t *testing.T, restricted bool) *house {
	t.Helper()
	h := &house{T: t, db: pgtest.New(t), clock: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), workload: uuid.Must(uuid.NewV7())}
	h.service = remediation.NewService(h.db, func() time.Time { return h.clock })
	team := uuid.Must(uuid.NewV7())
	h.exec(`insert into teams (id, key, name, created_at) values ($1, 'ledger', 'Ledger', now())`, team)
	person := func(name string) identity.Actor {
		who := identity.Actor{PersonID: uuid.Must(uuid.NewV7()), Name: name}
		h.exec(`insert into people (id, email, name, created_at) values ($1, $2, $3, now())`, who.PersonID, strings.ToLower(name)+"@example.org", name)
		return who
	}
	h.asha, h.mika, h.stranger = person("Asha"), person("Mika"), person("Vera")
	h.asha.Teams = []identity.Membership{{TeamID: team, Role: identity.Member}}
	h.mika.Teams = h.asha.Teams
	h.exec(`insert into memberships (team_id, person_id, role, granted_at) values ($1, $2, 'member', now()), ($1, $3, 'member', now())`, team, h.asha.PersonID, h.mika.PersonID)
	h.exec(`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		values ($1, 'payments', 'Payments', '', $2, 2, 'live', $3, now(), now())`, h.workload, team, restricted)
	return h
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	if _, err := h.db.Exec(context.Background(), sql, args...); err != nil {
		h.Fatal(err)
	}
}

func (h *house) open(cause, risk string, due string) remediation.Item {
	h.Helper()
	day, err := time.Parse(time.DateOnly, due)
	if err != nil {
		h.Fatal(err)
	}
	var id uuid.UUID
	err = pgx.BeginFunc(h.Context(), h.db, func(tx pgx.Tx) (err error) {
		id, err = remediation.OpenItem(h.Context(), tx, h.asha, remediation.Opening{
			WorkloadID: h.workload, CauseKind: remediation.CauseQuestion, CauseKey: cause, Title: "Mend " + cause, Risk: risk,
			Href: "/", OwnerID: h.asha.PersonID, DueOn: day,
		}, h.clock)
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	it, err := h.service.Item(h.Context(), h.asha, id)
	if err != nil {
		h.Fatal(err)
	}
	return it
}

func as(it remediation.Item, state, resolution string) remediation.Change {
	return remediation.Change{Version: it.Version, OwnerID: it.OwnerID.String(), DueOn: it.DueOn.Format(time.DateOnly), State: state, Resolution: resolution}
}

func (h *house) wants(err error, k fault.Kind, words string) {
	h.Helper()
	said := fault.MessageOf(err)
	for _, f := range fault.FieldsOf(err) {
		said += " " + f.Name + ": " + f.Message
	}
	if !fault.Is(err, k) || !strings.Contains(said, words) {
		h.Errorf("got %v (%s), want kind %d with %q", err, said, k, words)
	}
}

func (h *house) change(who identity.Actor, it remediation.Item, c remediation.Change) remediation.Item {
	h.Helper()
	it, err := h.service.Change(h.Context(), who, it.ID, c)
	if err != nil {
		h.Fatal(err)
	}
	return it
}

func TestAHighNeedsAnotherPerson(t *testing.T) {
	h := newHouse(t, false)
	it := h.open("orr/quotas", "high", "2026-12-01")
	_, err := h.service.Change(t.Context(), h.asha, it.ID, as(it, remediation.Done, " "))
	h.wants(err, fault.Invalid, "resolution")
	_, err = h.service.Change(t.Context(), h.asha, it.ID, as(it, remediation.Verified, "x"))
	h.wants(err, fault.Invalid, "state")
	it = h.change(h.asha, it, as(it, remediation.Done, "Raised."))
	_, err = h.service.Change(t.Context(), h.asha, it.ID, as(it, remediation.Verified, "Raised."))
	h.wants(err, fault.Forbidden, "Another person")
	h.exec(`update items set done_by = $1`, h.mika.PersonID) // whoever gets around the service meets the table
	if _, err := h.db.Exec(t.Context(), `update items set state = 'verified', verified_by = done_by`); err == nil {
		t.Error("the table let the same person verify a high")
	}
	h.exec(`update items set done_by = $1`, h.asha.PersonID)
	it = h.change(h.mika, it, as(it, remediation.Verified, "Raised."))
	if !it.Finished() || it.VerifiedBy != "Mika" {
		t.Errorf("after verification: %+v", it)
	}
	_, err = h.service.Change(t.Context(), h.stranger, it.ID, as(it, remediation.Open, ""))
	h.wants(err, fault.Forbidden, "owning team")
	_, err = h.service.Change(t.Context(), h.mika, it.ID, as(remediation.Item{Version: 1, OwnerID: it.OwnerID, DueOn: it.DueOn}, remediation.Open, ""))
	h.wants(err, fault.Conflict, "Somebody changed")
}

func TestChangeChecksTheInput(t *testing.T) {
	h := newHouse(t, false)
	it := h.open("orr/quotas", "high", "2026-12-01")
	for words, change := range map[string]func(*remediation.Change){
		"owner: Choose":     func(c *remediation.Change) { c.OwnerID = "nobody" },
		"owner: Choose an":  func(c *remediation.Change) { c.OwnerID = uuid.NewString() },
		"due_on":            func(c *remediation.Change) { c.DueOn = "tomorrow" },
		"state: An item":    func(c *remediation.Change) { c.State = "closed" },
		"resolution: Keep ": func(c *remediation.Change) { c.Resolution = strings.Repeat("x", 4001) },
	} {
		c := as(it, remediation.InProgress, "")
		change(&c)
		_, err := h.service.Change(t.Context(), h.asha, it.ID, c)
		h.wants(err, fault.Invalid, words)
	}
}

// TestAnItemGoesBackToTheQueue is without an owner again while nobody has done it, and not after.
func TestAnItemGoesBackToTheQueue(t *testing.T) {
	h := newHouse(t, false)
	it := h.open("orr/quotas", "high", "2026-12-01")
	c := as(it, remediation.InProgress, "")
	c.OwnerID = ""
	if it = h.change(h.mika, it, c); it.OwnerID != uuid.Nil || it.State != remediation.InProgress {
		t.Errorf("%s is in progress for %s", it.State, it.OwnerName)
	}
	c = as(it, remediation.Done, "Raised.")
	c.OwnerID = h.asha.PersonID.String()
	it = h.change(h.mika, it, c)
	c = as(it, remediation.Done, "Raised.")
	c.OwnerID = ""
	_, err := h.service.Change(t.Context(), h.asha, it.ID, c)
	h.wants(err, fault.Invalid, "owner: Choose")
}

func TestTheSameCauseIsOneItem(t *testing.T) {
	h := newHouse(t, false)
	it := h.open("orr/quotas", "high", "2026-12-01")
	it = h.change(h.mika, it, remediation.Change{Version: it.Version, OwnerID: h.mika.PersonID.String(), DueOn: "2026-12-24", State: remediation.InProgress})
	kept := h.open("orr/quotas", "high", "2027-01-01")
	if kept.ID != it.ID || kept.OwnerID != h.asha.PersonID || kept.DueOn.Year() != 2027 || kept.State != remediation.InProgress {
		t.Errorf("said anew of work that goes on, it became %+v", kept)
	}
	if !slices.Contains(kept.HadTicket, h.mika.PersonID) {
		t.Error("it is forgotten who owned it before it was said anew")
	}
	it = h.change(h.mika, kept, as(kept, remediation.Done, "Raised."))
	h.change(h.asha, it, as(it, remediation.Verified, "Raised."))
	again := h.open("orr/quotas", "high", "2027-01-01")
	if again.ID != it.ID || again.State != remediation.Open || again.OwnerID != h.asha.PersonID || again.Resolution != "" || again.DoneBy != nil {
		t.Errorf("reopened: %+v", again)
	}
}

func TestListPagesByDueDay(t *testing.T) {
	h := newHouse(t, false)
	for i := range 25 {
		h.open("orr/q"+strconv.Itoa(i), "high", "2026-12-"+strconv.Itoa(10+i%10))
	}
	seen := map[uuid.UUID]bool{}
	f := remediation.Filter{Limit: 10}
	var last time.Time
	for page := 0; ; page++ {
		items, next, err := h.service.List(t.Context(), h.stranger, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			if seen[it.ID] || it.DueOn.Before(last) {
				t.Errorf("%s again, or out of order", it.Title)
			}
			seen[it.ID], last = true, it.DueOn
		}
		if next == "" {
			break
		}
		f.After = next
	}
	if len(seen) != 25 {
		t.Errorf("%d items on all pages, want 25", len(seen))
	}
	for _, cursor := range []string{"x", "....", strings.Repeat("A", 62)} {
		_, _, err := h.service.List(t.Context(), h.asha, remediation.Filter{After: cursor})
		h.wants(err, fault.Invalid, "after")
	}
	h.clock = time.Date(2026, 12, 15, 12, 0, 0, 0, time.UTC)
	overdue, _, err := h.service.List(t.Context(), h.asha, remediation.Filter{OverdueAt: h.clock, Limit: 100})
	if err != nil || len(overdue) != 15 || overdue[0].LateBy(h.clock) != 5 {
		t.Errorf("%d items are overdue, want 15 (%v)", len(overdue), err)
	}
}

func TestItemsOfRestrictedWorkloadsAreHidden(t *testing.T) {
	h := newHouse(t, true)
	it := h.open("orr/quotas", "high", "2026-12-01")
	_, err := h.service.Item(t.Context(), h.stranger, it.ID)
	h.wants(err, fault.NotFound, "no such item")
	_, err = h.service.Change(t.Context(), h.stranger, it.ID, as(it, remediation.Done, "x"))
	h.wants(err, fault.NotFound, "no such item")
	for who, want := range map[*identity.Actor]int{
		&h.stranger: 0, &h.asha: 1,
		{PersonID: h.stranger.PersonID, Roles: []identity.OrgRole{identity.Auditor}}:                                                1,
		{PersonID: h.stranger.PersonID, Grants: []identity.Grant{{Kind: identity.Approver, WorkloadID: h.workload}}}:                1,
		{PersonID: h.stranger.PersonID, Grants: []identity.Grant{{Kind: identity.Approver, WorkloadID: uuid.New()}}}:                0,
		{PersonID: h.stranger.PersonID, Roles: []identity.OrgRole{identity.Admin}}:                                                  0,
		{PersonID: h.stranger.PersonID, Grants: []identity.Grant{{Kind: identity.Facilitator}}, Roles: []identity.OrgRole{"admin"}}: 1,
	} {
		if items, _, err := h.service.List(t.Context(), *who, remediation.Filter{}); err != nil || len(items) != want {
			t.Errorf("%v %v sees %d items, want %d (%v)", who.Roles, who.Grants, len(items), want, err)
		}
	}
}

func TestMendItemLeavesTheRest(t *testing.T) {
	h := newHouse(t, false)
	it := h.open("orr/quotas", "high", "2026-12-01")
	other := h.open("orr/rollback", "high", "2026-12-01")
	err := pgx.BeginFunc(t.Context(), h.db, func(tx pgx.Tx) error {
		if err := remediation.MendItem(t.Context(), tx, h.mika, h.workload, remediation.CauseQuestion, "orr/quotas", "Answered anew.", &h.mika.PersonID, h.clock); err != nil {
			return err
		}
		return remediation.MendItem(t.Context(), tx, h.mika, h.workload, remediation.CauseQuestion, "orr/nothing", "x", nil, h.clock)
	})
	if err != nil {
		t.Fatal(err)
	}
	it, _ = h.service.Item(t.Context(), h.asha, it.ID)
	other, _ = h.service.Item(t.Context(), h.asha, other.ID)
	if it.State != remediation.Done || it.DoneByName != "Mika" || it.Finished() || other.State != remediation.Open {
		t.Errorf("after mending: %s by %s, other %s", it.State, it.DoneByName, other.State)
	}
}
