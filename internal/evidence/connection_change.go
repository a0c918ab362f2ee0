package evidence

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/workload"
)

// ChangeConnection changes a connection in place, as it was seen at the version: its name,
// owning team, how it is reached, Regions, sources, and whether it is the hub. The account
// stays, and so does the external id while a role is taken. Admins may. Invalid with a
// message per field; a conflict when it was removed or the version is stale.
func (s *Service) ChangeConnection(ctx context.Context, who identity.Actor, id uuid.UUID, version int, in ConnectionInput) (Connection, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := who.May(identity.ManageConnections, identity.Target{}); err != nil {
			return err
		}
		before, err := loadConnection(ctx, tx, id, " for update of c")
		switch {
		case err != nil:
			return err
		case before.RemovedAt != nil:
			return fault.New(fault.Conflict, "This connection was removed.")
		case before.Version != version:
			return fault.New(fault.Conflict, "Somebody changed this connection since you opened it. Your input is still here.")
		}
		in.Account = before.Account
		c, err := in.check()
		if err != nil {
			return err
		}
		c.ID = id
		if c.Mode == TakeRole {
			if c.ExternalID = before.ExternalID; c.ExternalID == "" {
				c.ExternalID = rand.Text()
			}
		}
		c.TeamID = before.TeamID
		if c.TeamKey != before.TeamKey {
			if c.TeamID, err = workload.SetAccountTeam(ctx, tx, c.Account, c.TeamKey, now); err != nil {
				return err
			}
		}
		if err := updateConnection(ctx, tx, c); err != nil {
			return err
		}
		return recordConnection(ctx, tx, who, "connection.changed", c, now)
	})
	if err != nil {
		return Connection{}, fmt.Errorf("change connection: %w", err)
	}
	return s.Connection(ctx, who, id)
}
