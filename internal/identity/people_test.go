package identity_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
)

func TestSetRoles(t *testing.T) {
	w := newWorld(t)
	bob, _ := w.join("Bob", identity.InviteInput{})
	set := func(roles ...identity.OrgRole) error { return w.s.SetRoles(w.ctx, w.ada, bob.PersonID, roles) }
	w.ok(set(identity.Curator, identity.Auditor, identity.Curator))
	w.ok(set(identity.Auditor, identity.Admin))
	if got := w.again(bob).Roles; !slices.Equal(got, []identity.OrgRole{identity.Admin, identity.Auditor}) {
		t.Errorf("roles %v", got)
	}
	if n := one[int64](w, `select count(*) from org_roles where granted_by = $1 and person_id = $2`, w.ada.PersonID, bob.PersonID); n != 2 {
		t.Errorf("%d roles say who gave them", n)
	}
	n := w.acts()
	w.ok(set(identity.Admin, identity.Auditor))
	if w.acts() != n {
		t.Error("an act without a change was recorded")
	}
	refused(t, set("owner"), fault.Invalid, "role")
	refused(t, w.s.SetRoles(w.ctx, w.ada, uuid.New(), nil), fault.NotFound)
}

func TestLastAdminStays(t *testing.T) {
	w := newWorld(t)
	refused(t, w.s.SetRoles(w.ctx, w.ada, w.ada.PersonID, nil), fault.Conflict)
	refused(t, w.s.Deactivate(w.ctx, w.ada, w.ada.PersonID), fault.Conflict)
	// An admin who cannot sign in is no admin that remains.
	_, link := w.invited("Bob", identity.InviteInput{Roles: []identity.OrgRole{identity.Admin}})
	refused(t, w.s.SetRoles(w.ctx, w.ada, w.ada.PersonID, nil), fault.Conflict)
	gone, _ := w.join("Gone", identity.InviteInput{Roles: []identity.OrgRole{identity.Admin}})
	w.ok(w.s.Deactivate(w.ctx, w.ada, gone.PersonID))
	refused(t, w.s.Deactivate(w.ctx, w.ada, w.ada.PersonID), fault.Conflict)
	w.actor(w.session)
	bob := w.actor(must(w.s.AcceptLink(w.ctx, link, password, from("")))(t))
	w.ok(w.s.SetRoles(w.ctx, w.ada, w.ada.PersonID, []identity.OrgRole{identity.Curator}))
	refused(t, w.s.Deactivate(w.ctx, bob, bob.PersonID), fault.Conflict)
	refused(t, w.s.SetRoles(w.ctx, w.again(w.ada), bob.PersonID, nil), fault.Forbidden)
}

// Two admins who take the role from each other at the same moment: one stays.
func TestAdminsRemoveEachOther(t *testing.T) {
	w := newWorld(t)
	for round := range 6 {
		one0, _ := w.join(fmt.Sprintf("One%d", round), identity.InviteInput{Roles: []identity.OrgRole{identity.Admin}})
		two, _ := w.join(fmt.Sprintf("Two%d", round), identity.InviteInput{Roles: []identity.OrgRole{identity.Admin}})
		w.ok(w.s.SetRoles(w.ctx, one0, w.ada.PersonID, nil))
		pair := []identity.Actor{one0, two}
		errs := atOnce(2, func(i int) error {
			if round%2 == 0 {
				return w.s.SetRoles(w.ctx, pair[i], pair[1-i].PersonID, nil)
			}
			return w.s.Deactivate(w.ctx, pair[i], pair[1-i].PersonID)
		})
		winners := 0
		for i, err := range errs {
			if err == nil {
				winners++
				w.ok(w.s.SetRoles(w.ctx, pair[i], w.ada.PersonID, []identity.OrgRole{identity.Admin}))
				w.ok(w.s.SetRoles(w.ctx, w.ada, pair[i].PersonID, nil))
			} else {
				refused(t, err, fault.Conflict)
			}
		}
		if winners != 1 {
			t.Fatalf("round %d: %d of two succeeded: %v", round, winners, errs)
		}
	}
}

