package incident_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
)

// house is a database with two teams, a workload of each and one that is restricted.
type house struct {
	*testing.T
	db         *pgxpool.Pool
	library    *questionnaire.Library
	service    *incident.Service
	items      *remediation.Service
	clock      time.Time
	asha, mika identity.Actor // of the team Ledger, which owns payments and vault
	vera       identity.Actor // of the team Depot, which owns stock
	cleo       identity.Actor // a curator
	otto       identity.Actor // an auditor
	teams      map[string]uuid.UUID
	workloads  map[string]uuid.UUID
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, db: pgtest.New(t), clock: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), teams: map[string]uuid.UUID{}, workloads: map[string]uuid.UUID{}}
	now := func() time.Time { return h.clock }
	h.library = questionnaire.NewLibrary(h.db, now)
	h.service, h.items = incident.NewService(h.db, h.library, "https://orrery.example.org", now), remediation.NewService(h.db, now)
	for key, name := range map[string]string{"ledger": "Ledger", "depot": "Depot"} {
		h.teams[key] = uuid.Must(uuid.NewV7())
		h.exec(`insert into teams (id, key, name, created_at) values ($1, $2, $3, now())`, h.teams[key], key, name)
	}
	h.asha, h.mika, h.vera = h.person("Asha", "ledger"), h.person("Mika", "ledger"), h.person("Vera", "depot")
	h.cleo, h.otto = h.person("Cleo", ""), h.person("Otto", "")
	h.cleo.Roles, h.otto.Roles = []identity.OrgRole{identity.Curator}, []identity.OrgRole{identity.Auditor}
	h.workload("payments", "ledger", false)
	h.workload("vault", "ledger", true)
	h.workload("stock", "depot", false)
	return h
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	if _, err := h.db.Exec(context.Background(), sql, args...); err != nil {
		h.Fatal(err)
	}
}

func (h *house) person(name, team string) identity.Actor {
	who := identity.Actor{PersonID: uuid.Must(uuid.NewV7()), Name: name}
	h.exec(`insert into people (id, email, name, created_at) values ($1, $2, $3, now())`, who.PersonID, strings.ToLower(name)+"@example.org", name)
	if team != "" {
		h.exec(`insert into memberships (team_id, person_id, role, granted_at) values ($1, $2, 'member', now())`, h.teams[team], who.PersonID)
		who.Teams = []identity.Membership{{TeamID: h.teams[team], Role: identity.Member}}
	}
	return who
}

func (h *house) workload(key, team string, restricted bool) {
	h.workloads[key] = uuid.Must(uuid.NewV7())
	h.exec(`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		values ($1, $2, initcap($2), '', $3, 2, 'live', $4, now(), now())`, h.workloads[key], key, h.teams[team], restricted)
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

func must[T any](h *house) func(T, error) T {
	return func(v T, err error) T {
		h.Helper()
		if err != nil {
			h.Fatalf("%v %v", err, fault.FieldsOf(err))
		}
		return v
	}
}

// full is an incident that lacks nothing.
func full(workloads ...string) incident.Input {
	return incident.Input{
		Title: "Payments failed for 40 minutes", Severity: "2", Workloads: workloads, Link: "https://records.example.org/7", Summary: "A role was gone.",
		Impact: "No card could be charged.", Started: "2026-11-20T10:00", Detected: "2026-11-20T10:05", Mitigated: "2026-11-20T10:40", Resolved: "2026-11-20 12:00",
		Scenario: "A permission was added by hand.", Change: "The next stack update took it away.", Causes: []string{"Drift is not looked for.", ""}, WhyNotCaught: "Beta allowed everything.",
	}
}

// written is a draft by Asha.
func (h *house) written(workloads ...string) incident.Incident {
	h.Helper()
	return must[incident.Incident](h)(h.service.Create(h.Context(), h.asha, full(workloads...)))
}

// closed is a closed incident by Asha.
func (h *house) closed(workloads ...string) incident.Incident {
	h.Helper()
	i := h.written(workloads...)
	return must[incident.Incident](h)(h.service.Close(h.Context(), h.asha, i.ID, i.Version))
}
