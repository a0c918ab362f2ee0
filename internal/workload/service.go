package workload

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

// Service creates and changes workloads.
type Service struct {
	db  *pgxpool.Pool
	now func() time.Time
}

// NewService returns the service on the pool; now gives the time of an act.
func NewService(db *pgxpool.Pool, now func() time.Time) *Service {
	return &Service{db: db, now: now}
}

// ByKey reads a workload by its key. An old key finds it too: when the returned Key is
// not the one asked for, redirect. Not found when absent or not readable by who.
func (s *Service) ByKey(ctx context.Context, who identity.Actor, key string) (Workload, error) {
	return LoadByKey(ctx, s.db, who, key)
}

// Create adds a workload to a team. Members of the team and admins may. Invalid with a
// message per field; a taken key is a message on "key".
func (s *Service) Create(ctx context.Context, who identity.Actor, in Input) (Workload, error) {
	now := s.now()
	var w Workload
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		var err error
		if w, err = s.create(ctx, tx, who, in, now); err != nil {
			return err
		}
		return s.record(ctx, tx, who, "workload.created", w, now)
	})
	if err != nil {
		return Workload{}, fmt.Errorf("create workload: %w", err)
	}
	return LoadByKey(ctx, s.db, who, w.Key)
}

// Update changes a workload as it was seen at version. Members of the owning team may; an
// approver from outside may change the tier and nothing else. A higher tier number (less
// critical) needs an approver. The team, and whether it is retired, are not changed here:
// much goes along with both, see SetTeam and SetStage. A stale version is a conflict.
func (s *Service) Update(ctx context.Context, who identity.Actor, id uuid.UUID, version int, in Input) (Workload, error) {
	now := s.now()
	var w Workload
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		var err error
		if w, err = s.change(ctx, tx, who, id, version, in, now); err != nil {
			return err
		}
		return s.record(ctx, tx, who, "workload.changed", w, now)
	})
	if err != nil {
		return Workload{}, fmt.Errorf("change workload: %w", err)
	}
	// an approver who no longer is one may have lost sight of it meanwhile
	return Load(ctx, s.db, identity.SystemActor("workload"), w.ID)
}

// Input is the workload as somebody would have typed it, to be changed in part.
func (w Workload) Input() Input { return w.input(w.Tier) }

// input is Input with another tier.
func (w Workload) input(tier int) Input {
	in := Input{
		Key: w.Key, Name: w.Name, Description: w.Description, TeamKey: w.TeamKey, Tier: tier, Stage: w.Stage, Restricted: w.Restricted,
		Accounts: w.Production.Accounts, Regions: w.Production.Regions, Tags: w.Production.Tags, ApplicationARN: w.Production.ApplicationARN,
		WAWorkloads: w.Production.WAWorkloads,
	}
	if w.LaunchOn != nil {
		in.LaunchOn = w.LaunchOn.Format(time.DateOnly)
	}
	return in
}

// mayUpdate checks rights and version against the stored row.
func mayUpdate(who identity.Actor, w Workload, version int, c clean) error {
	if err := who.May(identity.EditWorkload, w.Target()); err != nil && !who.Approves(w.ID) {
		return err
	}
	if w.Version != version {
		return fault.New(fault.Conflict, "Somebody changed this workload since you opened it. Read it again; your input is still here.")
	}
	if c.Tier > w.Tier {
		if err := who.May(identity.LowerTier, w.Target()); err != nil {
			return fault.InvalidField("tier", "%s", fault.MessageOf(err))
		}
	}
	if c.TeamKey != w.TeamKey {
		return fault.InvalidField("team", "A workload moves to another team on a page of its own, which shows what goes along.")
	}
	if c.Stage != w.Stage && (c.Stage == Retired || w.Stage == Retired) {
		return fault.InvalidField("stage", "A workload retires and comes back on a page of its own, which shows what ends with it.")
	}
	return nil
}

// apply sets what the input says.
func (w *Workload) apply(c clean, now time.Time) {
	w.Key, w.Name, w.Description = c.Key, c.Name, c.Description
	w.Tier, w.Stage, w.Restricted, w.LaunchOn = c.Tier, c.Stage, c.Restricted, c.launchOn
	w.UpdatedAt = now
	w.Production.Accounts, w.Production.Regions = c.Accounts, c.Regions
	w.Production.Tags, w.Production.ApplicationARN = c.Tags, c.ApplicationARN
	w.Production.WAWorkloads = c.WAWorkloads
}

// freeKey refuses a key that redirects to another workload.
func freeKey(ctx context.Context, tx pgx.Tx, key string, self uuid.UUID) error {
	taken, err := oldKeyTaken(ctx, tx, key, self)
	if err == nil && taken {
		return fault.InvalidField("key", "This key leads to another workload, which had it before.")
	}
	return err
}

func (s *Service) record(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, w Workload, at time.Time) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(w.ID), Verb: verb, TargetKind: "workload", TargetID: w.ID.String(), At: at,
		Details: []audit.Detail{
			{Name: "key", Value: w.Key}, {Name: "team", Value: w.TeamID.String()},
			{Name: "tier", Value: strconv.Itoa(w.Tier)}, {Name: "stage", Value: w.Stage},
			{Name: "restricted", Value: strconv.FormatBool(w.Restricted)}, {Name: "name", Value: w.Name}, {Name: "launch_on", Value: day(w.LaunchOn)},
			{Name: "accounts", Value: strings.Join(w.Production.Accounts, " ")}, {Name: "regions", Value: strings.Join(w.Production.Regions, " ")},
			{Name: "tags", Value: strings.Join(w.Production.Tags, " ")}, {Name: "application_arn", Value: w.Production.ApplicationARN},
			{Name: "wa_workloads", Value: strings.Join(w.Production.WAWorkloads, ", ")},
		},
	})
}

func day(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.DateOnly)
}

func personID(who identity.Actor) *uuid.UUID {
	if who.PersonID == uuid.Nil {
		return nil
	}
	return &who.PersonID
}
