package web_test

import (
	"testing"

	"orrery/internal/identity"
)

// TestPeoplePagesLookRight opens the pages about people as Chromium shows them.
func TestPeoplePagesLookRight(t *testing.T) {
	s := newSite(t)
	if err := s.Identity.SetOrganisation(t.Context(), s.admin(), "Acme", false); err != nil {
		t.Fatal(err)
	}
	e := s.look(nil)

	e.open("/sign-in?next=/account")
	e.judge("sign-in")
	e.submit("/sign-in", "email", "ada@example.org", "password", "wrong horse battery")
	e.judge("sign-in-refused")
	e.open("/link/unknown")
	e.judge("link-dead")
	e.open("/sign-in")
	e.submit("/sign-in", "email", "ada@example.org", "password", password)
	e.open("/teams")
	e.judge("teams-empty")
	e.open("/people/new")
	e.judge("invite-first")

	mika := s.settle()
	e.open("/account")
	e.judge("account")
	e.open("/account/tokens/new")
	e.judge("token-new")
	e.submit("/account/tokens", "name", "Release pipeline of Payments")
	e.judge("token-made")
	e.open("/account")
	e.judge("account-token")

	e.open("/people?deactivated=1")
	e.judge("people")
	e.open("/people?q=zebra")
	e.judge("people-none")
	e.open("/people/new")
	e.submit("/people/new", "name", "Rita Sands", "email", "rita at example.org")
	e.judge("invite-refused")
	e.submit("/people/new", "name", "Rita Sands", "email", "rita@example.org")
	e.judge("invited")
	e.open("/people/" + mika.ID.String())
	e.unfold()
	e.judge("person")
	e.open("/people/" + s.admin().PersonID.String())
	e.unfold()
	e.judge("person-self")
	e.submit("/people/" + s.admin().PersonID.String() + "/roles")
	e.open("/teams")
	e.judge("teams")
	e.open("/teams/new")
	e.judge("team-new")
	e.open("/teams/ledger")
	e.unfold()
	e.judge("team")
	e.open("/teams/platform")
	e.judge("team-empty")
	e.open("/audit")
	e.judge("audit")
	e.submit("/audit/verify")
	e.judge("audit-verified")
	e.open("/audit?verb=grant.")
	e.unfold()
	e.judge("audit-details")
}

// TestPeoplePagesForReadersLookRight opens what somebody sees who is no admin.
func TestPeoplePagesForReadersLookRight(t *testing.T) {
	s := newSite(t)
	mika := s.settle()
	_, link, err := s.Identity.Invite(t.Context(), s.admin(), identity.InviteInput{Name: "Rita Sands", Email: "rita@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	e := s.look(nil)
	e.open("/link/" + link.Secret)
	e.judge("link")
	e.submit("/link/"+link.Secret, "password", password)
	e.open("/account")
	e.judge("account-reader")
	e.open("/people/" + mika.ID.String())
	e.judge("person-reader")
	e.open("/teams/ledger")
	e.judge("team-reader")
	e.open("/people")
	e.judge("people-forbidden")
}

// settle fills the site with teams, people and workloads as an organisation has them, and
// returns somebody with a bit of everything.
func (s *site) settle() identity.Person {
	s.Helper()
	ledger, checkout := s.team("ledger", "Ledger"), s.team("checkout", "Checkout and payment sheets")
	s.team("platform", "Platform")
	payments := s.workload("payments", "Payments", "ledger", false)
	vault := s.workload("card-vault", "Card vault", "ledger", true)
	s.workload("checkout-web", "Checkout web", "checkout", false)
	mika, _ := s.person("Mika Laine", identity.InviteInput{
		Roles:  []identity.OrgRole{identity.Curator},
		Teams:  []identity.Membership{{TeamID: ledger.ID, Role: identity.Lead}, {TeamID: checkout.ID, Role: identity.Member}},
		Grants: []identity.GrantInput{{Kind: identity.Approver, WorkloadID: payments.ID}, {Kind: identity.Facilitator, WorkloadID: vault.ID}},
	})
	s.person("Jonas Weber", identity.InviteInput{Roles: []identity.OrgRole{identity.Auditor}, Grants: []identity.GrantInput{{Kind: identity.Approver}}})
	s.person("Lena Fischer-Sommerfeld", identity.InviteInput{Teams: []identity.Membership{{TeamID: ledger.ID, Role: identity.Member}}})
	gone, _ := s.person("Otto Gone", identity.InviteInput{Teams: []identity.Membership{{TeamID: ledger.ID, Role: identity.Member}}})
	ada := s.admin()
	_, _, err := s.Identity.Invite(s.Context(), ada, identity.InviteInput{Name: "Noor Haddad", Email: "noor@example.org", Teams: []identity.Membership{{TeamID: checkout.ID, Role: identity.Lead}}})
	for _, do := range []func() error{
		func() error { return s.Identity.Deactivate(s.Context(), ada, gone.ID) },
		func() error {
			return s.Identity.Grant(s.Context(), ada, ada.PersonID, identity.GrantInput{Kind: identity.Approver})
		},
		func() error {
			return s.Identity.SetMembership(s.Context(), ada, ledger.ID, ada.PersonID, identity.Member)
		},
	} {
		if err == nil {
			err = do()
		}
	}
	if err != nil {
		s.Fatal(err)
	}
	s.visitor().post("/sign-in", "email", "ada@example.org", "password", password).is(303)
	return mika
}
