package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/postgres"
)

// orNull stores uuid.Nil as null: "by the installation", "for the whole organisation".
func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// affected runs a statement that changes one row or none, and says whether it did.
func affected(ctx context.Context, tx pgx.Tx, sql string, args ...any) (bool, error) {
	tag, err := tx.Exec(ctx, sql, args...)
	return tag.RowsAffected() > 0, err
}

func run(ctx context.Context, tx pgx.Tx, sql string, args ...any) error {
	_, err := tx.Exec(ctx, sql, args...)
	return err
}

// fieldOf turns a violated constraint into the message of a field.
func fieldOf(err error) error {
	name, _ := postgres.Constraint(err)
	switch name {
	case "people_email_unique":
		return fault.InvalidField("email", "Somebody with this e-mail address is here already.")
	case "teams_key_unique":
		return fault.InvalidField("key", "Another team has this key.")
	case "teams_name_unique":
		return fault.InvalidField("name", "Another team has this name.")
	case "memberships_team_id_fkey":
		return fault.InvalidField("team", "Choose a team from the list.")
	case "grants_workload_known":
		return fault.InvalidField("workload", "Choose a workload from the list.")
	}
	return err
}

// People

const credentialColumns = `id, name, email, password_hash, deactivated_at`

func credentialsWhere(ctx context.Context, q postgres.Querier, where string, arg any) (credentials, error) {
	rows, err := q.Query(ctx, `select `+credentialColumns+` from people where `+where, arg)
	if err != nil {
		return credentials{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[credentials])
}

// credentialsByEmail returns nobody, without an error, when there is no such person.
func credentialsByEmail(ctx context.Context, q postgres.Querier, email string) (credentials, error) {
	c, err := credentialsWhere(ctx, q, `email = $1 and service_team is null`, email)
	if errors.Is(err, pgx.ErrNoRows) {
		return credentials{}, nil
	}
	return c, err
}

func credentialsByID(ctx context.Context, q postgres.Querier, id uuid.UUID) (credentials, error) {
	return foundPerson(credentialsWhere(ctx, q, `id = $1`, id))
}

// lockPerson reads a person and locks the row. NotFound when absent.
func lockPerson(ctx context.Context, tx pgx.Tx, id uuid.UUID) (credentials, error) {
	return foundPerson(credentialsWhere(ctx, tx, `id = $1 and service_team is null for no key update`, id))
}

// personByEmail reads a person by the address as typed and locks the row. NotFound when absent.
func personByEmail(ctx context.Context, tx pgx.Tx, email string) (credentials, error) {
	address, message := canonicalEmail(email)
	if message != "" {
		return credentials{}, fault.InvalidField("email", "%s", message)
	}
	return foundPerson(credentialsWhere(ctx, tx, `email = $1 and service_team is null for no key update`, address))
}

func foundPerson(c credentials, err error) (credentials, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		err = errNoPerson()
	}
	return c, err
}

// lockIfSame locks the person and reports whether they are active and their password is
// still the one in c.
func lockIfSame(ctx context.Context, tx pgx.Tx, c credentials) (same bool, err error) {
	const sql = `
		select deactivated_at is null and password_hash is not distinct from $2
		from people where id = $1 for no key update`
	err = tx.QueryRow(ctx, sql, c.ID, c.PasswordHash).Scan(&same)
	return same, err
}

func insertPerson(ctx context.Context, tx pgx.Tx, c credentials, now time.Time) error {
	const sql = `insert into people (id, email, name, password_hash, created_at) values ($1, $2, $3, $4, $5)`
	return fieldOf(run(ctx, tx, sql, c.ID, c.Email, c.Name, c.PasswordHash, now))
}

func setName(ctx context.Context, tx pgx.Tx, id uuid.UUID, name string) (bool, error) {
	return affected(ctx, tx, `update people set name = $2 where id = $1 and name <> $2`, id, name)
}

func setPasswordHash(ctx context.Context, tx pgx.Tx, id uuid.UUID, hashed string) error {
	return run(ctx, tx, `update people set password_hash = $2 where id = $1`, id, hashed)
}

func setDeactivated(ctx context.Context, tx pgx.Tx, id uuid.UUID, at *time.Time) (bool, error) {
	const sql = `update people set deactivated_at = $2 where id = $1 and (deactivated_at is null) <> ($2::timestamptz is null)`
	return affected(ctx, tx, sql, id, at)
}

