package identity_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

// stage is a world in which every act of the table below would change something.
type stage struct {
	*world
	team            identity.Team
	bob             identity.Actor // a lead with a grant, a session and a token
	bobs            string         // Bob's session
	grant           uuid.UUID
	gone            uuid.UUID // a person who is deactivated
	token           identity.Token
	invite, admin   string // secrets of links
	session         string // the id of a session of Ada
	adaToken        identity.Token
	adaTokenRequest identity.Actor // Ada by that token, as if it might write
}

func newStage(t *testing.T) *stage {
	w := newWorld(t)
	s := &stage{world: w, team: w.team("payments")}
	s.bob, s.bobs = w.join("Bob", identity.InviteInput{
		Teams:  []identity.Membership{{TeamID: s.team.ID, Role: identity.Lead}},
		Grants: []identity.GrantInput{{Kind: identity.Approver}},
		Roles:  []identity.OrgRole{identity.Curator, identity.Auditor},
	})
	s.grant = must(w.s.Person(w.ctx, w.ada, s.bob.PersonID))(t).Grants[0].ID
	gone, _ := w.invited("Gone", identity.InviteInput{})
	s.gone = gone.ID
	w.ok(w.s.Deactivate(w.ctx, w.ada, gone.ID))
	_, s.invite = w.invited("Ina", identity.InviteInput{})
	s.admin = must(w.s.MakeAdminLink(w.ctx))(t).Secret
	_, session, err := w.s.Actor(w.ctx, w.session)
	w.ok(err)
	s.session = session.ID
	s.token = s.newToken(s.bob)
	s.adaToken = s.newToken(w.ada)
	s.adaTokenRequest = w.ada
	s.adaTokenRequest.TokenID, s.adaTokenRequest.Scopes = s.adaToken.ID, []string{identity.ReadReviews, identity.WriteAnswers, identity.WriteItems}
	return s
}

func (s *stage) newToken(who identity.Actor) identity.Token {
	s.Helper()
	made, _, err := s.s.CreateToken(s.ctx, who, "ci", read, time.Hour)
	s.ok(err)
	return made
}

// adminActs are the acts of admins, on Bob mostly.
func (s *stage) adminActs() map[string]func(*identity.Service, identity.Actor) error {
	ctx, bob := s.ctx, s.bob.PersonID
	type act = func(*identity.Service, identity.Actor) error
	return map[string]act{
		"person.invited": func(x *identity.Service, who identity.Actor) error {
			_, _, err := x.Invite(ctx, who, identity.InviteInput{
				Name: "New", Email: "new@example.org", Roles: []identity.OrgRole{identity.Auditor},
				Teams: []identity.Membership{{TeamID: s.team.ID, Role: identity.Member}}, Grants: []identity.GrantInput{{Kind: identity.Facilitator}},
			})
			return err
		},
		"link.made": func(x *identity.Service, who identity.Actor) error { _, err := x.NewLink(ctx, who, bob); return err },
		"roles.set": func(x *identity.Service, who identity.Actor) error {
			return x.SetRoles(ctx, who, bob, []identity.OrgRole{identity.Admin})
		},
		"membership.set": func(x *identity.Service, who identity.Actor) error {
			return x.SetMembership(ctx, who, s.team.ID, bob, identity.Member)
		},
		"membership.removed": func(x *identity.Service, who identity.Actor) error {
			return x.RemoveMembership(ctx, who, s.team.ID, bob)
		},
		"grant.given": func(x *identity.Service, who identity.Actor) error {
			return x.Grant(ctx, who, bob, identity.GrantInput{Kind: identity.Facilitator})
		},
		"grant.revoked":      func(x *identity.Service, who identity.Actor) error { return x.RevokeGrant(ctx, who, s.grant) },
		"person.deactivated": func(x *identity.Service, who identity.Actor) error { return x.Deactivate(ctx, who, bob) },
		"person.reactivated": func(x *identity.Service, who identity.Actor) error { return x.Reactivate(ctx, who, s.gone) },
		"team.created": func(x *identity.Service, who identity.Actor) error {
			_, err := x.CreateTeam(ctx, who, "search", "Search")
			return err
		},
		"team.renamed":     func(x *identity.Service, who identity.Actor) error { return x.RenameTeam(ctx, who, s.team.ID, "Money") },
		"organisation.set": func(x *identity.Service, who identity.Actor) error { return x.SetOrganisation(ctx, who, "Acme", true) },
	}
}

