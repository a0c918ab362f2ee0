package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
)

// Failed attempts are counted in this window, by e-mail address and by network address.
const (
	attemptWindow   = 15 * time.Minute
	attemptsByEmail = 10
	attemptsByIP    = 50
)

// credentials are what a password is checked against; the zero value is nobody.
type credentials struct {
	ID            uuid.UUID
	Name          string
	Email         string
	PasswordHash  *string
	DeactivatedAt *time.Time
}

func (c credentials) actor(requestID string) Actor {
	return Actor{PersonID: c.ID, Name: c.Name, Email: c.Email, RequestID: requestID}
}

func errSignIn() error {
	return fault.New(fault.Unauthenticated, "The e-mail address or the password is not right.")
}

// SignIn checks the password and starts a session, always a new one; the secret returned
// belongs in the cookie and is stored nowhere.
//
// Invalid when a field is empty. Unauthenticated, with the same words after the same work,
// for a wrong password, an unknown address, a person who never set a password and one who
// was deactivated. TooMany after 10 failures in 15 minutes for an address or 50 from one
// network address (an IPv6 /64): then the password is not even looked at. Failures from
// elsewhere do not count against an address where the person is signed in already, so that a
// stranger cannot lock them out. Unavailable when too many sign in at once.
func (s *Service) SignIn(ctx context.Context, email, password string, from Client) (secret string, err error) {
	var p problems
	if strings.TrimSpace(email) == "" {
		p.add("email", "Enter your e-mail address.")
	}
	if password == "" {
		p.add("password", "Enter your password.")
	}
	if err := p.err(); err != nil {
		return "", err
	}
	address, message := canonicalEmail(email)
	if message != "" {
		address = "" // nobody has it; the work is the same
	}
	c, err := credentialsByEmail(ctx, s.db, address)
	if err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	fits, newer, err := s.checkPassword(ctx, c, strings.ToLower(strings.TrimSpace(email)), password, from)
	if err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	if !fits || c.DeactivatedAt != nil {
		return "", errSignIn()
	}
	err = s.act(ctx, c.actor(from.RequestID), func(tx pgx.Tx, now time.Time) (*Act, error) {
		// Locked and compared again: it may have changed while the hash was worked on.
		if err := lockCredentials(ctx, tx, c); err != nil {
			return nil, err
		}
		if newer != "" {
			if err := setPasswordHash(ctx, tx, c.ID, newer); err != nil {
				return nil, err
			}
		}
		if err := clearAttempts(ctx, tx, attemptKey(c.Email)); err != nil {
			return nil, err
		}
		secret, err = startSession(ctx, tx, c.ID, from, now)
		return personAct("session.started", c.ID), err
	})
	if err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	return secret, nil
}

// checkPassword counts the attempt under the address typed, then compares. An attempt that
// is being worked on counts as failed until it is known to fit, so that many at once get no
// further than one after the other. newer is the hash to store instead when the stored one
// was made at another cost.
func (s *Service) checkPassword(ctx context.Context, c credentials, typed, password string, from Client) (fits bool, newer string, err error) {
	release, err := s.slot(ctx)
	if err != nil {
		return false, "", err
	}
	defer release()
	if err := s.countAttempt(ctx, c.ID, attemptKey(typed), from.IP); err != nil {
		return false, "", err
	}
	stored := emptyHash()
	if c.PasswordHash != nil {
		if stored, err = parseHash(*c.PasswordHash); err != nil {
			return false, "", fmt.Errorf("password of %s: %w", c.ID, err)
		}
	}
	if fits = stored.fits(password); fits && stored.outdated() {
		newer = hash(password)
	}
	return fits, newer, nil
}

// countAttempt adds one failed attempt, or refuses with TooMany. Attempts for one address
// wait for each other, so the count is exact; refused ones are not counted, so that waiting
// always helps.
func (s *Service) countAttempt(ctx context.Context, person uuid.UUID, email []byte, ip string) error {
	now, network := s.clock(), network(ip)
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := lockAttempts(ctx, tx, email, network); err != nil {
			return err
		}
		if err := dropAttempts(ctx, tx, now.Add(-attemptWindow)); err != nil {
			return err
		}
		known, err := hasSessionFrom(ctx, tx, person, shown(ip, 64), now)
		if err != nil {
			return err
		}
		byEmail, byIP, err := countAttempts(ctx, tx, email, network, known, now.Add(-attemptWindow))
		if err != nil {
			return err
		}
		if byEmail >= attemptsByEmail || byIP >= attemptsByIP {
			return fault.New(fault.TooMany, "There were too many failed attempts. Wait 15 minutes, then try again.")
		}
		return addAttempt(ctx, tx, email, network, now)
	})
}

// attemptKey is what is stored of the address typed, which may not be an address at all.
func attemptKey(email string) []byte { return digest("orrery.attempt\n" + email) }

// network is what one asker is taken to hold: an IPv4 address, or an IPv6 /64.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a.String()
	}
	return netip.PrefixFrom(a, 64).Masked().String()
}

// lockCredentials locks the person; Unauthenticated when they were deactivated or their
// password was changed since c was read.
func lockCredentials(ctx context.Context, tx pgx.Tx, c credentials) error {
	same, err := lockIfSame(ctx, tx, c)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !same {
		return errSignIn()
	}
	return err
}

// ChangePassword sets a new password for who, who knows the current one, ends all their
// sessions and starts a new one, whose secret is returned.
//
// Invalid on "current" when that is wrong, on "password" when the new one is too weak;
// Forbidden for tokens; TooMany as for SignIn.
func (s *Service) ChangePassword(ctx context.Context, who Actor, current, next string, from Client) (secret string, err error) {
	if err := inPerson(who); err != nil {
		return "", err
	}
	c, err := credentialsByID(ctx, s.db, who.PersonID)
	if err != nil {
		return "", fmt.Errorf("change password: %w", err)
	}
	var p problems
	next = p.password(next, c.Email, c.Name)
	if current == "" {
		p.add("current", "Enter your current password.")
	}
	if err := p.err(); err != nil {
		return "", err
	}
	fits, _, err := s.checkPassword(ctx, c, c.Email, current, from)
	if err != nil {
		return "", fmt.Errorf("change password: %w", err)
	}
	if !fits {
		return "", fault.InvalidField("current", "This is not your current password.")
	}
	hashed, err := s.newHash(ctx, next)
	if err != nil {
		return "", err
	}
	err = s.act(ctx, who, func(tx pgx.Tx, now time.Time) (*Act, error) {
		if err := lockCredentials(ctx, tx, c); err != nil {
			return nil, err
		}
		secret, err = resetPassword(ctx, tx, c, hashed, from, now)
		return personAct("password.changed", c.ID), err
	})
	if err != nil {
		return "", fmt.Errorf("change password: %w", err)
	}
	return secret, nil
}

// resetPassword stores the hash, forgets failed attempts, ends every session and unused link
// of the person, and starts a new session.
func resetPassword(ctx context.Context, tx pgx.Tx, c credentials, hashed string, from Client, now time.Time) (string, error) {
	if err := setPasswordHash(ctx, tx, c.ID, hashed); err != nil {
		return "", err
	}
	if err := clearAttempts(ctx, tx, attemptKey(c.Email)); err != nil {
		return "", err
	}
	if err := endSessions(ctx, tx, c.ID); err != nil {
		return "", err
	}
	if err := voidLinks(ctx, tx, c.ID, now); err != nil {
		return "", err
	}
	return startSession(ctx, tx, c.ID, from, now)
}
