package evidence

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/workload"
)

// reach says how a cell is read: the ask with the account's access and without what its
// connection leaves out, and an outcome for each source that is not read at all.
func (s *Service) reach(ctx context.Context, runID uuid.UUID, cell Cell, ask Ask) (Ask, map[string]Outcome, error) {
	refused := map[string]Outcome{}
	refuse := func(sources []string, result Result, detail string) {
		for _, source := range sources {
			refused[source] = Outcome{Source: source, Result: result, Detail: detail}
		}
	}
	r, err := loadRun(ctx, s.db, runID)
	if err != nil {
		return ask, nil, err
	}
	foreign, err := workload.Foreign(ctx, s.db, r.WorkloadID)
	if err != nil {
		return ask, nil, err
	}
	if slices.Contains(foreign, cell.Account) {
		refuse(ask.Sources(), Denied, fmt.Sprintf("Account %s belongs to another team, which has not allowed this workload to read it. A lead of that team allows it on the page of the connection.", cell.Account))
		return ask.only(nil), refused, nil
	}
	c, found, err := connectionOf(ctx, s.db, cell.Account)
	if err != nil || !found {
		return ask, refused, err
	}
	if !c.reads(cell.Region) {
		refuse(ask.Sources(), Off, fmt.Sprintf("The connection to account %s leaves out %s.", cell.Account, cell.Region))
		return ask.only(nil), refused, nil
	}
	on := slices.DeleteFunc(ask.Sources(), func(source string) bool { return slices.Contains(c.SourcesOff, source) })
	off := slices.DeleteFunc(ask.Sources(), func(source string) bool { return !slices.Contains(c.SourcesOff, source) })
	refuse(off, Off, fmt.Sprintf("The connection to account %s leaves this source out.", cell.Account))
	ask = ask.only(on)
	ask.Access = c.access()
	ask.Hub, err = s.hubFor(ctx, cell.Account)
	return ask, refused, err
}

// PermissionState is what a test of a connection found out about a call.
type PermissionState string

// The states of a permission.
const (
	Granted    PermissionState = "granted"
	NotGranted PermissionState = "denied"
	NotKnown   PermissionState = "unknown"
	NotTried   PermissionState = "untried" // a test leaves it out, for it is more than a reading
)

const testDuration = 40 * time.Second // of a test of a connection

// Permission is what a test found out about one call that collections make.
type Permission struct {
	Action   string // as IAM writes it
	State    PermissionState
	Sentence string // one whole sentence
}

// Prober tries the calls that collections make in a cell, each once and without reading
// anything on. It answers in a fixed order, and always.
type Prober interface {
	Probe(ctx context.Context, cell Cell, access Access, hub bool) []Permission
	Actions(hub bool) []string // what it tries, beside taking the role; more in the account of a hub
}

// TestWith gives the service what tests connections.
func (s *Service) TestWith(p Prober) { s.prober = p }

// TestConnection tries the calls that collections need in one Region, and stores nothing.
// Admins may. Invalid on "region"; a conflict when the connection was removed, or when
// nothing here reaches AWS.
func (s *Service) TestConnection(ctx context.Context, who identity.Actor, id uuid.UUID, region string) ([]Permission, error) {
	if err := who.May(identity.ManageConnections, identity.Target{}); err != nil {
		return nil, fmt.Errorf("test connection: %w", err)
	}
	c, err := loadConnection(ctx, s.db, id, "")
	switch {
	case err != nil:
	case c.RemovedAt != nil:
		err = fault.New(fault.Conflict, "This connection was removed.")
	case !regionForm.MatchString(region):
		err = fault.InvalidField("region", "Name a Region like eu-west-1.")
	case s.prober == nil:
		err = fault.New(fault.Conflict, "This installation cannot reach AWS, so nothing can be tested.")
	}
	if err != nil {
		return nil, fmt.Errorf("test connection: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, testDuration)
	defer cancel()
	return s.prober.Probe(ctx, Cell{c.Account, region}, c.access(), c.Hub), nil
}

// Actions lists the IAM actions that collections need in an account, or in the hub; none
// when AWS cannot be reached.
func (s *Service) Actions(hub bool) []string {
	if s.prober == nil {
		return nil
	}
	return s.prober.Actions(hub)
}
