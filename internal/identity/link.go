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

// How long a link works.
const (
	adminLinkLife  = 24 * time.Hour
	inviteLinkLife = 7 * 24 * time.Hour
	resetLinkLife  = time.Hour // for a person who has a password: they wait for it
)

// Purpose is what a link is for.
type Purpose string

// The purposes of links.
const (
	FirstAdmin  Purpose = "first_admin"  // make a new person who is admin
	SetPassword Purpose = "set_password" // set one's password, the first or a new one
)

// Link is a new link: its secret is shown once and stored only as a hash.
type Link struct {
	Secret    string
	ExpiresAt time.Time
}

// LinkInfo is what the form behind a link shows.
type LinkInfo struct {
	Purpose   Purpose
	Name      string // of the person; empty for FirstAdmin
	Email     string
	ExpiresAt time.Time
}

// storedLink is a link that still works. The person is nobody for FirstAdmin.
type storedLink struct {
	Purpose   Purpose
	ExpiresAt time.Time
	Person    credentials
}

func errLink() error {
	return fault.New(fault.NotFound, "This link was used already or has expired. Ask an admin for a new one.")
}

// MakeAdminLink makes a link that makes one admin: the first, or another when all others are
// lost. For the command line; it works once, within 24 hours.
func (s *Service) MakeAdminLink(ctx context.Context) (Link, error) {
	var link Link
	err := s.act(ctx, CommandLine, func(tx pgx.Tx, now time.Time) (l *Act, err error) {
		link, err = putLink(ctx, tx, FirstAdmin, uuid.Nil, CommandLine, now, adminLinkLife)
		return &Act{Verb: "admin_link.made", TargetKind: "organisation", TargetID: "organisation"}, err
	})
	if err != nil {
		return Link{}, fmt.Errorf("make a link for an admin: %w", err)
	}
	return link, nil
}

// NewLink makes a link with which a person sets a password: for an invitation that expired
// (7 days) or a password that was lost (1 hour). Links made for them before stop working;
// their sessions last until the link is used. Admins may, but not for themselves: they
// change their password. Conflict when the person is deactivated.
func (s *Service) NewLink(ctx context.Context, who Actor, person uuid.UUID) (Link, error) {
	var link Link
	err := s.act(ctx, who, func(tx pgx.Tx, now time.Time) (*Act, error) {
		if err := mayManage(who); err != nil {
			return nil, err
		}
		if who.PersonID == person {
			return nil, fault.New(fault.Forbidden, "Nobody makes a link for themselves. Change your password instead.")
		}
		c, err := lockPerson(ctx, tx, person)
		if err != nil {
			return nil, err
		}
		link, err = relink(ctx, tx, c, who, now)
		return personAct("link.made", person), err
	})
	if err != nil {
		return Link{}, fmt.Errorf("make a link: %w", err)
	}
	return link, nil
}

// MakeLinkFor is NewLink for the command line, by e-mail address: the way back for the only
// admin, who lost the password.
func (s *Service) MakeLinkFor(ctx context.Context, email string) (Link, error) {
	var link Link
	err := s.act(ctx, CommandLine, func(tx pgx.Tx, now time.Time) (*Act, error) {
		c, err := personByEmail(ctx, tx, email)
		if err != nil {
			return nil, err
		}
		link, err = relink(ctx, tx, c, CommandLine, now)
		return personAct("link.made", c.ID), err
	})
	if err != nil {
		return Link{}, fmt.Errorf("make a link: %w", err)
	}
	return link, nil
}

func relink(ctx context.Context, tx pgx.Tx, c credentials, who Actor, now time.Time) (Link, error) {
	if c.DeactivatedAt != nil {
		return Link{}, fault.New(fault.Conflict, "%s is deactivated. Reactivate them first.", c.Name)
	}
	if err := voidLinks(ctx, tx, c.ID, now); err != nil {
		return Link{}, err
	}
	life := inviteLinkLife
	if c.PasswordHash != nil {
		life = resetLinkLife
	}
	return putLink(ctx, tx, SetPassword, c.ID, who, now, life)
}

// putLink inserts a link and returns its secret.
func putLink(ctx context.Context, tx pgx.Tx, purpose Purpose, person uuid.UUID, by Actor, now time.Time, life time.Duration) (Link, error) {
	link := Link{Secret: newSecret(), ExpiresAt: now.Add(life)}
	return link, insertLink(ctx, tx, digest(link.Secret), purpose, person, by.PersonID, now, link.ExpiresAt)
}

