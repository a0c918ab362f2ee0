package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/postgres"
	"orrery/internal/sheet"
)

// TeamColumns and PeopleColumns are what tables of teams and of people may hold.
var (
	TeamColumns = []sheet.Column{
		{Name: "key", Required: true, Example: "ledger", Hint: "2 to 40 small letters, digits and hyphens. It never changes, and finds a team that is there."},
		{Name: "name", Required: true, Example: "Ledger", Hint: "At most 120 characters."},
	}
	PeopleColumns = []sheet.Column{
		{Name: "email", Required: true, Example: "ada@example.org", Hint: "It finds a person who is there."},
		{Name: "name", Required: true, Example: "Ada Example", Hint: "The name of a person who is there stays as it is."},
		{Name: "teams", Example: "ledger:lead storefront", Hint: "Keys of teams with spaces between; :lead after one makes a lead. A person who is there leaves no team."},
		{Name: "roles", Example: "curator", Hint: "admin, curator, auditor, for new people only."},
	}
)

// Invited is a person whom an import made, with their link.
type Invited struct {
	Name, Email string
	Link        Link
}

// ImportTeams adds teams and renames those that are there, one act and one record for each
// row. Without keep, or when a row is refused, nothing is written. Admins may.
func (s *Service) ImportTeams(ctx context.Context, who Actor, rows []sheet.Row, keep bool) ([]sheet.Change, bool, error) {
	if err := mayManage(who); err != nil {
		return nil, false, err
	}
	now := s.clock()
	changes, kept, err := postgres.ImportRows(ctx, s.db, rows, keep, func(tx pgx.Tx, row sheet.Row) (sheet.Change, error) {
		c, act, err := importTeam(ctx, tx, row, now)
		if err == nil && act != nil && keep {
			act.At = now
			err = s.record(ctx, tx, who, *act)
		}
		return c, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("import teams: %w", err)
	}
	return changes, kept, nil
}

func importTeam(ctx context.Context, tx pgx.Tx, row sheet.Row, now time.Time) (c sheet.Change, act *Act, err error) {
	var p problems
	key, name := p.key(row.Get("key")), p.name(row.Get("name"))
	c.Key = row.Get("key")
	if err := p.err(); err != nil {
		return c, nil, err
	}
	old, err := teamByKey(ctx, tx, key)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		t := Team{ID: uuid.Must(uuid.NewV7()), Key: key, Name: name, CreatedAt: now}
		c.Kind, c.Words = sheet.Create, "Adds the team "+name+"."
		return c, teamAct("team.created", t.ID, Detail{"key", t.Key}), insertTeam(ctx, tx, t)
	case err != nil:
		return c, nil, err
	case old.Name == name:
		c.Kind = sheet.Same
		return c, nil, nil
	}
	c.Kind, c.Words = sheet.Update, "Renames "+old.Name+" to "+name+"."
	return c, teamAct("team.renamed", old.ID), setTeamName(ctx, tx, old.ID, name)
}

// ImportPeople invites people and puts those who are there into more teams, one act and one
// record for each row. It returns a link for everybody who is new, when it was kept. Without
// keep, or when a row is refused, nothing is written. Admins may.
func (s *Service) ImportPeople(ctx context.Context, who Actor, rows []sheet.Row, keep bool) (changes []sheet.Change, links []Invited, kept bool, err error) {
	if err := mayManage(who); err != nil {
		return nil, nil, false, err
	}
	teams, err := listTeams(ctx, s.db)
	if err != nil {
		return nil, nil, false, fmt.Errorf("import people: %w", err)
	}
	now := s.clock()
	changes, kept, err = postgres.ImportRows(ctx, s.db, rows, keep, func(tx pgx.Tx, row sheet.Row) (sheet.Change, error) {
		c, act, link, err := importPerson(ctx, tx, who, row, teams, now)
		if err == nil && act != nil && keep {
			act.At = now
			err = s.record(ctx, tx, who, *act)
		}
		if link != nil {
			links = append(links, *link)
		}
		return c, err
	})
	if err != nil {
		return nil, nil, false, fmt.Errorf("import people: %w", err)
	}
	if !kept {
		links = nil
	}
	return changes, links, kept, nil
}