const personColumns = `id, email, name, created_at, deactivated_at, password_hash is not null as has_password`

func personByID(ctx context.Context, q postgres.Querier, id uuid.UUID) ([]Person, error) {
	rows, err := q.Query(ctx, `select `+personColumns+` from people where id = $1`, id)
	if err != nil {
		return nil, err
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Person])
	return []Person{p}, err
}

// listPeople returns one more than the limit when there is a next page.
func listPeople(ctx context.Context, q postgres.Querier, f PeopleFilter) ([]Person, error) {
	const sql = `select ` + personColumns + ` from people
		where service_team is null and (@deactivated or deactivated_at is null)
		and (@search = '' or strpos(lower(name), lower(@search)) > 0 or strpos(email, lower(@search)) > 0)
		and (lower(name), id) > (lower(@name), @id)
		order by lower(name), id limit @limit`
	name, id := readPeopleCursor(f.After)
	rows, err := q.Query(ctx, sql, pgx.StrictNamedArgs{
		"deactivated": f.Deactivated, "search": searchable(f.Search), "name": name, "id": id, "limit": f.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Person])
}

func searchable(s string) string { return strings.TrimSpace(shown(s, maxEmail)) }

// peopleCursor names the last person of a page. The database lowers the name, here as in
// the order.
func peopleCursor(p Person) string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.ID.String() + p.Name))
}

// IsPeopleCursor reports whether a page of people may begin after s; empty is the first page.
func IsPeopleCursor(s string) bool {
	name, id := readPeopleCursor(s)
	return s == "" || id != uuid.Nil && peopleCursor(Person{ID: id, Name: name}) == s
}

// readPeopleCursor returns what comes before everybody when s is not a cursor.
func readPeopleCursor(s string) (name string, id uuid.UUID) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < 36 {
		return "", uuid.Nil
	}
	if id, err = uuid.Parse(string(b[:36])); err != nil {
		return "", uuid.Nil
	}
	return shown(string(b[36:]), maxName), id
}

// loadRights fills roles, teams and grants of the people, as who may see them.
func loadRights(ctx context.Context, q postgres.Querier, who Actor, people []Person) error {
	ids := make([]uuid.UUID, len(people))
	at := make(map[uuid.UUID]*Person, len(people))
	for i := range people {
		ids[i], at[people[i].ID] = people[i].ID, &people[i]
	}
	var person uuid.UUID
	var role OrgRole
	err := forEach(ctx, q, `select person_id, role from org_roles where person_id = any($1) order by role`, ids,
		[]any{&person, &role}, func() { at[person].Roles = append(at[person].Roles, role) })
	if err != nil {
		return fmt.Errorf("roles: %w", err)
	}
	var t PersonTeam
	err = forEach(ctx, q, `
		select m.person_id, m.team_id, t.key, t.name, m.role
		from memberships m join teams t on t.id = m.team_id
		where m.person_id = any($1) order by lower(t.name)`, ids,
		[]any{&person, &t.TeamID, &t.Key, &t.Name, &t.Role}, func() { at[person].Teams = append(at[person].Teams, t) })
	if err != nil {
		return fmt.Errorf("teams: %w", err)
	}
	var g GrantOfPerson
	var w Target
	const none = `'00000000-0000-0000-0000-000000000000'`
	err = forEach(ctx, q, `
		select g.person_id, g.id, g.kind, coalesce(g.workload_id, `+none+`), coalesce(w.key, ''), coalesce(w.name, ''),
			coalesce(g.granted_by, `+none+`), coalesce(b.name, ''), g.granted_at, g.granted_by is not distinct from g.person_id,
			coalesce(w.id, `+none+`), coalesce(w.team_id, `+none+`), coalesce(w.restricted, false)
		from grants g left join workloads w on w.id = g.workload_id left join people b on b.id = g.granted_by
		where g.person_id = any($1) order by g.workload_id is not null, lower(w.name), g.kind`, ids,
		[]any{&person, &g.ID, &g.Kind, &g.WorkloadID, &g.WorkloadKey, &g.WorkloadName,
			&g.GrantedBy, &g.GrantedByName, &g.GrantedAt, &g.SelfGiven, &w.WorkloadID, &w.TeamID, &w.Restricted},
		func() {
			if seen, ok := g.seenBy(who, w); ok {
				at[person].Grants = append(at[person].Grants, seen)
			}
		})
	if err != nil {
		return fmt.Errorf("grants: %w", err)
	}
	return nil
}

