package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"orrery/internal/audit"
	"orrery/internal/identity"
)

// adminCmd groups what helps an admin in.
type adminCmd struct {
	Link adminLinkCmd `cmd:"" help:"Make a one-time link: for a new admin, or for somebody who lost the password."`
}

type adminLinkCmd struct {
	Email string `help:"Make a link with which this person sets a new password, instead of a new admin."`
}

// with opens the database and services for one act; suffix is empty for the installation.
func (s *session) with(act func(*database, *services) error) (err error) {
	db, err := s.openDatabase(s.ctx, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	all, err := newServices(db.pool, s.config.publicURL())
	if err != nil {
		return err
	}
	return act(db, all)
}

// Run prints a one-time link.
func (c adminLinkCmd) Run(s *session) error {
	return s.with(func(_ *database, all *services) error {
		words := "This link makes one admin"
		if c.Email != "" {
			words = "With this link " + c.Email + " sets a new password"
		}
		var link identity.Link
		var err error
		if c.Email != "" {
			link, err = all.identity.MakeLinkFor(s.ctx, c.Email)
		} else {
			link, err = all.identity.MakeAdminLink(s.ctx)
		}
		if err != nil {
			return err
		}
		s.say("%s. It works once, until %s:", words, link.ExpiresAt.Format("2 January 2006, 15:04 MST"))
		s.say("%s", linkURL(s.config, link))
		return nil
	})
}

// tokenCmd groups the tokens for the API.
type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token for the API; it is shown once."`
}

type tokenCreateCmd struct {
	Email  string   `help:"The person the token acts as."`
	Team   string   `help:"Key of a team: the token is of a service of it instead, such as a pipeline."`
	Name   string   `default:"command line" help:"What it is for."`
	Days   int      `default:"90" help:"How many days it works, at most 366."`
	Scopes []string `name:"scope" default:"reviews:read" help:"What it may do; may be repeated. See docs/api.md."`
}

// Validate is called by kong after parsing.
func (c *tokenCreateCmd) Validate() error {
	if (c.Email == "") == (c.Team == "") {
		return errors.New("name one of --email and --team")
	}
	return nil
}

// Run prints a new token, alone on the last line.
func (c tokenCreateCmd) Run(s *session) error {
	return s.with(func(_ *database, all *services) error {
		life := time.Duration(c.Days) * 24 * time.Hour
		create, owner := all.identity.CreateTokenFor, c.Email
		if c.Team != "" {
			create, owner = all.identity.CreateServiceTokenFor, "a service of "+c.Team
		}
		token, secret, err := create(s.ctx, cmp.Or(c.Team, c.Email), c.Name, c.Scopes, life)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(s.errOut, "A token for %s (%s), until %s. It is shown only now:\n", owner, strings.Join(token.Scopes, ", "), token.ExpiresAt.Format("2 January 2006"))
		s.say("%s", secret)
		return nil
	})
}

// auditCmd groups the audit record.
type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check the hash chains of the audit record; names the first broken row."`
}

type auditVerifyCmd struct{}

// errBroken ends the program with a failure after the broken row was named.
var errBroken = errors.New("the audit record is broken")

// Run walks every chain.
func (auditVerifyCmd) Run(s *session) error {
	return s.with(func(db *database, _ *services) error {
		report, broken, err := audit.Verify(s.ctx, db.pool)
		if err != nil {
			return err
		}
		if broken != nil {
			s.say("Broken: stream %s, record %d: %s", broken.Stream, broken.Seq, broken.Why)
			return errBroken
		}
		s.say("Fine: %d records in %d streams.", report.Records, report.Streams)
		return nil
	})
}

type migrateCmd struct{}

// Run brings the schema up to date.
func (migrateCmd) Run(s *session) error {
	return s.with(func(*database, *services) error {
		s.say("The database is up to date.")
		return nil
	})
}