// ownActs are the acts that people do to what is theirs; here Ada.
func (s *stage) ownActs() map[string]func(*identity.Service, identity.Actor) error {
	ctx := s.ctx
	return map[string]func(*identity.Service, identity.Actor) error{
		"person.renamed": func(x *identity.Service, who identity.Actor) error { return x.Rename(ctx, who, "Another") },
		"password.changed": func(x *identity.Service, who identity.Actor) error {
			_, err := x.ChangePassword(ctx, who, password, "another "+password, from(""))
			return err
		},
		"token.created": func(x *identity.Service, who identity.Actor) error {
			_, _, err := x.CreateToken(ctx, who, "new", read, time.Hour)
			return err
		},
		"token.revoked":  func(x *identity.Service, who identity.Actor) error { return x.RevokeToken(ctx, who, s.adaToken.ID) },
		"session.ended":  func(x *identity.Service, who identity.Actor) error { return x.EndSession(ctx, who, s.session) },
		"sessions.ended": func(x *identity.Service, who identity.Actor) error { return x.EndSessions(ctx, who, who.PersonID) },
	}
}

// openActs need no actor.
func (s *stage) openActs() map[string]func(*identity.Service) error {
	ctx := s.ctx
	return map[string]func(*identity.Service) error{
		"admin_link.made": func(x *identity.Service) error { _, err := x.MakeAdminLink(ctx); return err },
		"link.made":       func(x *identity.Service) error { _, err := x.MakeLinkFor(ctx, "bob@example.org"); return err },
		"link.accepted": func(x *identity.Service) error {
			_, err := x.AcceptLink(ctx, s.invite, password, from(""))
			return err
		},
		"admin_link.accepted": func(x *identity.Service) error {
			_, _, err := x.AcceptAdminLink(ctx, s.admin, "Eve", "eve@example.org", password, from(""))
			return err
		},
		"session.started": func(x *identity.Service) error {
			_, err := x.SignIn(ctx, "bob@example.org", password, from(""))
			return err
		},
		"session.ended": func(x *identity.Service) error { return x.SignOut(ctx, s.bobs) },
		"token.created": func(x *identity.Service) error {
			_, _, err := x.CreateTokenFor(ctx, "bob@example.org", "ci", read, time.Hour)
			return err
		},
	}
}

// Without its audit row no act happens, whichever it is.
func TestNoRecordNoAct(t *testing.T) {
	s := newStage(t)
	lost := errors.New("the record is lost")
	mute := identity.NewService(s.db, func(context.Context, pgx.Tx, identity.Actor, identity.Act) error { return lost }, s.clock.now)
	before := s.content()
	check := func(name string, err error) {
		t.Helper()
		if !errors.Is(err, lost) {
			t.Errorf("%s: %v", name, err)
		}
		if s.content() != before {
			t.Fatalf("%s was done without a record", name)
		}
	}
	for name, do := range s.adminActs() {
		check(name, do(mute, s.ada))
	}
	for name, do := range s.ownActs() {
		check(name, do(mute, s.ada))
	}
	for name, do := range s.openActs() {
		check(name, do(mute))
	}
}

