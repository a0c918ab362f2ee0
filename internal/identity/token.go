package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
)

// MaxTokenLife bounds an API token.
const MaxTokenLife = 366 * 24 * time.Hour

// Token is an API token without its secret.
type Token struct {
	ID         uuid.UUID
	Name       string
	Hint       string // the last characters of the secret
	Scopes     []string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt *time.Time // up to 5 minutes behind
	RevokedAt  *time.Time
}

func tokenAct(verb string, id uuid.UUID, details ...Detail) *Act {
	return &Act{Verb: verb, TargetKind: "token", TargetID: id.String(), Details: details}
}

func scopesDetail(scopes []string) Detail { return Detail{"scopes", strings.Join(scopes, " ")} }

// CreateToken makes an API token of who; the secret is returned once. Invalid on "name",
// "scopes" (one or more of Scopes) and "expires" (up to 366 days). A token makes no tokens.
func (s *Service) CreateToken(ctx context.Context, who Actor, name string, scopes []string, expiresIn time.Duration) (Token, string, error) {
	if err := inPerson(who); err != nil {
		return Token{}, "", err
	}
	return s.createToken(ctx, who, name, scopes, expiresIn, func(tx pgx.Tx) (credentials, error) {
		return lockPerson(ctx, tx, who.PersonID)
	})
}

// CreateTokenFor makes a token of the person with the address, for the command line.
// NotFound when there is none, Conflict when they are deactivated.
func (s *Service) CreateTokenFor(ctx context.Context, email, name string, scopes []string, expiresIn time.Duration) (Token, string, error) {
	return s.createToken(ctx, CommandLine, name, scopes, expiresIn, func(tx pgx.Tx) (credentials, error) {
		return personByEmail(ctx, tx, email)
	})
}

func (s *Service) createToken(ctx context.Context, who Actor, name string, scopes []string, expiresIn time.Duration, owner func(pgx.Tx) (credentials, error)) (Token, string, error) {
	var p problems
	t := Token{ID: uuid.Must(uuid.NewV7()), Name: p.name(name), Scopes: p.scopes(scopes, Scopes())}
	if expiresIn < time.Minute || expiresIn > MaxTokenLife {
		p.add("expires", "Choose an end within 366 days from now.")
	}
	if err := p.err(); err != nil {
		return Token{}, "", err
	}
	secret := newToken(tokenPrefix)
	t.Hint = secret[len(secret)-tokenHint:]
	err := s.act(ctx, who, func(tx pgx.Tx, now time.Time) (*Act, error) {
		c, err := owner(tx)
		if err != nil {
			return nil, err
		}
		if c.DeactivatedAt != nil {
			return nil, fault.New(fault.Conflict, "%s is deactivated.", c.Name)
		}
		t.CreatedAt, t.ExpiresAt = now, now.Add(expiresIn)
		return tokenAct("token.created", t.ID, Detail{"person", c.ID.String()}, scopesDetail(t.Scopes),
			Detail{"expires", t.ExpiresAt.Format(time.RFC3339)}), insertToken(ctx, tx, c.ID, digest(secret), t)
	})
	if err != nil {
		return Token{}, "", fmt.Errorf("create token: %w", err)
	}
	return t, secret, nil
}

// ActorByToken returns whose token it is, with TokenID and Scopes set, in one statement; a
// second one writes "last used" when that is five minutes old. Unauthenticated when it is
// malformed (found without asking the database), unknown, expired or revoked, or its person
// deactivated.
func (s *Service) ActorByToken(ctx context.Context, secret string) (Actor, error) {
	if !wellFormedToken(secret) {
		return Actor{}, errToken()
	}
	now := s.clock()
	a, used, err := actorByToken(ctx, s.db, digest(secret), now)
	if errors.Is(err, pgx.ErrNoRows) {
		return Actor{}, errToken()
	}
	if err != nil {
		return Actor{}, fmt.Errorf("load token: %w", err)
	}
	if used == nil || now.Sub(*used) >= seenEvery {
		if err := touchToken(ctx, s.db, a.TokenID, now); err != nil {
			return Actor{}, fmt.Errorf("write last used: %w", err)
		}
	}
	return a, nil
}

func errToken() error {
	return fault.New(fault.Unauthenticated, "This API token is not valid: it is mistyped, expired or revoked.")
}

// Tokens lists the tokens of who, newest first, also those revoked or expired.
func (s *Service) Tokens(ctx context.Context, who Actor) ([]Token, error) {
	if err := inPerson(who); err != nil {
		return nil, err
	}
	list, err := tokensOf(ctx, s.db, who.PersonID)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return list, nil
}

// RevokeToken ends a token of who; one revoked before stays as it is. NotFound for any other.
func (s *Service) RevokeToken(ctx context.Context, who Actor, id uuid.UUID) error {
	if err := inPerson(who); err != nil {
		return err
	}
	err := s.act(ctx, who, func(tx pgx.Tx, now time.Time) (*Act, error) {
		revoked, err := lockToken(ctx, tx, who.PersonID, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, fault.New(fault.NotFound, "There is no such token.")
		}
		if err != nil || revoked {
			return nil, err
		}
		return tokenAct("token.revoked", id), revokeToken(ctx, tx, id, now)
	})
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}
