package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/postgres"
)

// Person is a person with all that they may do.
type Person struct {
	ID            uuid.UUID
	Email         string
	Name          string
	CreatedAt     time.Time
	DeactivatedAt *time.Time
	HasPassword   bool            // false: invited, and the link was not used yet
	Roles         []OrgRole       `db:"-"` // sorted
	Teams         []PersonTeam    `db:"-"` // by name
	Grants        []GrantOfPerson `db:"-"` // organisation-wide first, then by workload
}

// PersonTeam is a team a person is in.
type PersonTeam struct {
	TeamID uuid.UUID
	Key    string
	Name   string
	Role   TeamRole
}

// GrantOfPerson is a grant a person holds. For an admin who may not read the workload its
// key and name are empty; anybody else who may not read it does not see the grant.
type GrantOfPerson struct {
	ID            uuid.UUID
	Kind          GrantKind
	WorkloadID    uuid.UUID // uuid.Nil: the whole organisation
	WorkloadKey   string
	WorkloadName  string
	GrantedBy     uuid.UUID // uuid.Nil: the installation
	GrantedByName string
	GrantedAt     time.Time
	SelfGiven     bool // opens nothing, whatever its kind
}

// InviteInput is an invitation.
type InviteInput struct {
	Email  string
	Name   string
	Roles  []OrgRole
	Teams  []Membership
	Grants []GrantInput
}

// GrantInput is what to grant; WorkloadID uuid.Nil is the whole organisation.
type GrantInput struct {
	Kind       GrantKind
	WorkloadID uuid.UUID
}

func errNoPerson() error { return fault.New(fault.NotFound, "There is no such person.") }

// mayManage refuses all but admins in person.
func mayManage(who Actor) error {
	if err := inPerson(who); err != nil {
		return err
	}
	return who.May(ManagePeople, Target{})
}

// Invite makes a person without a password and a link, good for 7 days, with which they set
// one. Admins may. Invalid on "email" (also when it is taken), "name", "role", "team",
// "kind" and "workload".
func (s *Service) Invite(ctx context.Context, who Actor, in InviteInput) (Person, Link, error) {
	if err := mayManage(who); err != nil {
		return Person{}, Link{}, err
	}
	c := credentials{ID: uuid.Must(uuid.NewV7())}
	var p problems
	c.Name, c.Email, in.Roles = p.name(in.Name), p.email(in.Email), p.roles(in.Roles)
	for _, t := range in.Teams {
		p.teamRole(t.Role)
	}
	for _, g := range in.Grants {
		p.kind(g.Kind)
	}
	if err := p.err(); err != nil {
		return Person{}, Link{}, err
	}
	var link Link
	err := s.act(ctx, who, func(tx pgx.Tx, now time.Time) (a *Act, err error) {
		if err := insertPerson(ctx, tx, c, now); err != nil {
			return nil, err
		}
		if err := putRights(ctx, tx, who, c.ID, in, now); err != nil {
			return nil, err
		}
		link, err = putLink(ctx, tx, SetPassword, c.ID, who, now, inviteLinkLife)
		return personAct("person.invited", c.ID, in.details()...), err
	})
	if err != nil {
		return Person{}, Link{}, fmt.Errorf("invite: %w", err)
	}
	made, err := s.Person(ctx, who, c.ID)
	return made, link, err
}

func putRights(ctx context.Context, tx pgx.Tx, who Actor, person uuid.UUID, in InviteInput, now time.Time) error {
	for _, r := range in.Roles {
		if err := addRole(ctx, tx, person, r, who.PersonID, now); err != nil {
			return err
		}
	}
	for _, t := range in.Teams {
		if _, err := putMembership(ctx, tx, person, t, who.PersonID, now); err != nil {
			return err
		}
	}
	for _, g := range in.Grants {
		if _, err := putGrant(ctx, tx, person, g, who.PersonID, now); err != nil {
			return err
		}
	}
	return nil
}

