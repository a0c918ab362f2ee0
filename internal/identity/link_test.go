package identity_test

import (
	"crypto/sha256"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
)

func TestAdminLinkMakesTheFirstAdmin(t *testing.T) {
	w := emptyWorld(t)
	link := must(w.s.MakeAdminLink(w.ctx))(t)
	if len(link.Secret) < 26 {
		t.Errorf("a secret of %d base32 characters holds less than 128 bits", len(link.Secret))
	}
	info := must(w.s.LinkStatus(w.ctx, link.Secret))(t)
	if info.Purpose != identity.FirstAdmin || info.Name != "" || !info.ExpiresAt.Equal(w.clock.now().Add(24*time.Hour).Truncate(time.Microsecond)) {
		t.Errorf("status %+v", info)
	}
	sum := sha256.Sum256([]byte(link.Secret))
	if n := one[int64](w, `select count(*) from one_time_links where hash = $1`, sum[:]); n != 1 {
		t.Error("the link is not stored as the SHA-256 of its secret")
	}
	p, session, err := w.s.AcceptAdminLink(w.ctx, link.Secret, "  Ada E\u0301xample ", " Ada@Example.ORG ", password, from("192.0.2.1"))
	w.ok(err)
	if p.Name != "Ada \u00c9xample" || p.Email != "ada@example.org" || !p.HasPassword || !cmp.Equal(p.Roles, []identity.OrgRole{identity.Admin}) {
		t.Errorf("made %+v", p)
	}
	a := w.actor(session)
	if a.PersonID != p.ID || !a.Is(identity.Admin) || a.Name != p.Name || a.Email != p.Email {
		t.Errorf("actor %+v", a)
	}
	if n := w.acts(); n != 2 {
		t.Errorf("%d audit rows, want one for the link and one for its use", n)
	}
	_, err = w.s.LinkStatus(w.ctx, link.Secret)
	refused(t, err, fault.NotFound)
}

// Every start without an admin leaves a link in the log: the first admin ends them.
func TestTheFirstAdminEndsOtherAdminLinks(t *testing.T) {
	w := emptyWorld(t)
	accept := func(l identity.Link, email string) error {
		_, _, err := w.s.AcceptAdminLink(w.ctx, l.Secret, "Ada", email, password, from(""))
		return err
	}
	first, second := must(w.s.MakeAdminLink(w.ctx))(t), must(w.s.MakeAdminLink(w.ctx))(t)
	accepted := func(l identity.Link, email string) {
		t.Helper()
		if err := accept(l, email); err != nil {
			t.Fatal(err)
		}
	}
	accepted(second, "one@example.org")
	refused(t, accept(first, "two@example.org"), fault.NotFound)
	third, fourth := must(w.s.MakeAdminLink(w.ctx))(t), must(w.s.MakeAdminLink(w.ctx))(t)
	accepted(third, "three@example.org")
	accepted(fourth, "four@example.org") // made by hand, while there is an admin
}

func TestAdminLinkRefusals(t *testing.T) {
	w := newWorld(t)
	link := must(w.s.MakeAdminLink(w.ctx))(t)
	accept := func(name, email, pw string) error {
		_, _, err := w.s.AcceptAdminLink(w.ctx, link.Secret, name, email, pw, from(""))
		return err
	}
	refused(t, accept("", "", ""), fault.Invalid, "name", "email", "password")
	refused(t, accept("Ada II", "ADA@example.org", password), fault.Invalid, "email")
	_, err := w.s.AcceptLink(w.ctx, link.Secret, password, from(""))
	refused(t, err, fault.NotFound)
	_, link2 := w.invited("Bob", identity.InviteInput{})
	_, _, err = w.s.AcceptAdminLink(w.ctx, link2, "Eve", "eve@example.org", password, from(""))
	refused(t, err, fault.NotFound)
	w.clock.pass(24*time.Hour - time.Second)
	must(w.s.LinkStatus(w.ctx, link.Secret))(t) // a refusal did not use it up
	w.clock.pass(time.Second)
	_, err = w.s.LinkStatus(w.ctx, link.Secret)
	refused(t, err, fault.NotFound)
	refused(t, accept("Eve", "eve@example.org", password), fault.NotFound)
	for _, secret := range []string{"", "x", strings.Repeat("A", 26), strings.Repeat("A", 10_000), "\x00", "\xff"} {
		_, err := w.s.LinkStatus(w.ctx, secret)
		refused(t, err, fault.NotFound)
	}
}

