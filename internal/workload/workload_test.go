package workload_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/workload"
)

type house struct {
	*testing.T
	db       *pgxpool.Pool
	service  *workload.Service
	member   identity.Actor // of ledger
	both     identity.Actor // of ledger and storefront
	lead     identity.Actor // of ledger
	approver identity.Actor
	stranger identity.Actor
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, db: pgtest.New(t)}
	h.service = workload.NewService(h.db, func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) })
	ledger, storefront := h.team("ledger"), h.team("storefront")
	member := func(role identity.TeamRole, teams ...uuid.UUID) identity.Actor {
		who := identity.Actor{PersonID: uuid.Must(uuid.NewV7()), Name: "Somebody"}
		h.exec(`insert into people (id, email, name, created_at) values ($1, $2, 'Somebody', now())`, who.PersonID, who.PersonID.String()+"@example.org")
		for _, team := range teams {
			who.Teams = append(who.Teams, identity.Membership{TeamID: team, Role: role})
		}
		return who
	}
	h.member, h.both, h.lead = member(identity.Member, ledger), member(identity.Member, ledger, storefront), member(identity.Lead, ledger)
	h.approver, h.stranger = member(identity.Member), member(identity.Member)
	h.approver.Grants = []identity.Grant{{Kind: identity.Approver}}
	return h
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	if _, err := h.db.Exec(context.Background(), sql, args...); err != nil {
		h.Fatal(err)
	}
}

func (h *house) team(key string) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	h.exec(`insert into teams (id, key, name, created_at) values ($1, $2, $2, now())`, id, key)
	return id
}

func good() workload.Input {
	return workload.Input{Key: "payments", Name: "Payments", TeamKey: "ledger", Tier: 2, Stage: workload.Planned}
}

func (h *house) create(in workload.Input) workload.Workload {
	h.Helper()
	w, err := h.service.Create(h.Context(), h.member, in)
	if err != nil {
		h.Fatal(err)
	}
	return w
}

// wants fails unless err is of the kind and names the field or says the words.
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

func TestCreateChecksEachField(t *testing.T) {
	h := newHouse(t)
	for field, change := range map[string]func(*workload.Input){
		"key":             func(in *workload.Input) { in.Key = "Payments!" },
		"name":            func(in *workload.Input) { in.Name = " \x00 " },
		"description":     func(in *workload.Input) { in.Description = strings.Repeat("é", 2001) },
		"team":            func(in *workload.Input) { in.TeamKey = "nobody" },
		"tier":            func(in *workload.Input) { in.Tier = 4 },
		"stage":           func(in *workload.Input) { in.Stage = "dead" },
		"launch_on":       func(in *workload.Input) { in.LaunchOn = "soon" },
		"accounts":        func(in *workload.Input) { in.Accounts, in.Regions = []string{"12"}, []string{"eu-west-1"} },
		"regions":         func(in *workload.Input) { in.Accounts, in.Regions = []string{"123456789012"}, []string{"Ireland"} },
		"regions: Name":   func(in *workload.Input) { in.Accounts = []string{"123456789012"} },
		"accounts: Name":  func(in *workload.Input) { in.Regions = []string{"eu-west-1"} },
		"tags":            func(in *workload.Input) { in.Tags = []string{"app"} },
		"application_arn": func(in *workload.Input) { in.ApplicationARN = "payments" },
	} {
		in := good()
		change(&in)
		_, err := h.service.Create(t.Context(), h.member, in)
		h.wants(err, fault.Invalid, field)
	}
	_, err := h.service.Create(t.Context(), h.stranger, good())
	h.wants(err, fault.Forbidden, "owning team")
	w := h.create(workload.Input{Key: "ledger", Name: " e\u0301 ", TeamKey: "ledger", Tier: 1, Stage: workload.Live, LaunchOn: "2027-01-15",
		Accounts: []string{"1234-5678-9012", "123456789012"}, Regions: []string{"eu-west-1", "us-gov-west-1"}, Tags: []string{"app=x"}})
	if w.Name != "é" || len(w.Production.Accounts) != 1 || w.Production.Accounts[0] != "123456789012" || w.LaunchOn == nil || w.TeamName != "ledger" {
		t.Errorf("stored %+v", w)
	}
	_, err = h.service.Create(t.Context(), h.member, workload.Input{Key: "ledger", Name: "x", TeamKey: "ledger", Tier: 1, Stage: workload.Live})
	h.wants(err, fault.Invalid, "Another workload has this key")
}