// details names the rights of an invitation, for the audit record.
func (in InviteInput) details() []Detail {
	d := []Detail{{"roles", joined(in.Roles)}}
	for _, t := range in.Teams {
		d = append(d, Detail{"team", t.TeamID.String() + " " + string(t.Role)})
	}
	for _, g := range in.Grants {
		d = append(d, g.details()...)
	}
	return d
}

func (g GrantInput) details() []Detail {
	if g.WorkloadID == uuid.Nil {
		return []Detail{{"grant", string(g.Kind)}}
	}
	return []Detail{{"grant", string(g.Kind) + " " + g.WorkloadID.String()}}
}

func joined(roles []OrgRole) string {
	s := make([]string, len(roles))
	for i, r := range roles {
		s[i] = string(r)
	}
	return strings.Join(s, " ")
}

// PeopleFilter narrows the list of people.
type PeopleFilter struct {
	Search      string // a part of the name or the address
	Deactivated bool   // also those who are deactivated
	After       string // the cursor returned with the page before
	Limit       int    // 1 to 200; 0: 50
}

// People lists people by name with their rights, and the cursor of the next page, empty on
// the last one. Anyone signed in may read it.
func (s *Service) People(ctx context.Context, who Actor, f PeopleFilter) (page []Person, next string, err error) {
	if err := signedIn(who); err != nil {
		return nil, "", err
	}
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 50
	}
	page, err = listPeople(ctx, s.db, f)
	if err == nil && len(page) > f.Limit {
		page = page[:f.Limit]
		next = peopleCursor(page[f.Limit-1])
	}
	if err == nil {
		err = loadRights(ctx, s.db, who, page)
	}
	if err != nil {
		return nil, "", fmt.Errorf("list people: %w", err)
	}
	return page, next, nil
}

// Person returns one person with their rights. Anyone signed in may read it.
func (s *Service) Person(ctx context.Context, who Actor, id uuid.UUID) (Person, error) {
	if err := signedIn(who); err != nil {
		return Person{}, err
	}
	one, err := personByID(ctx, s.db, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Person{}, errNoPerson()
	}
	if err == nil {
		err = loadRights(ctx, s.db, who, one)
	}
	if err != nil {
		return Person{}, fmt.Errorf("read person %s: %w", id, err)
	}
	return one[0], nil
}

// seenBy leaves a grant out, or for admins blanks its workload, when who may not read that.
func (g GrantOfPerson) seenBy(who Actor, workload Target) (GrantOfPerson, bool) {
	if g.WorkloadID == uuid.Nil || who.CanRead(workload) {
		return g, true
	}
	g.WorkloadKey, g.WorkloadName = "", ""
	return g, who.Is(Admin)
}

// SetRoles gives a person exactly these roles in the organisation. Admins may. Conflict when
// it would leave nobody who can sign in as admin.
func (s *Service) SetRoles(ctx context.Context, who Actor, person uuid.UUID, roles []OrgRole) error {
	var p problems
	roles = p.roles(roles)
	err := s.act(ctx, who, func(tx pgx.Tx, now time.Time) (*Act, error) {
		if err := mayManage(who); err != nil {
			return nil, err
		}
		if err := p.err(); err != nil {
			return nil, err
		}
		before, err := lockRoles(ctx, tx, person)
		if err != nil || slices.Equal(before, roles) {
			return nil, err
		}
		for _, r := range before {
			if !slices.Contains(roles, r) {
				if err := dropRole(ctx, tx, person, r); err != nil {
					return nil, err
				}
			}
		}
		for _, r := range roles {
			if !slices.Contains(before, r) {
				if err := addRole(ctx, tx, person, r, who.PersonID, now); err != nil {
					return nil, err
				}
			}
		}
		return personAct("roles.set", person, Detail{"before", joined(before)}, Detail{"after", joined(roles)}),
			adminRemains(ctx, tx, before, roles)
	})
	if err != nil {
		return fmt.Errorf("set roles: %w", err)
	}
	return nil
}