func TestSelfGivenGrantNeverDecides(t *testing.T) {
	w := newWorld(t)
	team := w.team("payments")
	wl := w.workload("ledger", team.ID, false)
	g := identity.GrantInput{Kind: identity.Approver, WorkloadID: wl}
	eve, _ := w.join("Eve", identity.InviteInput{Roles: []identity.OrgRole{identity.Admin}})
	candidates := func() (names []string) {
		t.Helper()
		for _, c := range must(identity.Approvers(w.ctx, w.db, wl, team.ID))(t) {
			names = append(names, c.Name)
		}
		return names
	}

	w.ok(w.s.Grant(w.ctx, eve, eve.PersonID, g))
	if a := w.again(eve); a.Approves(wl) || a.Has(identity.Approver, wl) || !a.Grants[0].SelfGiven {
		t.Errorf("a self-given grant: %+v", a.Grants)
	}
	if got := candidates(); got != nil {
		t.Errorf("approvers %v", got)
	}
	_, session, err := w.s.Actor(w.ctx, must(w.s.SignIn(w.ctx, eve.Email, password, from("")))(t))
	w.ok(err)
	if session.PersonID != eve.PersonID {
		t.Error("another session")
	}
	n := w.acts()
	w.ok(w.s.Grant(w.ctx, eve, eve.PersonID, g))
	if w.acts() != n {
		t.Error("granting again what is granted was recorded")
	}
	w.ok(w.s.Grant(w.ctx, w.ada, eve.PersonID, g)) // somebody else's word makes it count
	if !w.again(eve).Approves(wl) || !slices.Equal(candidates(), []string{"Eve"}) {
		t.Error("a grant by somebody else does not count")
	}
	w.ok(w.s.Grant(w.ctx, eve, eve.PersonID, g)) // and granting it to oneself again changes nothing
	if !w.again(eve).Approves(wl) {
		t.Error("one's own word undid somebody else's")
	}
	w.ok(w.s.Grant(w.ctx, eve, eve.PersonID, identity.GrantInput{Kind: identity.Approver}))
	if w.again(eve).Approves(uuid.New()) {
		t.Error("an organisation-wide grant to oneself decides")
	}
	p := must(w.s.Person(w.ctx, w.ada, eve.PersonID))(t)
	if len(p.Grants) != 2 || !p.Grants[0].SelfGiven || p.Grants[0].WorkloadID != uuid.Nil || p.Grants[1].SelfGiven ||
		p.Grants[1].WorkloadKey != "ledger" || p.Grants[1].GrantedByName != "Ada Example" {
		t.Fatalf("grants %+v", p.Grants)
	}
	refused(t, w.s.RevokeGrant(w.ctx, w.ada, uuid.New()), fault.NotFound)
	w.ok(w.s.RevokeGrant(w.ctx, w.ada, p.Grants[1].ID))
	if w.again(eve).Approves(wl) {
		t.Error("a revoked grant decides")
	}
	refused(t, w.s.RevokeGrant(w.ctx, w.ada, p.Grants[1].ID), fault.NotFound)
	refused(t, w.s.Grant(w.ctx, w.ada, uuid.New(), g), fault.NotFound)
	refused(t, w.s.Grant(w.ctx, w.ada, eve.PersonID, identity.GrantInput{Kind: "judge"}), fault.Invalid, "kind")
	refused(t, w.s.Grant(w.ctx, w.ada, eve.PersonID, identity.GrantInput{Kind: identity.Approver, WorkloadID: uuid.New()}), fault.Invalid, "workload")
}