func TestUpdate(t *testing.T) {
	h := newHouse(t)
	w := h.create(good())
	in := good()
	in.Name = "Payments, renamed"
	_, err := h.service.Update(t.Context(), h.stranger, w.ID, 1, in)
	h.wants(err, fault.Forbidden, "owning team")
	_, err = h.service.Update(t.Context(), h.member, w.ID, 7, in)
	h.wants(err, fault.Conflict, "Somebody changed")
	_, err = h.service.Update(t.Context(), h.member, uuid.New(), 1, in)
	h.wants(err, fault.NotFound, "no such workload")

	in.Tier = 3
	_, err = h.service.Update(t.Context(), h.member, w.ID, 1, in)
	h.wants(err, fault.Invalid, "tier: Lowering the tier needs an approver")
	if w, err = h.service.Update(t.Context(), h.approver, w.ID, 1, in); err != nil || w.Tier != 3 || w.Version != 2 {
		t.Fatalf("an approver lowers the tier: %+v, %v", w, err)
	}
	in.Tier = 1
	if w, err = h.service.Update(t.Context(), h.member, w.ID, 2, in); err != nil || w.Tier != 1 {
		t.Fatalf("a member raises the tier: %v", err)
	}
	in.TeamKey = "storefront"
	_, err = h.service.Update(t.Context(), h.both, w.ID, 3, in)
	h.wants(err, fault.Invalid, "team: A workload moves to another team on a page of its own")
	in.TeamKey, in.Stage = "ledger", workload.Retired
	_, err = h.service.Update(t.Context(), h.lead, w.ID, 3, in)
	h.wants(err, fault.Invalid, "stage: A workload retires and comes back on a page of its own")
}

func TestOldKeysLeadToTheWorkload(t *testing.T) {
	h := newHouse(t)
	w := h.create(good())
	in := good()
	in.Key = "pay"
	if _, err := h.service.Update(t.Context(), h.member, w.ID, 1, in); err != nil {
		t.Fatal(err)
	}
	found, err := h.service.ByKey(t.Context(), h.stranger, "payments")
	if err != nil || found.ID != w.ID || found.Key != "pay" {
		t.Errorf("the old key finds %+v, %v", found, err)
	}
	_, err = h.service.Create(t.Context(), h.member, good())
	h.wants(err, fault.Invalid, "leads to another workload")
	if _, err := h.service.Update(t.Context(), h.member, w.ID, 2, good()); err != nil {
		t.Errorf("taking the old key back: %v", err)
	}
}

func TestRestrictedIsNotFound(t *testing.T) {
	h := newHouse(t)
	in := good()
	in.Restricted = true
	w := h.create(in)
	_, err := h.service.ByKey(t.Context(), h.stranger, "payments")
	h.wants(err, fault.NotFound, "no such workload")
	_, err = h.service.Update(t.Context(), h.stranger, w.ID, 1, in)
	h.wants(err, fault.NotFound, "no such workload")
	auditor := h.stranger
	auditor.Roles = []identity.OrgRole{identity.Auditor}
	admin := h.stranger
	admin.Roles = []identity.OrgRole{identity.Admin}
	for who, readable := range map[*identity.Actor]bool{&h.member: true, &h.approver: true, &auditor: true, &admin: false} {
		if _, err := h.service.ByKey(t.Context(), *who, "payments"); (err == nil) != readable {
			t.Errorf("%+v reads a restricted workload: %v, want %v", who.Roles, err == nil, readable)
		}
	}
}

func TestScopeIsEmptiedNotForgotten(t *testing.T) {
	h := newHouse(t)
	in := good()
	in.Accounts, in.Regions = []string{"123456789012"}, []string{"eu-west-1"}
	w := h.create(in)
	id := w.Production.ID
	w, err := h.service.Update(t.Context(), h.member, w.ID, 1, good())
	if err != nil || !w.Production.Empty() || w.Production.ID != id {
		t.Errorf("after emptying: %+v, %v", w.Production, err)
	}
}