// forEach scans each row into the same variables and calls do.
func forEach(ctx context.Context, q postgres.Querier, sql string, arg any, into []any, do func()) error {
	rows, err := q.Query(ctx, sql, arg)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, into, func() error { do(); return nil })
	return err
}

// Roles, memberships, grants

// lockAdmins locks the rows that make admins, so that only one transaction at a time takes
// any of them away.
func lockAdmins(ctx context.Context, tx pgx.Tx) error {
	return run(ctx, tx, `select from org_roles where role = 'admin' order by person_id for update`)
}

// countAdmins counts the admins who can sign in.
func countAdmins(ctx context.Context, tx pgx.Tx) (n int, err error) {
	const sql = `
		select count(*) from org_roles r join people p on p.id = r.person_id
		where r.role = 'admin' and p.deactivated_at is null and (p.password_hash is not null or p.subject is not null)`
	err = tx.QueryRow(ctx, sql).Scan(&n)
	return n, err
}

func rolesOf(ctx context.Context, q postgres.Querier, person uuid.UUID) ([]OrgRole, error) {
	rows, err := q.Query(ctx, `select role from org_roles where person_id = $1 order by role`, person)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[OrgRole])
}

func addRole(ctx context.Context, tx pgx.Tx, person uuid.UUID, r OrgRole, by uuid.UUID, now time.Time) error {
	const sql = `insert into org_roles (person_id, role, granted_by, granted_at) values ($1, $2, $3, $4)`
	return run(ctx, tx, sql, person, r, orNull(by), now)
}

func dropRole(ctx context.Context, tx pgx.Tx, person uuid.UUID, r OrgRole) error {
	return run(ctx, tx, `delete from org_roles where person_id = $1 and role = $2`, person, r)
}

func putMembership(ctx context.Context, tx pgx.Tx, person uuid.UUID, m Membership, by uuid.UUID, now time.Time) (bool, error) {
	const sql = `
		insert into memberships (team_id, person_id, role, granted_by, granted_at) values ($1, $2, $3, $4, $5)
		on conflict (person_id, team_id) do update
		set role = excluded.role, granted_by = excluded.granted_by, granted_at = excluded.granted_at
		where memberships.role <> excluded.role`
	changed, err := affected(ctx, tx, sql, m.TeamID, person, m.Role, orNull(by), now)
	return changed, fieldOf(err)
}

func dropMembership(ctx context.Context, tx pgx.Tx, team, person uuid.UUID) (bool, error) {
	return affected(ctx, tx, `delete from memberships where team_id = $1 and person_id = $2`, team, person)
}

// putGrant adds the grant. One that is there stays as it is, except that a self-given one
// becomes the grant of somebody else who gives it again.
func putGrant(ctx context.Context, tx pgx.Tx, person uuid.UUID, g GrantInput, by uuid.UUID, now time.Time) (bool, error) {
	const sql = `
		insert into grants (id, person_id, kind, workload_id, granted_by, granted_at) values ($1, $2, $3, $4, $5, $6)
		on conflict on constraint grants_unique do update
		set granted_by = excluded.granted_by, granted_at = excluded.granted_at
		where grants.granted_by = grants.person_id and excluded.granted_by <> grants.person_id`
	changed, err := affected(ctx, tx, sql, uuid.Must(uuid.NewV7()), person, g.Kind, orNull(g.WorkloadID), orNull(by), now)
	return changed, fieldOf(err)
}

func dropGrant(ctx context.Context, tx pgx.Tx, id uuid.UUID) (person uuid.UUID, was GrantInput, err error) {
	var workload *uuid.UUID
	err = tx.QueryRow(ctx, `delete from grants where id = $1 returning person_id, kind, workload_id`, id).
		Scan(&person, &was.Kind, &workload)
	if workload != nil {
		was.WorkloadID = *workload
	}
	return person, was, err
}