func TestPickers(t *testing.T) {
	w := newWorld(t)
	pay, search := w.team("payments"), w.team("search")
	wl, other := w.workload("ledger", pay.ID, false), w.workload("index", search.ID, false)
	in := func(kind identity.GrantKind, workload uuid.UUID, teams ...uuid.UUID) (i identity.InviteInput) {
		i.Grants = []identity.GrantInput{{Kind: kind, WorkloadID: workload}}
		for _, t := range teams {
			i.Teams = append(i.Teams, identity.Membership{TeamID: t, Role: identity.Member})
		}
		return i
	}
	w.invited("zoe", in(identity.Approver, wl, pay.ID))
	w.invited("Yan", in(identity.Approver, uuid.Nil, search.ID))
	w.invited("Facilitator", in(identity.Facilitator, wl, pay.ID))
	w.invited("Elsewhere", in(identity.Approver, other))
	gone, _ := w.invited("Gone", in(identity.Approver, wl, pay.ID))
	w.ok(w.s.Deactivate(w.ctx, w.ada, gone.ID))
	both, _ := w.invited("Both", in(identity.Approver, wl))
	w.ok(w.s.Grant(w.ctx, w.ada, both.ID, identity.GrantInput{Kind: identity.Approver}))

	var got []string
	for _, c := range must(identity.Approvers(w.ctx, w.db, wl, pay.ID))(t) {
		got = append(got, fmt.Sprint(c.Name, " ", c.InTeam))
	}
	if want := []string{"Both false", "Yan false", "zoe true"}; !slices.Equal(got, want) {
		t.Errorf("approvers %v, want %v", got, want)
	}
	got = nil
	for _, p := range must(identity.PeopleOfTeam(w.ctx, w.db, pay.ID))(t) {
		got = append(got, p.Name+" "+p.Email)
	}
	if want := []string{"Facilitator facilitator@example.org", "zoe zoe@example.org"}; !slices.Equal(got, want) {
		t.Errorf("people of the team %v, want %v", got, want)
	}
}

func TestTeams(t *testing.T) {
	w := newWorld(t)
	pay := w.team("payments")
	bob, _ := w.join("Bob", identity.InviteInput{})
	ann, _ := w.join("ann", identity.InviteInput{})
	set := func(p identity.Actor, r identity.TeamRole) error {
		return w.s.SetMembership(w.ctx, w.ada, pay.ID, p.PersonID, r)
	}
	w.ok(set(ann, identity.Member))
	w.ok(set(bob, identity.Member))
	w.ok(set(bob, identity.Lead))
	n := w.acts()
	w.ok(set(bob, identity.Lead))
	if w.acts() != n {
		t.Error("a membership that is there already was recorded")
	}
	if !w.again(bob).Leads(pay.ID) || w.again(ann).Leads(pay.ID) || !w.again(ann).InTeam(pay.ID) {
		t.Error("the roles in the team are not those given")
	}
	got := must(w.s.Team(w.ctx, ann, "payments"))(t)
	want := []identity.TeamMember{
		{PersonID: bob.PersonID, Name: "Bob", Email: "bob@example.org", Role: identity.Lead, Active: true},
		{PersonID: ann.PersonID, Name: "ann", Email: "ann@example.org", Role: identity.Member, Active: true},
	}
	if d := cmp.Diff(want, got.Members); d != "" || got.People != 2 || got.ID != pay.ID {
		t.Errorf("team %+v (-want +got):\n%s", got, d)
	}
	refused(t, set(bob, "boss"), fault.Invalid, "role")
	refused(t, w.s.SetMembership(w.ctx, w.ada, uuid.New(), bob.PersonID, identity.Lead), fault.Invalid, "team")
	refused(t, w.s.SetMembership(w.ctx, w.ada, pay.ID, uuid.New(), identity.Lead), fault.NotFound)
	w.ok(w.s.RemoveMembership(w.ctx, w.ada, pay.ID, bob.PersonID))
	refused(t, w.s.RemoveMembership(w.ctx, w.ada, pay.ID, bob.PersonID), fault.NotFound)
	if w.again(bob).InTeam(pay.ID) {
		t.Error("still in the team")
	}
	w.ok(w.s.Deactivate(w.ctx, w.ada, ann.PersonID))
	if got := must(w.s.Team(w.ctx, bob, "payments"))(t); got.People != 0 || len(got.Members) != 1 || got.Members[0].Active {
		t.Errorf("team of one who left: %+v", got)
	}
}

