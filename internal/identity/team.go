package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
)

// Team owns workloads. Its key never changes.
type Team struct {
	ID        uuid.UUID
	Key       string
	Name      string
	CreatedAt time.Time
	People    int          // active ones
	Members   []TeamMember `db:"-"` // leads first, then by name; only from Team
}

// TeamMember is a person in a team.
type TeamMember struct {
	PersonID uuid.UUID
	Name     string
	Email    string
	Role     TeamRole
	Active   bool // not deactivated
}

func teamAct(verb string, id uuid.UUID, details ...Detail) *Act {
	return &Act{Verb: verb, TargetKind: "team", TargetID: id.String(), Details: details}
}

// CreateTeam adds a team without people. Admins may. Invalid on "key" and "name", also when
// taken.
func (s *Service) CreateTeam(ctx context.Context, who Actor, key, name string) (Team, error) {
	var p problems
	t := Team{ID: uuid.Must(uuid.NewV7()), Key: p.key(key), Name: p.name(name)}
	err := s.act(ctx, who, func(tx pgx.Tx, now time.Time) (*Act, error) {
		if err := mayManage(who); err != nil {
			return nil, err
		}
		if err := p.err(); err != nil {
			return nil, err
		}
		t.CreatedAt = now
		return teamAct("team.created", t.ID, Detail{"key", t.Key}), insertTeam(ctx, tx, t)
	})
	if err != nil {
		return Team{}, fmt.Errorf("create team: %w", err)
	}
	return t, nil
}

// RenameTeam changes a team's name. Admins may. Invalid on "name", also when taken.
func (s *Service) RenameTeam(ctx context.Context, who Actor, id uuid.UUID, name string) error {
	var p problems
	name = p.name(name)
	err := s.act(ctx, who, func(tx pgx.Tx, _ time.Time) (*Act, error) {
		if err := mayManage(who); err != nil {
			return nil, err
		}
		if err := p.err(); err != nil {
			return nil, err
		}
		before, err := lockTeam(ctx, tx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, errNoTeam()
		}
		if err != nil || before == name {
			return nil, err
		}
		return teamAct("team.renamed", id), setTeamName(ctx, tx, id, name)
	})
	if err != nil {
		return fmt.Errorf("rename team: %w", err)
	}
	return nil
}

func errNoTeam() error { return fault.New(fault.NotFound, "There is no such team.") }

// Teams lists the teams by name, without members. Anyone signed in may read it.
func (s *Service) Teams(ctx context.Context, who Actor) ([]Team, error) {
	if err := signedIn(who); err != nil {
		return nil, err
	}
	list, err := listTeams(ctx, s.db)
	if err != nil {
		return nil, fmt.Errorf("list teams: %w", err)
	}
	return list, nil
}

// Team returns a team by its key, with members. Anyone signed in may read it.
func (s *Service) Team(ctx context.Context, who Actor, key string) (Team, error) {
	if err := signedIn(who); err != nil {
		return Team{}, err
	}
	t, err := teamByKey(ctx, s.db, key)
	if errors.Is(err, pgx.ErrNoRows) {
		return Team{}, errNoTeam()
	}
	if err == nil {
		t.Members, err = membersOf(ctx, s.db, t.ID)
	}
	if err != nil {
		return Team{}, fmt.Errorf("read team: %w", err)
	}
	return t, nil
}