func peopleOfTeam(ctx context.Context, q postgres.Querier, team uuid.UUID) ([]Ref, error) {
	const sql = `
		select p.id, p.name, p.email from memberships m join people p on p.id = m.person_id
		where m.team_id = $1 and p.deactivated_at is null order by lower(p.name), p.id`
	rows, err := q.Query(ctx, sql, team)
	if err != nil {
		return nil, fmt.Errorf("list people of team: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Ref])
}

func leadsOfTeams(ctx context.Context, q postgres.Querier) (map[uuid.UUID][]Ref, error) {
	const sql = `
		select m.team_id, p.id, p.name, p.email from memberships m join people p on p.id = m.person_id
		where m.role = 'lead' and p.deactivated_at is null order by lower(p.name), p.id`
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("list leads: %w", err)
	}
	leads := map[uuid.UUID][]Ref{}
	var team uuid.UUID
	var one Ref
	_, err = pgx.ForEachRow(rows, []any{&team, &one.ID, &one.Name, &one.Email}, func() error {
		leads[team] = append(leads[team], one)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list leads: %w", err)
	}
	return leads, nil
}

func approvers(ctx context.Context, q postgres.Querier, workload, team uuid.UUID) ([]Candidate, error) {
	const sql = `
		select p.id, p.name, p.email,
			exists (select from memberships m where m.person_id = p.id and m.team_id = @team) as in_team
		from people p
		where p.deactivated_at is null and exists (
			select from grants g
			where g.person_id = p.id and g.kind = 'approver' and g.granted_by is distinct from g.person_id
			and (g.workload_id is null or g.workload_id = @workload))
		order by lower(p.name), p.id`
	rows, err := q.Query(ctx, sql, pgx.StrictNamedArgs{"workload": workload, "team": team})
	if err != nil {
		return nil, fmt.Errorf("list approvers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Candidate])
}

// Teams and the organisation

func insertTeam(ctx context.Context, tx pgx.Tx, t Team) error {
	const sql = `insert into teams (id, key, name, created_at) values ($1, $2, $3, $4)`
	return fieldOf(run(ctx, tx, sql, t.ID, t.Key, t.Name, t.CreatedAt))
}

func lockTeam(ctx context.Context, tx pgx.Tx, id uuid.UUID) (name string, err error) {
	err = tx.QueryRow(ctx, `select name from teams where id = $1 for update`, id).Scan(&name)
	return name, err
}

func setTeamName(ctx context.Context, tx pgx.Tx, id uuid.UUID, name string) error {
	return fieldOf(run(ctx, tx, `update teams set name = $2 where id = $1`, id, name))
}

const teamColumns = `t.id, t.key, t.name, t.created_at,
	(select count(*) from memberships m join people p on p.id = m.person_id
	where m.team_id = t.id and p.deactivated_at is null) as people`

func listTeams(ctx context.Context, q postgres.Querier) ([]Team, error) {
	rows, err := q.Query(ctx, `
		select t.id, t.key, t.name, t.created_at, coalesce(m.people, 0) as people
		from teams t
		left join (
			select m.team_id, count(*) as people from memberships m join people p on p.id = m.person_id
			where p.deactivated_at is null group by m.team_id) m on m.team_id = t.id
		order by lower(t.name), t.id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Team])
}

func teamByKey(ctx context.Context, q postgres.Querier, key string) (Team, error) {
	if !keyPattern.MatchString(key) {
		return Team{}, pgx.ErrNoRows
	}
	rows, err := q.Query(ctx, `select `+teamColumns+` from teams t where t.key = $1`, key)
	if err != nil {
		return Team{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Team])
}

func membersOf(ctx context.Context, q postgres.Querier, team uuid.UUID) ([]TeamMember, error) {
	const sql = `
		select p.id as person_id, p.name, p.email, m.role, p.deactivated_at is null as active
		from memberships m join people p on p.id = m.person_id
		where m.team_id = $1 order by m.role = 'member', lower(p.name), p.id`
	rows, err := q.Query(ctx, sql, team)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[TeamMember])
}

func readOrganisation(ctx context.Context, q postgres.Querier) (name string, sample bool, err error) {
	err = q.QueryRow(ctx, `select name, sample_data from organisation`).Scan(&name, &sample)
	return name, sample, err
}

func putOrganisation(ctx context.Context, tx pgx.Tx, name string, sample bool) (bool, error) {
	const sql = `
		insert into organisation (name, sample_data) values ($1, $2)
		on conflict (one) do update set name = excluded.name, sample_data = excluded.sample_data
		where (organisation.name, organisation.sample_data) <> (excluded.name, excluded.sample_data)`
	return affected(ctx, tx, sql, name, sample)
}