func TestTeamNames(t *testing.T) {
	w := newWorld(t)
	pay := w.team("payments")
	w.team("search")
	for _, c := range []struct {
		key, name string
		fields    []string
	}{
		{"payments", "Other", []string{"key"}},
		{"other", "Team payments", []string{"name"}},
		{"", "", []string{"key", "name"}},
		{"Payments!", "Other", []string{"key"}},
		{"-x", "Other", []string{"key"}},
		{"a", "Other", []string{"key"}},
		{"12345678901234567890123456789012345678901", "Other", []string{"key"}},
		{"other", "a\nb", []string{"name"}},
	} {
		_, err := w.s.CreateTeam(w.ctx, w.ada, c.key, c.name)
		refused(t, err, fault.Invalid, c.fields...)
	}
	w.ok(w.s.RenameTeam(w.ctx, w.ada, pay.ID, " Money "))
	n := w.acts()
	w.ok(w.s.RenameTeam(w.ctx, w.ada, pay.ID, "Money"))
	if w.acts() != n {
		t.Error("a name that is the same was recorded")
	}
	refused(t, w.s.RenameTeam(w.ctx, w.ada, pay.ID, "Team search"), fault.Invalid, "name")
	refused(t, w.s.RenameTeam(w.ctx, w.ada, uuid.New(), "X"), fault.NotFound)
	var got []string
	for _, x := range must(w.s.Teams(w.ctx, w.ada))(t) {
		got = append(got, x.Key+" "+x.Name)
	}
	if want := []string{"payments Money", "search Team search"}; !slices.Equal(got, want) {
		t.Errorf("teams %v", got)
	}
	for _, key := range []string{"nothing", "", "\x00", "PAYMENTS"} {
		_, err := w.s.Team(w.ctx, w.ada, key)
		refused(t, err, fault.NotFound)
	}
}

func TestPeopleList(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"Émile", "bob", "Bob2", "Carol_x", "Dan"} {
		_, _, err := w.s.Invite(w.ctx, w.ada, identity.InviteInput{Name: name, Email: fmt.Sprintf("p%x@example.org", name)})
		w.ok(err)
	}
	for _, mail := range []string{"twin1@example.org", "twin2@example.org"} { // the same name twice
		_, _, err := w.s.Invite(w.ctx, w.ada, identity.InviteInput{Name: "Twin", Email: mail})
		w.ok(err)
	}
	dan := must1(w.s.People(w.ctx, w.ada, identity.PeopleFilter{Search: "dan"}))(t)
	w.ok(w.s.Deactivate(w.ctx, w.ada, dan[0].ID))
	for limit := 1; limit <= 8; limit++ {
		f := identity.PeopleFilter{Limit: limit}
		var names []string
		for pages := 0; ; pages++ {
			page, next, err := w.s.People(w.ctx, w.ada, f)
			w.ok(err)
			for _, p := range page {
				names = append(names, p.Name)
			}
			if f.After = next; next == "" || pages > 9 {
				break
			}
		}
		slices.Sort(names) // the order is the database's; each once
		if want := []string{"Ada Example", "Bob2", "Carol_x", "Twin", "Twin", "bob", "Émile"}; !slices.Equal(names, want) {
			t.Errorf("limit %d: %v", limit, names)
		}
	}
	for search, want := range map[string]int{"BOB": 2, "twin2@": 1, "_": 1, "%": 0, "dan": 0, "\x00bob": 2, "": 7, "É": 1} {
		if got := must1(w.s.People(w.ctx, w.ada, identity.PeopleFilter{Search: search}))(t); len(got) != want {
			t.Errorf("search %q finds %d people, want %d", search, len(got), want)
		}
	}
	if got := must1(w.s.People(w.ctx, w.ada, identity.PeopleFilter{Search: "dan", Deactivated: true}))(t); len(got) != 1 || got[0].DeactivatedAt == nil {
		t.Errorf("the deactivated: %+v", got)
	}
	for _, after := range []string{"x", "%%%", "AAAA"} {
		if got := must1(w.s.People(w.ctx, w.ada, identity.PeopleFilter{After: after}))(t); len(got) != 7 {
			t.Errorf("after %q come %d people", after, len(got))
		}
	}
}