// importPerson invites the person of a row, or puts them into more teams.
func importPerson(ctx context.Context, tx pgx.Tx, who Actor, row sheet.Row, teams []Team, now time.Time) (c sheet.Change, act *Act, link *Invited, err error) {
	in, words, err := readPerson(row, teams)
	c.Key = in.Email
	if err != nil {
		return c, nil, nil, err
	}
	old, err := personByEmail(ctx, tx, in.Email)
	if fault.Is(err, fault.NotFound) {
		c.Kind, c.Words = sheet.Create, "Invites "+in.Name+words+"."
		made := credentials{ID: uuid.Must(uuid.NewV7()), Email: in.Email, Name: in.Name}
		if err := insertPerson(ctx, tx, made, now); err != nil {
			return c, nil, nil, err
		}
		if err := putRights(ctx, tx, who, made.ID, in, now); err != nil {
			return c, nil, nil, err
		}
		one, err := putLink(ctx, tx, SetPassword, made.ID, who, now, inviteLinkLife)
		return c, personAct("person.invited", made.ID, in.details()...), &Invited{in.Name, in.Email, one}, err
	}
	if err != nil {
		return c, nil, nil, err
	}
	c.Kind = sheet.Same
	if old.DeactivatedAt != nil {
		return c, nil, nil, fault.InvalidField("email", "This person is deactivated. Reactivate them on their page first.")
	}
	if len(in.Roles) > 0 {
		return c, nil, nil, fault.InvalidField("roles", "This person is here already, and their roles change on their page only. Leave the cell empty.")
	}
	details := []Detail{}
	for _, m := range in.Teams {
		changed, err := putMembership(ctx, tx, old.ID, m, who.PersonID, now)
		if err != nil {
			return c, nil, nil, err
		}
		if changed {
			details = append(details, Detail{"team", m.TeamID.String() + " " + string(m.Role)})
		}
	}
	if len(details) == 0 {
		return c, nil, nil, nil
	}
	c.Kind, c.Words = sheet.Update, old.Name+" is here already; now "+strings.TrimPrefix(words, ", ")+"."
	return c, personAct("membership.set", old.ID, details...), nil, nil
}

// readPerson checks the cells of a row; words say the teams and roles.
func readPerson(row sheet.Row, teams []Team) (in InviteInput, words string, err error) {
	var p problems
	in.Email, in.Name = p.email(row.Get("email")), p.name(row.Get("name"))
	for _, entry := range sheet.List(row.Get("teams")) {
		key, role, _ := strings.Cut(entry, ":")
		if role == "" {
			role = string(Member)
		}
		i := slices.IndexFunc(teams, func(t Team) bool { return t.Key == key })
		switch {
		case i < 0:
			p.add("teams", "There is no team with the key "+key+". Import the teams first.")
		case role != string(Lead) && role != string(Member):
			p.add("teams", "Write "+key+":lead or "+key+":member.")
		default:
			in.Teams = append(in.Teams, Membership{teams[i].ID, TeamRole(role)})
			words += ", " + role + " of " + teams[i].Name
		}
	}
	for _, role := range sheet.List(row.Get("roles")) {
		if r := OrgRole(role); r != Admin && r != Curator && r != Auditor {
			p.add("roles", "Choose among admin, curator and auditor.")
			break
		}
		in.Roles = append(in.Roles, OrgRole(role))
		words += ", " + role
	}
	slices.Sort(in.Roles)
	in.Roles = slices.Compact(in.Roles)
	return in, words, p.err()
}

// importedAgain is how long a table of people that is written again is one sent twice.
const importedAgain = time.Hour

// ImportedBefore lists the people of a table when all of them are here and one of them was
// invited within the last hour; nobody otherwise. Admins may.
func (s *Service) ImportedBefore(ctx context.Context, who Actor, rows []sheet.Row) ([]Person, error) {
	if err := mayManage(who); err != nil {
		return nil, err
	}
	emails := map[string]bool{}
	for _, row := range rows {
		var p problems
		emails[p.email(row.Get("email"))] = true
	}
	const sql = `select id, name, email, created_at from people where email = any($1) order by name, id`
	found, err := s.db.Query(ctx, sql, slices.Collect(maps.Keys(emails)))
	if err != nil {
		return nil, fmt.Errorf("look for imported people: %w", err)
	}
	list, err := pgx.CollectRows(found, pgx.RowToStructByNameLax[Person])
	if err != nil {
		return nil, fmt.Errorf("look for imported people: %w", err)
	}
	since := s.clock().Add(-importedAgain)
	if len(list) < len(emails) || !slices.ContainsFunc(list, func(p Person) bool { return p.CreatedAt.After(since) }) {
		return nil, nil
	}
	return list, nil
}