// Each act leaves exactly one audit row, which names the act, the person and the request.
func TestOneActOneRecord(t *testing.T) {
	s := newStage(t)
	var want string
	count := s.acts()
	check := func(verb string, who identity.Actor, err error) {
		t.Helper()
		s.ok(err)
		if n := s.acts(); n != count+1 || s.lastVerb() != verb {
			t.Fatalf("%s left %d rows, the last %s", verb, n-count, s.lastVerb())
		}
		count++
		if who.PersonID != uuid.Nil {
			want = who.PersonID.String()
			if got := one[string](s.world, `select actor_id::text from audit_records order by seq desc limit 1`); got != want {
				t.Errorf("%s was done by %s, not %s", verb, got, want)
			}
		}
	}
	open := s.openActs()
	for _, verb := range slices.Sorted(maps.Keys(open)) { // before links are replaced
		check(verb, identity.Actor{}, open[verb](s.s))
	}
	admin := s.adminActs()
	for _, verb := range []string{"membership.set", "membership.removed", "grant.revoked", "grant.given", "roles.set", "link.made",
		"person.deactivated", "person.reactivated", "person.invited", "team.created", "team.renamed", "organisation.set"} {
		check(verb, s.ada, admin[verb](s.s, s.ada))
		delete(admin, verb)
	}
	own := s.ownActs()
	for _, verb := range []string{"person.renamed", "token.created", "token.revoked", "session.ended", "sessions.ended", "password.changed"} {
		check(verb, s.ada, own[verb](s.s, s.ada))
		delete(own, verb)
	}
	if len(admin)+len(own) > 0 {
		t.Errorf("not tried: %v %v", admin, own)
	}
	for _, secret := range []string{password, s.invite, s.admin, s.bobs, "@example.org", "argon2"} {
		if n := one[int64](s.world, `select count(*) from audit_records where position(convert_to($1, 'UTF8') in body) > 0`, secret); n != 0 {
			t.Errorf("%q stands in %d audit rows", secret, n)
		}
	}
	if report, broken, err := audit.Verify(s.ctx, s.db); err != nil || broken != nil || report.Records != int(count) {
		t.Errorf("verify: %+v %+v %v", report, broken, err)
	}
}

// Only admins in person do the acts of admins, and nobody else learns or changes a thing.
func TestOnlyAdminsManage(t *testing.T) {
	s := newStage(t)
	readToken := s.adaTokenRequest
	readToken.Scopes = read
	before := s.content()
	for role, c := range map[string]struct {
		who  identity.Actor
		kind fault.Kind
	}{
		"nobody":                           {identity.Actor{}, fault.Unauthenticated},
		"a part of the system":             {identity.SystemActor("scheduler"), fault.Unauthenticated},
		"lead, approver, curator, auditor": {s.bob, fault.Forbidden},
		"an admin's read token":            {readToken, fault.Forbidden},
		"an admin's token that may write":  {s.adaTokenRequest, fault.Forbidden},
	} {
		for verb, do := range s.adminActs() {
			t.Run(role+"/"+verb, func(t *testing.T) {
				refused(t, do(s.s, c.who), c.kind)
				if s.content() != before {
					t.Error("something changed")
				}
			})
		}
		if role[0] == 'l' {
			continue // a lead may do what is theirs
		}
		for verb, do := range s.ownActs() {
			t.Run(role+"/"+verb, func(t *testing.T) {
				refused(t, do(s.s, c.who), c.kind)
				if s.content() != before {
					t.Error("something changed")
				}
			})
		}
	}
}

// Reading people and teams takes a person who is signed in.
func TestReadingNeedsSomebody(t *testing.T) {
	s := newStage(t)
	reads := map[string]func(identity.Actor) error{
		"people": func(who identity.Actor) error {
			_, _, err := s.s.People(s.ctx, who, identity.PeopleFilter{})
			return err
		},
		"person": func(who identity.Actor) error { _, err := s.s.Person(s.ctx, who, s.bob.PersonID); return err },
		"teams":  func(who identity.Actor) error { _, err := s.s.Teams(s.ctx, who); return err },
		"team":   func(who identity.Actor) error { _, err := s.s.Team(s.ctx, who, "payments"); return err },
	}
	for name, do := range reads {
		refused(t, do(identity.Actor{}), fault.Unauthenticated)
		for _, who := range []identity.Actor{s.ada, s.bob, s.adaTokenRequest, identity.SystemActor("scheduler")} {
			if err := do(who); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	_, err := s.s.Sessions(s.ctx, identity.Actor{})
	refused(t, err, fault.Unauthenticated)
	_, err = s.s.Sessions(s.ctx, s.adaTokenRequest)
	refused(t, err, fault.Forbidden)
	_, err = s.s.Tokens(s.ctx, identity.Actor{})
	refused(t, err, fault.Unauthenticated)
}
