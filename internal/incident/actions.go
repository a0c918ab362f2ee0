package incident

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/text"
)

// actionDetail says nothing of the incident: who reads the item need not read that.
const actionDetail = "It shall keep an incident from happening again."

// SaveAction adds an action to a draft or gives one without an owner its owner, which makes
// an item of it: from then on it is worked on there, and verified by another person. Members
// of the team of one of the incident's workloads may. Invalid on "todo", "workload",
// "owner" and "due_on"; a closed incident, and an action that is an item, are a conflict.
func (s *Service) SaveAction(ctx context.Context, who identity.Actor, id uuid.UUID, in ActionInput) (Incident, error) {
	return s.act(ctx, who, id, "incident.action_saved", func(tx pgx.Tx, i Incident, now time.Time) error {
		a, owner, err := i.action(in, now)
		if err != nil {
			return err
		}
		if a.ID == uuid.Nil {
			a.ID = uuid.Must(uuid.NewV7())
		}
		var item *uuid.UUID
		if owner != uuid.Nil {
			opened, err := remediation.OpenItem(ctx, tx, who, remediation.Opening{
				WorkloadID: a.WorkloadID, CauseKind: remediation.CauseIncident, CauseKey: a.ID.String(), Title: a.Title,
				Detail: actionDetail, Risk: "none", Href: "/incidents/" + i.ID.String(), OwnerID: owner, DueOn: *a.DueOn,
			}, now)
			if err != nil {
				return err
			}
			item = &opened
		}
		return putAction(ctx, tx, i.ID, a, item, now)
	})
}

// action checks the input against the incident.
func (i Incident) action(in ActionInput, now time.Time) (a Action, owner uuid.UUID, err error) {
	var bad fields
	if in.ID != "" {
		n := slices.IndexFunc(i.Actions, func(a Action) bool { return a.ID.String() == in.ID })
		if n < 0 {
			return a, owner, fault.New(fault.NotFound, "There is no such action.")
		}
		if a = i.Actions[n]; a.Item != nil {
			return a, owner, fault.New(fault.Conflict, "This action has an owner already. Change it on the page of its item.")
		}
	}
	a.Title = bad.need("todo", text.Line(in.Title), "Say what shall be done.", 300)
	n := slices.IndexFunc(i.Places, func(p Place) bool { return p.Key == in.Workload })
	if n < 0 {
		bad.add("workload", "Choose one of the incident's workloads.")
	} else {
		a.WorkloadID = i.Places[n].ID
	}
	a.due(in, now, &bad)
	if in.Owner != "" {
		if owner, err = uuid.Parse(in.Owner); err != nil {
			bad.add("owner", "Choose an owner from the list.")
		}
		if a.DueOn == nil && len(bad) == 0 {
			bad.add("due_on", "Say until when, as year-month-day.")
		}
	}
	return a, owner, fault.InvalidFields(bad...)
}

// due reads the due day, which is not past. One that was set before may have passed while nobody
// owned the action; who takes it on says another.
func (a *Action) due(in ActionInput, now time.Time, bad *fields) {
	before := a.DueOn
	if a.DueOn = nil; text.Line(in.DueOn) == "" {
		return
	}
	day, problem := remediation.ReadDue(in.DueOn, now)
	if problem != "" && (in.Owner != "" || before == nil || !day.Equal(*before)) {
		bad.add("due_on", problem)
	}
	a.DueOn = &day
}

// DropAction takes an action without an owner out of a draft. Members of the team of one of
// the incident's workloads may. A closed incident, and an action that is an item, are a
// conflict.
func (s *Service) DropAction(ctx context.Context, who identity.Actor, id uuid.UUID, action string) (Incident, error) {
	return s.act(ctx, who, id, "incident.action_dropped", func(tx pgx.Tx, i Incident, _ time.Time) error {
		n := slices.IndexFunc(i.Actions, func(a Action) bool { return a.ID.String() == action })
		if n < 0 {
			return fault.New(fault.NotFound, "There is no such action.")
		}
		if i.Actions[n].Item != nil {
			return fault.New(fault.Conflict, "This action has an owner already. Change it on the page of its item.")
		}
		_, err := tx.Exec(ctx, `delete from incident_actions where id = $1`, i.Actions[n].ID)
		return err
	})
}

// act locks a draft, authorises, acts on its actions and records.
func (s *Service) act(ctx context.Context, who identity.Actor, id uuid.UUID, verb string, do func(pgx.Tx, Incident, time.Time) error) (Incident, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		i, err := byID(ctx, tx, who, id, "for update of i")
		if err != nil {
			return err
		}
		if err := mayWrite(who, i.Places); err != nil {
			return err
		}
		if i.State != Draft {
			return fault.New(fault.Conflict, "This incident is closed. Open it again to change its actions.")
		}
		if err := do(tx, i, now); err != nil {
			return err
		}
		return record(ctx, tx, who, verb, i, now, audit.Detail{Name: "actions", Value: fmt.Sprint(len(i.Actions))})
	})
	if err != nil {
		return Incident{}, fmt.Errorf("change actions: %w", err)
	}
	return byID(ctx, s.db, who, id, "")
}