// lockRoles locks every admin's role, in one order, then the person, and returns the
// person's roles. So two admins who remove each other do so one after the other.
func lockRoles(ctx context.Context, tx pgx.Tx, person uuid.UUID) ([]OrgRole, error) {
	if err := lockAdmins(ctx, tx); err != nil {
		return nil, err
	}
	if _, err := lockPerson(ctx, tx, person); err != nil {
		return nil, err
	}
	return rolesOf(ctx, tx, person)
}

// adminRemains is a Conflict when an admin was lost and no other is left who can sign in.
func adminRemains(ctx context.Context, tx pgx.Tx, before, after []OrgRole) error {
	if !slices.Contains(before, Admin) || slices.Contains(after, Admin) {
		return nil
	}
	n, err := countAdmins(ctx, tx)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "This is the last admin who can sign in. Make another admin first.")
	}
	return err
}

// SetMembership puts a person into a team, or changes their role there. Admins may. Invalid
// on "role" and "team".
func (s *Service) SetMembership(ctx context.Context, who Actor, team, person uuid.UUID, role TeamRole) error {
	var p problems
	p.teamRole(role)
	err := s.act(ctx, who, func(tx pgx.Tx, now time.Time) (*Act, error) {
		if err := mayManage(who); err != nil {
			return nil, err
		}
		if err := p.err(); err != nil {
			return nil, err
		}
		if _, err := lockPerson(ctx, tx, person); err != nil {
			return nil, err
		}
		changed, err := putMembership(ctx, tx, person, Membership{team, role}, who.PersonID, now)
		if err != nil || !changed {
			return nil, err
		}
		return personAct("membership.set", person, Detail{"team", team.String()}, Detail{"role", string(role)}), nil
	})
	if err != nil {
		return fmt.Errorf("set membership: %w", err)
	}
	return nil
}

// RemoveMembership takes a person out of a team. Admins may. NotFound when they are not in it.
func (s *Service) RemoveMembership(ctx context.Context, who Actor, team, person uuid.UUID) error {
	err := s.act(ctx, who, func(tx pgx.Tx, _ time.Time) (*Act, error) {
		if err := mayManage(who); err != nil {
			return nil, err
		}
		removed, err := dropMembership(ctx, tx, team, person)
		if err == nil && !removed {
			err = fault.New(fault.NotFound, "This person is not in the team.")
		}
		return personAct("membership.removed", person, Detail{"team", team.String()}), err
	})
	if err != nil {
		return fmt.Errorf("remove membership: %w", err)
	}
	return nil
}

// Grant lets a person approve or facilitate one workload, or all with uuid.Nil. Admins may,
// also for themselves: such a grant is kept as self-given and never decides, until another
// admin grants it again. Invalid on "kind" and "workload".
func (s *Service) Grant(ctx context.Context, who Actor, person uuid.UUID, in GrantInput) error {
	var p problems
	p.kind(in.Kind)
	err := s.act(ctx, who, func(tx pgx.Tx, now time.Time) (*Act, error) {
		if err := mayManage(who); err != nil {
			return nil, err
		}
		if err := p.err(); err != nil {
			return nil, err
		}
		if _, err := lockPerson(ctx, tx, person); err != nil {
			return nil, err
		}
		changed, err := putGrant(ctx, tx, person, in, who.PersonID, now)
		if err != nil || !changed {
			return nil, err
		}
		return personAct("grant.given", person, in.details()...), nil
	})
	if err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	return nil
}

// RevokeGrant takes a grant back. Admins may.
func (s *Service) RevokeGrant(ctx context.Context, who Actor, grant uuid.UUID) error {
	err := s.act(ctx, who, func(tx pgx.Tx, _ time.Time) (*Act, error) {
		if err := mayManage(who); err != nil {
			return nil, err
		}
		person, was, err := dropGrant(ctx, tx, grant)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, fault.New(fault.NotFound, "There is no such grant.")
		}
		return personAct("grant.revoked", person, was.details()...), err
	})
	if err != nil {
		return fmt.Errorf("revoke grant: %w", err)
	}
	return nil
}

