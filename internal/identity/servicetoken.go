package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/postgres"
)

// A service of a team is a pipeline or a ticket system. It has one token, the rights of a
// member within the token's scopes, and no password; it is in no list of people, answers
// nothing and judges nothing. It outlives the person who made it.

// mayServe refuses all but leads of the team and admins, in person.
func mayServe(who Actor, team uuid.UUID) error {
	if err := inPerson(who); err != nil {
		return err
	}
	if !who.Leads(team) && !who.Is(Admin) {
		return fault.New(fault.Forbidden, "Only a lead of the team or an admin may make, see and revoke the tokens of its services.")
	}
	return nil
}

// CreateServiceToken makes a service of the team with its token; the secret is returned once.
// Leads of the team and admins may. Invalid on "name", "scopes" (of ServiceScopes) and
// "expires"; NotFound without such a team.
func (s *Service) CreateServiceToken(ctx context.Context, who Actor, team uuid.UUID, name string, scopes []string, expiresIn time.Duration) (Token, string, error) {
	if err := mayServe(who, team); err != nil {
		return Token{}, "", err
	}
	return s.createServiceToken(ctx, who, team, name, scopes, expiresIn)
}

// CreateServiceTokenFor is CreateServiceToken for the command line, by the key of the team.
func (s *Service) CreateServiceTokenFor(ctx context.Context, team, name string, scopes []string, expiresIn time.Duration) (Token, string, error) {
	t, err := s.Team(ctx, CommandLine, team)
	if err != nil {
		return Token{}, "", err
	}
	return s.createServiceToken(ctx, CommandLine, t.ID, name, scopes, expiresIn)
}

func (s *Service) createServiceToken(ctx context.Context, who Actor, team uuid.UUID, name string, scopes []string, expiresIn time.Duration) (Token, string, error) {
	var p problems
	t := Token{ID: uuid.Must(uuid.NewV7()), Name: p.name(name), Scopes: p.scopes(scopes, ServiceScopes())}
	if expiresIn < time.Minute || expiresIn > MaxTokenLife {
		p.add("expires", "Choose an end within 366 days from now.")
	}
	if err := p.err(); err != nil {
		return Token{}, "", err
	}
	secret := newToken(servicePrefix)
	t.Hint = secret[len(secret)-tokenHint:]
	err := s.act(ctx, who, func(tx pgx.Tx, now time.Time) (*Act, error) {
		if _, err := lockTeam(ctx, tx, team); errors.Is(err, pgx.ErrNoRows) {
			return nil, errNoTeam()
		} else if err != nil {
			return nil, err
		}
		id := uuid.Must(uuid.NewV7())
		if err := insertService(ctx, tx, id, team, t.Name, now); err != nil {
			return nil, err
		}
		t.CreatedAt, t.ExpiresAt = now, now.Add(expiresIn)
		act := tokenAct("token.created", t.ID, Detail{"service", id.String()}, Detail{"team", team.String()}, scopesDetail(t.Scopes), Detail{"expires", t.ExpiresAt.Format(time.RFC3339)})
		return act, insertToken(ctx, tx, id, digest(secret), t)
	})
	if err != nil {
		return Token{}, "", fmt.Errorf("create service token: %w", err)
	}
	return t, secret, nil
}

// ServiceTokens lists the tokens of the team's services, newest first, also those revoked or
// expired. Leads of the team and admins may.
func (s *Service) ServiceTokens(ctx context.Context, who Actor, team uuid.UUID) ([]Token, error) {
	if err := mayServe(who, team); err != nil {
		return nil, err
	}
	list, err := serviceTokens(ctx, s.db, team)
	if err != nil {
		return nil, fmt.Errorf("list service tokens: %w", err)
	}
	return list, nil
}

// RevokeServiceToken ends a token of a service of the team; one revoked before stays as it is.
// Leads of the team and admins may. NotFound for any other.
func (s *Service) RevokeServiceToken(ctx context.Context, who Actor, team, id uuid.UUID) error {
	if err := mayServe(who, team); err != nil {
		return err
	}
	err := s.act(ctx, who, func(tx pgx.Tx, now time.Time) (*Act, error) {
		revoked, err := lockServiceToken(ctx, tx, team, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, fault.New(fault.NotFound, "There is no such token.")
		}
		if err != nil || revoked {
			return nil, err
		}
		return tokenAct("token.revoked", id), revokeToken(ctx, tx, id, now)
	})
	if err != nil {
		return fmt.Errorf("revoke service token: %w", err)
	}
	return nil
}

// insertService writes a service. The address is one that no mail ever reaches (RFC 2606).
func insertService(ctx context.Context, tx pgx.Tx, id, team uuid.UUID, name string, now time.Time) error {
	const sql = `insert into people (id, email, name, service_team, created_at) values ($1, $2, $3, $4, $5)`
	return run(ctx, tx, sql, id, id.String()+"@service.invalid", name, team, now)
}

func serviceTokens(ctx context.Context, q postgres.Querier, team uuid.UUID) ([]Token, error) {
	const sql = `
		select t.id, t.name, t.hint, t.scopes, t.created_at, t.expires_at, t.last_used_at, t.revoked_at
		from tokens t join people p on p.id = t.person_id
		where p.service_team = $1 order by t.created_at desc, t.id desc`
	rows, err := q.Query(ctx, sql, team)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Token])
}

func lockServiceToken(ctx context.Context, tx pgx.Tx, team, id uuid.UUID) (revoked bool, err error) {
	const sql = `
		select t.revoked_at is not null from tokens t join people p on p.id = t.person_id
		where p.service_team = $1 and t.id = $2 for update of t`
	err = tx.QueryRow(ctx, sql, team, id).Scan(&revoked)
	return revoked, err
}
