package identity

import (
	"context"
	"fmt"

	"orrery/internal/postgres"
)

// HasAdmin reports whether somebody active is admin, so that the installation does not ask
// for a first one.
func HasAdmin(ctx context.Context, q postgres.Querier) (has bool, err error) {
	err = q.QueryRow(ctx, `
		select exists (select from org_roles r join people p on p.id = r.person_id where r.role = 'admin' and p.deactivated_at is null)`).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look for an admin: %w", err)
	}
	return has, nil
}
