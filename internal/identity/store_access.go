package identity

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/postgres"
)

// actorColumns and actorFrom load a person with all rights in one row: arrays by subquery,
// so that nothing multiplies.
const (
	actorColumns = `p.id, p.name, p.email, p.service_team, r.roles, m.team_ids, m.team_roles, g.kinds, g.workload_ids, g.self_given`
	actorFrom    = `
	people p
	cross join lateral (select array_agg(role order by role) as roles from org_roles where person_id = p.id) r
	cross join lateral (
		select array_agg(team_id order by team_id) as team_ids, array_agg(role order by team_id) as team_roles
		from memberships where person_id = p.id) m
	cross join lateral (
		select array_agg(kind order by id) as kinds,
			array_agg(coalesce(workload_id, '00000000-0000-0000-0000-000000000000') order by id) as workload_ids,
			array_agg(granted_by is not distinct from person_id order by id) as self_given
		from grants where person_id = p.id) g`
)

// scanActor reads actorColumns and what follows them.
func scanActor(row pgx.Row, more ...any) (Actor, error) {
	var (
		a          Actor
		teams      []uuid.UUID
		teamRoles  []TeamRole
		kinds      []GrantKind
		workloads  []uuid.UUID
		selfGiven  []bool
		service    *uuid.UUID
		actorParts = []any{&a.PersonID, &a.Name, &a.Email, &service, &a.Roles, &teams, &teamRoles, &kinds, &workloads, &selfGiven}
	)
	if err := row.Scan(append(actorParts, more...)...); err != nil {
		return Actor{}, err
	}
	if service != nil {
		a.Service, a.Teams = true, []Membership{{TeamID: *service, Role: Member}}
	}
	for i, t := range teams {
		a.Teams = append(a.Teams, Membership{TeamID: t, Role: teamRoles[i]})
	}
	for i, k := range kinds {
		a.Grants = append(a.Grants, Grant{Kind: k, WorkloadID: workloads[i], SelfGiven: selfGiven[i]})
	}
	return a, nil
}

func actorBySession(ctx context.Context, q postgres.Querier, hash []byte, now time.Time) (Actor, Session, error) {
	const sql = `
		select ` + actorColumns + `, s.created_at, s.last_seen_at, s.expires_at, s.ip, s.user_agent
		from sessions s join ` + actorFrom + ` on p.id = s.person_id
		where s.token_hash = $1 and s.expires_at > $2 and s.last_seen_at > $3 and p.deactivated_at is null`
	s := Session{ID: sessionID(hash)}
	a, err := scanActor(q.QueryRow(ctx, sql, hash, now, now.Add(-sessionIdle)),
		&s.CreatedAt, &s.LastSeenAt, &s.ExpiresAt, &s.IP, &s.UserAgent)
	s.PersonID = a.PersonID
	return a, s, err
}

func actorByPerson(ctx context.Context, q postgres.Querier, id uuid.UUID) (Actor, error) {
	const sql = `select ` + actorColumns + ` from ` + actorFrom + ` where p.id = $1 and p.deactivated_at is null`
	return scanActor(q.QueryRow(ctx, sql, id))
}

func actorByToken(ctx context.Context, q postgres.Querier, hash []byte, now time.Time) (a Actor, used *time.Time, err error) {
	const sql = `
		select ` + actorColumns + `, t.id, t.scopes, t.last_used_at
		from tokens t join ` + actorFrom + ` on p.id = t.person_id
		where t.hash = $1 and t.expires_at > $2 and t.revoked_at is null and p.deactivated_at is null`
	var id uuid.UUID
	var scopes []string
	a, err = scanActor(q.QueryRow(ctx, sql, hash, now), &id, &scopes, &used)
	a.TokenID, a.Scopes = id, scopes
	return a, used, err
}

// Sessions

const sessionIDSize = 8 // bytes of the hash

func sessionID(hash []byte) string { return hex.EncodeToString(hash[:sessionIDSize]) }

func insertSession(ctx context.Context, tx pgx.Tx, hash []byte, s Session) error {
	const sql = `
		insert into sessions (token_hash, person_id, created_at, last_seen_at, expires_at, ip, user_agent)
		values ($1, $2, $3, $4, $5, $6, $7)`
	return run(ctx, tx, sql, hash, s.PersonID, s.CreatedAt, s.LastSeenAt, s.ExpiresAt, s.IP, s.UserAgent)
}