// Deactivate ends a person's access at once: sessions, tokens and links stop working, and
// reactivating does not bring them back. Admins may. Conflict when nobody would be left who
// can sign in as admin.
func (s *Service) Deactivate(ctx context.Context, who Actor, person uuid.UUID) error {
	err := s.act(ctx, who, func(tx pgx.Tx, now time.Time) (*Act, error) {
		if err := mayManage(who); err != nil {
			return nil, err
		}
		roles, err := lockRoles(ctx, tx, person)
		if err != nil {
			return nil, err
		}
		changed, err := setDeactivated(ctx, tx, person, &now)
		if err != nil || !changed {
			return nil, err
		}
		if err := adminRemains(ctx, tx, roles, nil); err != nil {
			return nil, err
		}
		if err := endSessions(ctx, tx, person); err != nil {
			return nil, err
		}
		if err := voidLinks(ctx, tx, person, now); err != nil {
			return nil, err
		}
		return personAct("person.deactivated", person), revokeTokens(ctx, tx, person, now)
	})
	if err != nil {
		return fmt.Errorf("deactivate: %w", err)
	}
	return nil
}

// Reactivate lets a person sign in again, with the password, roles, teams and grants they
// had. Admins may.
func (s *Service) Reactivate(ctx context.Context, who Actor, person uuid.UUID) error {
	err := s.act(ctx, who, func(tx pgx.Tx, _ time.Time) (*Act, error) {
		if err := mayManage(who); err != nil {
			return nil, err
		}
		if _, err := lockPerson(ctx, tx, person); err != nil {
			return nil, err
		}
		changed, err := setDeactivated(ctx, tx, person, nil)
		if err != nil || !changed {
			return nil, err
		}
		return personAct("person.reactivated", person), nil
	})
	if err != nil {
		return fmt.Errorf("reactivate: %w", err)
	}
	return nil
}

// Rename changes the name of who. Invalid on "name".
func (s *Service) Rename(ctx context.Context, who Actor, name string) error {
	if err := inPerson(who); err != nil {
		return err
	}
	var p problems
	name = p.name(name)
	if err := p.err(); err != nil {
		return err
	}
	err := s.act(ctx, who, func(tx pgx.Tx, _ time.Time) (*Act, error) {
		changed, err := setName(ctx, tx, who.PersonID, name)
		if err != nil || !changed {
			return nil, err
		}
		return personAct("person.renamed", who.PersonID), nil
	})
	if err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	return nil
}

// Ref names a person.
type Ref struct {
	ID    uuid.UUID
	Name  string
	Email string
}

// PeopleOfTeam lists the active people of a team by name. It does not authorise: pages and
// other rooms call it for a team they show anyway.
func PeopleOfTeam(ctx context.Context, q postgres.Querier, team uuid.UUID) ([]Ref, error) {
	return peopleOfTeam(ctx, q, team)
}

// LeadsOfTeams lists the active leads of every team by name. It does not authorise: anyone signed in
// may read the teams with their members.
func LeadsOfTeams(ctx context.Context, q postgres.Querier) (map[uuid.UUID][]Ref, error) {
	return leadsOfTeams(ctx, q)
}

// Candidate is a person who may judge a workload, as far as grants go.
type Candidate struct {
	ID     uuid.UUID
	Name   string
	Email  string
	InTeam bool // in the team asked about
}

// Approvers lists the active people who hold an approver grant on the workload or on all,
// given by somebody else, by name; each once. It does not authorise: the review room calls
// it inside its transactions.
func Approvers(ctx context.Context, q postgres.Querier, workload, team uuid.UUID) ([]Candidate, error) {
	return approvers(ctx, q, workload, team)
}
