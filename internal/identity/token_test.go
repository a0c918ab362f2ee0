package identity_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
)

var read = []string{"read"}

func TestTokenLife(t *testing.T) {
	w := newWorld(t)
	team := w.team("payments")
	bob, _ := w.join("Bob", identity.InviteInput{
		Roles: []identity.OrgRole{identity.Admin}, Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}},
		Grants: []identity.GrantInput{{Kind: identity.Approver}},
	})
	made, secret, err := w.s.CreateToken(w.ctx, bob, " CI ", read, 30*24*time.Hour)
	w.ok(err)
	if !regexp.MustCompile(`^orr_pat_[0-9A-Za-z]{33}$`).MatchString(secret) || !strings.HasSuffix(secret, made.Hint) || made.Name != "CI" {
		t.Errorf("token %s: %+v", secret, made)
	}
	if n := one[int64](w, `select count(*) from tokens where hash = sha256($1) and not starts_with($2, hint)`, []byte(secret), secret); n != 1 {
		t.Error("the token is not stored as the SHA-256 of its secret")
	}
	a := must(w.s.ActorByToken(w.ctx, secret))(t)
	if a.PersonID != bob.PersonID || a.TokenID != made.ID || len(a.Scopes) != 1 || len(a.Roles) != 1 || len(a.Teams) != 1 || len(a.Grants) != 1 {
		t.Errorf("actor %+v", a)
	}
	if a.Approves(uuid.New()) || a.May(identity.EditWorkload, identity.Target{TeamID: team.ID}) == nil {
		t.Error("a read token decides or writes")
	}
	used := func() time.Time {
		t.Helper()
		list := must(w.s.Tokens(w.ctx, bob))(t)
		if len(list) != 1 || list[0].LastUsedAt == nil {
			t.Fatalf("tokens %+v", list)
		}
		return *list[0].LastUsedAt
	}
	first := used()
	w.clock.pass(5*time.Minute - time.Second)
	must(w.s.ActorByToken(w.ctx, secret))(t)
	if !used().Equal(first) {
		t.Error("last use was written within five minutes")
	}
	w.clock.pass(time.Second)
	must(w.s.ActorByToken(w.ctx, secret))(t)
	if used().Sub(first) != 5*time.Minute {
		t.Error("last use was not written after five minutes")
	}
	refused(t, w.s.RevokeToken(w.ctx, w.ada, made.ID), fault.NotFound) // another's
	must(w.s.ActorByToken(w.ctx, secret))(t)
	w.ok(w.s.RevokeToken(w.ctx, bob, made.ID))
	_, err = w.s.ActorByToken(w.ctx, secret)
	refused(t, err, fault.Unauthenticated)
	n := w.acts()
	w.ok(w.s.RevokeToken(w.ctx, bob, made.ID))
	if w.acts() != n || must(w.s.Tokens(w.ctx, bob))(t)[0].RevokedAt == nil {
		t.Error("revoking twice is not revoking once")
	}
	refused(t, w.s.RevokeToken(w.ctx, bob, uuid.New()), fault.NotFound)
}

func TestTokenExpires(t *testing.T) {
	w := newWorld(t)
	_, secret, err := w.s.CreateTokenFor(w.ctx, " ADA@example.org", "ci", read, identity.MaxTokenLife)
	w.ok(err)
	w.clock.pass(identity.MaxTokenLife - time.Second)
	must(w.s.ActorByToken(w.ctx, secret))(t)
	w.clock.pass(time.Second)
	_, err = w.s.ActorByToken(w.ctx, secret)
	refused(t, err, fault.Unauthenticated)
}

func TestTokenRefusals(t *testing.T) {
	w := newWorld(t)
	create := func(who identity.Actor, name string, scopes []string, life time.Duration) error {
		_, _, err := w.s.CreateToken(w.ctx, who, name, scopes, life)
		return err
	}
	refused(t, create(w.ada, "", nil, 0), fault.Invalid, "name", "scopes", "expires")
	for _, scopes := range [][]string{{"write"}, {"read", "write"}, {"reviews:read", "decide"}, {"admin"}, {}} {
		refused(t, create(w.ada, "ci", scopes, time.Hour), fault.Invalid, "scopes")
	}
	for _, life := range []time.Duration{identity.MaxTokenLife + 1, -time.Hour, 0, 1} {
		refused(t, create(w.ada, "ci", read, life), fault.Invalid, "expires")
	}
	_, _, err := w.s.CreateTokenFor(w.ctx, "nobody@example.org", "ci", read, time.Hour)
	refused(t, err, fault.NotFound)
	_, _, err = w.s.CreateTokenFor(w.ctx, "nobody", "ci", read, time.Hour)
	refused(t, err, fault.Invalid, "email")

	_, secret, err := w.s.CreateToken(w.ctx, w.ada, "ci", read, time.Hour)
	w.ok(err)
	token := must(w.s.ActorByToken(w.ctx, secret))(t)
	refused(t, create(token, "child", read, time.Hour), fault.Forbidden) // a token makes no tokens
	_, err = w.s.Tokens(w.ctx, token)
	refused(t, err, fault.Forbidden)
	for _, s := range []string{"", "orr_pat_", secret[:len(secret)-1], secret + "0", strings.ToUpper(secret), " " + secret, strings.Replace(secret, "orr", "ghp", 1), "\x00"} {
		_, err := w.s.ActorByToken(w.ctx, s)
		refused(t, err, fault.Unauthenticated)
	}
}