func touchSession(ctx context.Context, db *pgxpool.Pool, hash []byte, now time.Time) error {
	_, err := db.Exec(ctx, `update sessions set last_seen_at = $2 where token_hash = $1 and last_seen_at <= $3`,
		hash, now, now.Add(-seenEvery))
	return err
}

func endSession(ctx context.Context, tx pgx.Tx, hash []byte) (bool, error) {
	return affected(ctx, tx, `delete from sessions where token_hash = $1`, hash)
}

func endSessionOf(ctx context.Context, tx pgx.Tx, person uuid.UUID, id []byte) (bool, error) {
	return affected(ctx, tx, `delete from sessions where person_id = $1 and substring(token_hash for 8) = $2`, person, id)
}

func endSessions(ctx context.Context, tx pgx.Tx, person uuid.UUID) error {
	return run(ctx, tx, `delete from sessions where person_id = $1`, person)
}

func dropExpiredSessions(ctx context.Context, tx pgx.Tx, person uuid.UUID, now time.Time) error {
	return run(ctx, tx, `delete from sessions where person_id = $1 and (expires_at <= $2 or last_seen_at <= $3)`,
		person, now, now.Add(-sessionIdle))
}

func sessionsOf(ctx context.Context, q postgres.Querier, person uuid.UUID, now time.Time) ([]Session, error) {
	const sql = `
		select encode(substring(token_hash for 8), 'hex') as id, person_id, created_at, last_seen_at, expires_at, ip, user_agent
		from sessions where person_id = $1 and expires_at > $2 and last_seen_at > $3
		order by created_at desc, token_hash`
	rows, err := q.Query(ctx, sql, person, now, now.Add(-sessionIdle))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Session])
}

func hasSessionFrom(ctx context.Context, q postgres.Querier, person uuid.UUID, ip string, now time.Time) (known bool, err error) {
	const sql = `select exists (select from sessions where person_id = $1 and ip = $2 and expires_at > $3)`
	err = q.QueryRow(ctx, sql, person, ip, now).Scan(&known)
	return known, err
}

// Failed attempts

// Classes of advisory locks, so that an e-mail address and a network address never meet.
const (
	lockEmail   = 0x0e_11
	lockNetwork = 0x0e_12
)

// lockAttempts makes attempts for the address, and those from the network, wait for each
// other until the transaction ends: always the address first.
func lockAttempts(ctx context.Context, tx pgx.Tx, email []byte, network string) error {
	const sql = `select pg_advisory_xact_lock($1, hashtext($2))`
	if err := run(ctx, tx, sql, lockEmail, hex.EncodeToString(email)); err != nil {
		return err
	}
	return run(ctx, tx, sql, lockNetwork, network)
}

// dropAttempts deletes what is too old to count; rows that somebody else is deleting are theirs.
func dropAttempts(ctx context.Context, tx pgx.Tx, before time.Time) error {
	const sql = `
		delete from sign_in_attempts
		where id in (select id from sign_in_attempts where at <= $1 order by id limit 1000 for update skip locked)`
	return run(ctx, tx, sql, before)
}

// countAttempts counts the failures since. When the person is known on this network, only
// failures from there count against the address.
func countAttempts(ctx context.Context, tx pgx.Tx, email []byte, network string, known bool, since time.Time) (byEmail, byIP int, err error) {
	const sql = `
		select
			(select count(*) from sign_in_attempts where email_hash = $1 and at > $4 and (not $3 or ip = $2)),
			(select count(*) from sign_in_attempts where ip = $2 and at > $4)`
	err = tx.QueryRow(ctx, sql, email, network, known, since).Scan(&byEmail, &byIP)
	return byEmail, byIP, err
}

func addAttempt(ctx context.Context, tx pgx.Tx, email []byte, network string, now time.Time) error {
	return run(ctx, tx, `insert into sign_in_attempts (email_hash, ip, at) values ($1, $2, $3)`, email, network, now)
}

func clearAttempts(ctx context.Context, tx pgx.Tx, email []byte) error {
	return run(ctx, tx, `delete from sign_in_attempts where email_hash = $1`, email)
}