func TestInvitation(t *testing.T) {
	w := newWorld(t)
	team := w.team("payments")
	wl := w.workload("ledger", team.ID, false)
	p, secret := w.invited("Grace", identity.InviteInput{
		Roles:  []identity.OrgRole{identity.Curator, identity.Auditor, identity.Curator},
		Teams:  []identity.Membership{{TeamID: team.ID, Role: identity.Lead}},
		Grants: []identity.GrantInput{{Kind: identity.Approver, WorkloadID: wl}, {Kind: identity.Facilitator}},
	})
	if p.HasPassword || w.lastVerb() != "person.invited" {
		t.Errorf("invited %+v, audit says %s", p, w.lastVerb())
	}
	info := must(w.s.LinkStatus(w.ctx, secret))(t)
	if info.Purpose != identity.SetPassword || info.Name != "Grace" || info.Email != "grace@example.org" {
		t.Errorf("status %+v", info)
	}
	w.clock.pass(7*24*time.Hour - time.Second)
	_, err := w.s.AcceptLink(w.ctx, secret, "short", from(""))
	refused(t, err, fault.Invalid, "password")
	a := w.actor(must(w.s.AcceptLink(w.ctx, secret, password, from("192.0.2.7")))(t))
	want := identity.Actor{
		PersonID: p.ID, Name: "Grace", Email: "grace@example.org",
		Roles:  []identity.OrgRole{identity.Auditor, identity.Curator},
		Teams:  []identity.Membership{{TeamID: team.ID, Role: identity.Lead}},
		Grants: []identity.Grant{{Kind: identity.Approver, WorkloadID: wl}, {Kind: identity.Facilitator}},
	}
	if d := cmp.Diff(want, a); d != "" {
		t.Errorf("actor (-want +got):\n%s", d)
	}
	if !a.Approves(wl) || a.Approves(uuid.New()) {
		t.Error("the grant does not reach its workload only")
	}
}

func TestInviteRefusals(t *testing.T) {
	w := newWorld(t)
	good := identity.InviteInput{Name: "Bob", Email: "bob@example.org"}
	for name, c := range map[string]struct {
		change func(*identity.InviteInput)
		field  string
	}{
		"no name":         {func(in *identity.InviteInput) { in.Name = " \u200b " }, "name"},
		"control in name": {func(in *identity.InviteInput) { in.Name = "Bob\x00" }, "name"},
		"bad address":     {func(in *identity.InviteInput) { in.Email = "bob" }, "email"},
		"taken address":   {func(in *identity.InviteInput) { in.Email = "ADA@example.org" }, "email"},
		"unknown role":    {func(in *identity.InviteInput) { in.Roles = []identity.OrgRole{"owner"} }, "role"},
		"unknown team": {func(in *identity.InviteInput) {
			in.Teams = []identity.Membership{{TeamID: uuid.New(), Role: identity.Lead}}
		}, "team"},
		"bad team role": {func(in *identity.InviteInput) { in.Teams = []identity.Membership{{Role: "boss"}} }, "role"},
		"bad grant":     {func(in *identity.InviteInput) { in.Grants = []identity.GrantInput{{Kind: "judge"}} }, "kind"},
		"unknown workload": {func(in *identity.InviteInput) {
			in.Grants = []identity.GrantInput{{Kind: identity.Approver, WorkloadID: uuid.New()}}
		}, "workload"},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.content()
			in := good
			c.change(&in)
			_, _, err := w.s.Invite(w.ctx, w.ada, in)
			refused(t, err, fault.Invalid, c.field)
			if w.content() != before {
				t.Error("a refused invitation left something behind")
			}
		})
	}
}