// must1 is must for a page and its cursor.
func must1[T any](v T, _ string, err error) func(testing.TB) T { return must(v, err) }

// A restricted workload's name does not show in the grants of people.
func TestGrantsOnRestrictedWorkloads(t *testing.T) {
	w := newWorld(t)
	team := w.team("payments")
	secret := w.workload("secret", team.ID, true)
	bob, _ := w.join("Bob", identity.InviteInput{Grants: []identity.GrantInput{{Kind: identity.Facilitator, WorkloadID: secret}}})
	member, _ := w.join("Mia", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Member}}})
	stranger, _ := w.join("Sam", identity.InviteInput{})
	for _, c := range []struct {
		who  identity.Actor
		want []string
	}{
		{bob, []string{"secret"}}, {member, []string{"secret"}}, {stranger, nil}, {w.ada, []string{""}},
	} {
		var one, list []string
		for _, g := range must(w.s.Person(w.ctx, c.who, bob.PersonID))(t).Grants {
			one = append(one, g.WorkloadKey)
		}
		for _, g := range must1(w.s.People(w.ctx, c.who, identity.PeopleFilter{Search: "bob"}))(t)[0].Grants {
			list = append(list, g.WorkloadName)
		}
		if !slices.Equal(one, c.want) || !slices.Equal(list, c.want) {
			t.Errorf("%s sees %q and %q, want %q", c.who.Name, one, list, c.want)
		}
	}
}

func TestRenameAndOrganisation(t *testing.T) {
	w := newWorld(t)
	bob, _ := w.join("Bob", identity.InviteInput{})
	w.ok(w.s.Rename(w.ctx, bob, " Robert\u00a0B. "))
	if got := w.again(bob).Name; got != "Robert\u00a0B." {
		t.Errorf("name %q", got)
	}
	refused(t, w.s.Rename(w.ctx, bob, "a\u202eb"), fault.Invalid, "name")
	name, sample, err := identity.Organisation(w.ctx, w.db)
	if name != "" || sample || err != nil {
		t.Errorf("before it is set: %q %v %v", name, sample, err)
	}
	w.ok(w.s.SetOrganisation(w.ctx, w.ada, "Acme", true))
	w.ok(w.s.SetOrganisation(w.ctx, w.ada, " Acme Ltd ", false))
	n := w.acts()
	w.ok(w.s.SetOrganisation(w.ctx, w.ada, "Acme Ltd", false))
	if name, sample, _ = identity.Organisation(w.ctx, w.db); name != "Acme Ltd" || sample || w.acts() != n {
		t.Errorf("set to %q %v", name, sample)
	}
	refused(t, w.s.SetOrganisation(w.ctx, w.ada, "", false), fault.Invalid, "name")
}

func TestActorFor(t *testing.T) {
	w := newWorld(t)
	if d := cmp.Diff(w.ada, w.again(w.ada)); d != "" {
		t.Errorf("reloaded (-session +reloaded):\n%s", d)
	}
	_, err := w.s.ActorFor(w.ctx, uuid.New())
	refused(t, err, fault.NotFound)
	p := must(w.s.Person(w.ctx, w.ada, w.ada.PersonID))(t)
	if !p.CreatedAt.Equal(w.clock.now().Truncate(time.Microsecond)) || p.CreatedAt.Location() != time.UTC {
		t.Errorf("created at %s", p.CreatedAt)
	}
	_, err = w.s.Person(w.ctx, w.ada, uuid.New())
	refused(t, err, fault.NotFound)
}