// Links

func insertLink(ctx context.Context, tx pgx.Tx, hash []byte, p Purpose, person, by uuid.UUID, now, expires time.Time) error {
	const sql = `
		insert into one_time_links (hash, purpose, person_id, created_by, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6)`
	return run(ctx, tx, sql, hash, p, orNull(person), orNull(by), now, expires)
}

func linkByHash(ctx context.Context, q postgres.Querier, hash []byte, now time.Time) (storedLink, error) {
	const sql = `
		select l.purpose, l.expires_at, coalesce(p.id, '00000000-0000-0000-0000-000000000000'), coalesce(p.name, ''), coalesce(p.email, '')
		from one_time_links l left join people p on p.id = l.person_id
		where l.hash = $1 and l.used_at is null and l.expires_at > $2 and p.deactivated_at is null`
	var l storedLink
	err := q.QueryRow(ctx, sql, hash, now).Scan(&l.Purpose, &l.ExpiresAt, &l.Person.ID, &l.Person.Name, &l.Person.Email)
	return l, err
}

// useLink marks the link as used, which only one transaction can. NotFound when it no longer
// works.
func useLink(ctx context.Context, tx pgx.Tx, hash []byte, p Purpose, now time.Time) error {
	const sql = `
		update one_time_links set used_at = $3
		where hash = $1 and purpose = $2 and used_at is null and expires_at > $3`
	used, err := affected(ctx, tx, sql, hash, p, now)
	if err == nil && !used {
		err = errLink()
	}
	return err
}

// voidLinks ends the links of a person that were not used.
func voidLinks(ctx context.Context, tx pgx.Tx, person uuid.UUID, now time.Time) error {
	return run(ctx, tx, `update one_time_links set expires_at = $2 where person_id = $1 and used_at is null and expires_at > $2`, person, now)
}

// lockAdminLinks makes those who accept links for admins do so one after the other.
func lockAdminLinks(ctx context.Context, tx pgx.Tx) error {
	return run(ctx, tx, `select from one_time_links where purpose = $1 and used_at is null order by hash for update`, FirstAdmin)
}

// voidAdminLinks ends the links for admins that were not used.
func voidAdminLinks(ctx context.Context, tx pgx.Tx, now time.Time) error {
	return run(ctx, tx, `update one_time_links set expires_at = $2 where purpose = $1 and used_at is null and expires_at > $2`, FirstAdmin, now)
}

// Tokens

func insertToken(ctx context.Context, tx pgx.Tx, person uuid.UUID, hash []byte, t Token) error {
	const sql = `
		insert into tokens (id, person_id, name, hash, hint, scopes, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`
	return run(ctx, tx, sql, t.ID, person, t.Name, hash, t.Hint, t.Scopes, t.CreatedAt, t.ExpiresAt)
}

func tokensOf(ctx context.Context, q postgres.Querier, person uuid.UUID) ([]Token, error) {
	const sql = `
		select id, name, hint, scopes, created_at, expires_at, last_used_at, revoked_at
		from tokens where person_id = $1 order by created_at desc, id desc`
	rows, err := q.Query(ctx, sql, person)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Token])
}

func lockToken(ctx context.Context, tx pgx.Tx, person, id uuid.UUID) (revoked bool, err error) {
	err = tx.QueryRow(ctx, `select revoked_at is not null from tokens where person_id = $1 and id = $2 for update`, person, id).Scan(&revoked)
	return revoked, err
}

func revokeToken(ctx context.Context, tx pgx.Tx, id uuid.UUID, now time.Time) error {
	return run(ctx, tx, `update tokens set revoked_at = $2 where id = $1`, id, now)
}

func revokeTokens(ctx context.Context, tx pgx.Tx, person uuid.UUID, now time.Time) error {
	return run(ctx, tx, `update tokens set revoked_at = $2 where person_id = $1 and revoked_at is null`, person, now)
}

func touchToken(ctx context.Context, db *pgxpool.Pool, id uuid.UUID, now time.Time) error {
	_, err := db.Exec(ctx, `update tokens set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at <= $3)`,
		id, now, now.Add(-seenEvery))
	return err
}