func TestNewLinkReplacesTheOldOne(t *testing.T) {
	w := newWorld(t)
	p, first := w.invited("Bob", identity.InviteInput{})
	second := must(w.s.NewLink(w.ctx, w.ada, p.ID))(t)
	if life := second.ExpiresAt.Sub(w.clock.now()).Round(time.Second); life != 7*24*time.Hour {
		t.Errorf("an invitation lives %s", life)
	}
	_, err := w.s.AcceptLink(w.ctx, first, password, from(""))
	refused(t, err, fault.NotFound)
	session := must(w.s.AcceptLink(w.ctx, second.Secret, password, from("192.0.2.7")))(t)

	reset := must(w.s.NewLink(w.ctx, w.ada, p.ID))(t)
	if life := reset.ExpiresAt.Sub(w.clock.now()).Round(time.Second); life != time.Hour {
		t.Errorf("a link for a lost password lives %s", life)
	}
	w.actor(session) // the sessions last until it is used
	fresh := must(w.s.AcceptLink(w.ctx, reset.Secret, "another "+password, from("192.0.2.7")))(t)
	_, _, err = w.s.Actor(w.ctx, session)
	refused(t, err, fault.Unauthenticated)
	w.actor(fresh)
	_, err = w.s.SignIn(w.ctx, p.Email, password, from("192.0.2.8"))
	refused(t, err, fault.Unauthenticated)
	must(w.s.SignIn(w.ctx, p.Email, "another "+password, from("192.0.2.8")))(t)

	_, err = w.s.NewLink(w.ctx, w.ada, w.ada.PersonID)
	refused(t, err, fault.Forbidden)
	_, err = w.s.NewLink(w.ctx, w.ada, uuid.New())
	refused(t, err, fault.NotFound)
	unused := must(w.s.NewLink(w.ctx, w.ada, p.ID))(t)
	w.ok(w.s.Deactivate(w.ctx, w.ada, p.ID))
	_, err = w.s.NewLink(w.ctx, w.ada, p.ID)
	refused(t, err, fault.Conflict)
	w.ok(w.s.Reactivate(w.ctx, w.ada, p.ID))
	_, err = w.s.AcceptLink(w.ctx, unused.Secret, password, from(""))
	refused(t, err, fault.NotFound)
}

func TestLinkFromTheCommandLine(t *testing.T) {
	w := newWorld(t)
	link := must(w.s.MakeLinkFor(w.ctx, " Ada@example.org"))(t)
	must(w.s.AcceptLink(w.ctx, link.Secret, "another "+password, from("")))(t)
	must(w.s.SignIn(w.ctx, "ada@example.org", "another "+password, from("")))(t)
	_, err := w.s.MakeLinkFor(w.ctx, "nobody@example.org")
	refused(t, err, fault.NotFound)
	_, err = w.s.MakeLinkFor(w.ctx, "nobody")
	refused(t, err, fault.Invalid, "email")
}

func TestLinkWorksOnce(t *testing.T) {
	w := newWorld(t)
	admin := must(w.s.MakeAdminLink(w.ctx))(t)
	_, invite := w.invited("Bob", identity.InviteInput{})
	for name, try := range map[string]func(i int) error{
		"admin": func(i int) error {
			_, _, err := w.s.AcceptAdminLink(w.ctx, admin.Secret, "Eve", "eve"+string(rune('0'+i))+"@example.org", password, from(""))
			return err
		},
		"invitation": func(int) error {
			_, err := w.s.AcceptLink(w.ctx, invite, password, from(""))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			people, sessions := `select count(*) from people`, `select count(*) from sessions`
			p0, s0 := one[int64](w, people), one[int64](w, sessions)
			errs := atOnce(8, try)
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					refused(t, err, fault.NotFound)
				}
			}
			if won != 1 {
				t.Errorf("%d of 8 used the link", won)
			}
			made := one[int64](w, people) - p0
			if s := one[int64](w, sessions) - s0; s != 1 || name == "admin" && made != 1 || name != "admin" && made != 0 {
				t.Errorf("%d people and %d sessions were made", made, s)
			}
		})
	}
}

// atOnce runs try n times at the same moment and returns what each said.
func atOnce(n int, try func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = try(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}