// LinkStatus says what the link is for, without using it. NotFound when it is unknown, used,
// replaced or expired, or its person is deactivated.
func (s *Service) LinkStatus(ctx context.Context, secret string) (LinkInfo, error) {
	l, err := s.readLink(ctx, secret)
	if err != nil {
		return LinkInfo{}, err
	}
	return LinkInfo{Purpose: l.Purpose, Name: l.Person.Name, Email: l.Person.Email, ExpiresAt: l.ExpiresAt}, nil
}

func (s *Service) readLink(ctx context.Context, secret string) (storedLink, error) {
	l, err := linkByHash(ctx, s.db, digest(secret), s.clock())
	if errors.Is(err, pgx.ErrNoRows) {
		return storedLink{}, errLink()
	}
	if err != nil {
		return storedLink{}, fmt.Errorf("read link: %w", err)
	}
	return l, nil
}

// AcceptLink sets the password of the link's person, ends all their sessions, and signs them
// in. The link works once: of many at once, one succeeds. NotFound as for LinkStatus;
// Invalid on "password".
func (s *Service) AcceptLink(ctx context.Context, secret, password string, from Client) (session string, err error) {
	l, err := s.readLink(ctx, secret)
	if err != nil {
		return "", err
	}
	if l.Purpose != SetPassword {
		return "", errLink()
	}
	var p problems
	password = p.password(password, l.Person.Email, l.Person.Name)
	if err := p.err(); err != nil {
		return "", err
	}
	hashed, err := s.newHash(ctx, password)
	if err != nil {
		return "", err
	}
	err = s.act(ctx, l.Person.actor(from.RequestID), func(tx pgx.Tx, now time.Time) (*Act, error) {
		c, err := lockPerson(ctx, tx, l.Person.ID)
		if err != nil {
			return nil, err
		}
		if c.DeactivatedAt != nil {
			return nil, errLink()
		}
		if err := useLink(ctx, tx, digest(secret), SetPassword, now); err != nil {
			return nil, err
		}
		session, err = resetPassword(ctx, tx, c, hashed, from, now)
		return personAct("link.accepted", c.ID), err
	})
	if err != nil {
		return "", fmt.Errorf("accept link: %w", err)
	}
	return session, nil
}

// AcceptAdminLink makes a new person who is admin, with a password, and signs them in. The first
// one ends every other such link that was made until then: one stands in the log for each start.
// NotFound as for LinkStatus; Invalid on "name", "email" (also when it is taken: somebody
// who is here already gets a link of their own) and "password".
func (s *Service) AcceptAdminLink(ctx context.Context, secret, name, email, password string, from Client) (Person, string, error) {
	l, err := s.readLink(ctx, secret)
	if err != nil {
		return Person{}, "", err
	}
	if l.Purpose != FirstAdmin {
		return Person{}, "", errLink()
	}
	var p problems
	name, email = p.name(name), p.email(email)
	password = p.password(password, email, name)
	if err := p.err(); err != nil {
		return Person{}, "", err
	}
	hashed, err := s.newHash(ctx, password)
	if err != nil {
		return Person{}, "", err
	}
	c := credentials{ID: uuid.Must(uuid.NewV7()), Name: name, Email: email, PasswordHash: &hashed}
	var session string
	err = s.act(ctx, c.actor(from.RequestID), func(tx pgx.Tx, now time.Time) (*Act, error) {
		if err := lockAdminLinks(ctx, tx); err != nil {
			return nil, err
		}
		if err := useLink(ctx, tx, digest(secret), FirstAdmin, now); err != nil {
			return nil, err
		}
		if has, err := HasAdmin(ctx, tx); err != nil || !has {
			if err = errors.Join(err, voidAdminLinks(ctx, tx, now)); err != nil {
				return nil, err
			}
		}
		if err := insertPerson(ctx, tx, c, now); err != nil {
			return nil, err
		}
		if err := addRole(ctx, tx, c.ID, Admin, uuid.Nil, now); err != nil {
			return nil, err
		}
		session, err = startSession(ctx, tx, c.ID, from, now)
		return personAct("admin_link.accepted", c.ID, Detail{"roles", string(Admin)}), err
	})
	if err != nil {
		return Person{}, "", fmt.Errorf("accept link: %w", err)
	}
	made, err := s.Person(ctx, c.actor(from.RequestID), c.ID)
	return made, session, err
}
