package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/postgres"
)

// Organisation returns the organisation's name and whether the installation holds sample
// data; an empty name before it is set. Every page reads it, so it does not authorise.
func Organisation(ctx context.Context, q postgres.Querier) (name string, sample bool, err error) {
	name, sample, err = readOrganisation(ctx, q)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read organisation: %w", err)
	}
	return name, sample, nil
}

// SetOrganisation names the organisation and says whether the installation holds sample
// data. Admins may, and the program itself at its first start. Invalid on "name".
func (s *Service) SetOrganisation(ctx context.Context, who Actor, name string, sample bool) error {
	var p problems
	name = p.name(name)
	err := s.act(ctx, who, func(tx pgx.Tx, _ time.Time) (*Act, error) {
		if err := mayManage(who); err != nil && who.System != CommandLine.System {
			return nil, err
		}
		if err := p.err(); err != nil {
			return nil, err
		}
		changed, err := putOrganisation(ctx, tx, name, sample)
		if err != nil || !changed {
			return nil, err
		}
		return &Act{Verb: "organisation.set", TargetKind: "organisation", TargetID: "organisation"}, nil
	})
	if err != nil {
		return fmt.Errorf("set organisation: %w", err)
	}
	return nil
}
