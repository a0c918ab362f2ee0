package incident

import (
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
)

// readable is the SQL condition on a row w of workloads that says what
// identity.Actor.CanRead says of one target; reader gives its parameters.
const readable = `(not w.restricted or @sees_all or w.team_id = any(@teams) or w.id = any(@grants))`

// visible is the SQL condition on a row i of incidents that says what mayRead says of one.
const visible = `(
	not exists (select from incident_workloads x join workloads w on w.id = x.workload_id where x.incident_id = i.id and not ` + readable + `)
	and (i.state = 'closed' or @sees_drafts or exists (
		select from incident_workloads x join workloads w on w.id = x.workload_id where x.incident_id = i.id and w.team_id = any(@teams))))`

func reader(who identity.Actor) pgx.StrictNamedArgs {
	teams, grants := []uuid.UUID{}, []uuid.UUID{}
	for _, m := range who.Teams {
		teams = append(teams, m.TeamID)
	}
	for _, g := range who.Grants {
		if !g.SelfGiven {
			grants = append(grants, g.WorkloadID)
		}
	}
	return pgx.StrictNamedArgs{
		"sees_all":    seesDrafts(who) || who.Has(identity.Approver, uuid.Nil) || who.Has(identity.Facilitator, uuid.Nil),
		"sees_drafts": seesDrafts(who), "teams": teams, "grants": grants,
	}
}

// seesDrafts reports whether the actor reads every draft: auditors do.
func seesDrafts(who identity.Actor) bool { return who.System != "" || who.Is(identity.Auditor) }

// mayRead reports whether the actor may read the incident at all: every one of its
// workloads, and of a draft the team of one of them.
func (i Incident) mayRead(who identity.Actor) bool {
	for _, p := range i.Places {
		if !who.CanRead(p.Target()) {
			return false
		}
	}
	return i.State == Closed || seesDrafts(who) ||
		slices.ContainsFunc(i.Places, func(p Place) bool { return who.InTeam(p.TeamID) })
}

// mayWrite returns nil when the actor is of the team of one of the workloads.
func mayWrite(who identity.Actor, places []Place) error {
	err := who.May(identity.WriteIncident, identity.Target{})
	for _, p := range places {
		if err = who.May(identity.WriteIncident, p.Target()); err == nil {
			return nil
		}
	}
	return err
}

// mayBegin is mayWrite for an incident that does not name a workload yet: whoever is in a
// team may begin one, and the form then asks for a workload.
func mayBegin(who identity.Actor, in Input, places []Place) error {
	if len(places) == 0 && len(uniqueKeys(in.Workloads)) > 0 {
		return fault.New(fault.NotFound, "There is no such workload.")
	}
	if len(places) == 0 {
		for _, m := range who.Teams {
			places = append(places, Place{TeamID: m.TeamID})
		}
	}
	return mayWrite(who, places)
}

// CanBegin reports whether the actor may write an incident at all.
func CanBegin(who identity.Actor) bool { return mayBegin(who, Input{}, nil) == nil }

// CanWrite reports whether the actor may write the incident.
func (i Incident) CanWrite(who identity.Actor) bool { return mayWrite(who, i.Places) == nil }

func signedIn(who identity.Actor) error {
	if who.PersonID == uuid.Nil && who.System == "" {
		return fault.New(fault.Unauthenticated, "Please sign in.")
	}
	return nil
}
