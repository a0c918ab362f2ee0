package identity_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres/pgtest"
)

const password = "seven quiet herons wade"

// clock is the time of the tests; it moves only when told to.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is an installation with one admin, Ada, who is signed in.
type world struct {
	testing.TB
	ctx     context.Context
	db      *pgxpool.Pool
	s       *identity.Service
	clock   *clock
	ada     identity.Actor
	session string // Ada's
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := emptyWorld(t)
	link := must(w.s.MakeAdminLink(w.ctx))(t)
	_, session, err := w.s.AcceptAdminLink(w.ctx, link.Secret, "Ada Example", "ada@example.org", password, from("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	w.session = session
	w.ada = w.actor(session)
	return w
}

func emptyWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, ctx: t.Context(), db: pgtest.New(t), clock: &clock{at: time.Date(2026, 3, 2, 9, 0, 0, 123456789, time.UTC)}}
	w.s = identity.NewService(w.db, audit.RecordIdentity, w.clock.now)
	return w
}

func from(ip string) identity.Client {
	return identity.Client{IP: ip, UserAgent: "Test/1.0", RequestID: "req-1"}
}

// must returns a value, or fails the test: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatalf("unexpected: %v", err)
		}
		return v
	}
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("unexpected: %v", err)
	}
}

// refused checks the kind of the fault, the fields named, and that there are words.
func refused(t testing.TB, err error, kind fault.Kind, fields ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want kind %d", kind)
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind {
		t.Fatalf("error is %v, want kind %d", err, kind)
	}
	var got []string
	for _, x := range f.Fields {
		got = append(got, x.Name)
		if !strings.HasSuffix(x.Message, ".") {
			t.Errorf("message of %s is no sentence: %q", x.Name, x.Message)
		}
	}
	if !slices.Equal(got, fields) {
		t.Errorf("fields %v, want %v", f.Fields, fields)
	}
	if !strings.HasSuffix(fault.MessageOf(err), ".") {
		t.Errorf("the message is no sentence: %q", fault.MessageOf(err))
	}
}

func (w *world) actor(session string) identity.Actor {
	w.Helper()
	a, _, err := w.s.Actor(w.ctx, session)
	w.ok(err)
	return a
}

// again loads the person's rights afresh.
func (w *world) again(a identity.Actor) identity.Actor {
	w.Helper()
	return must(w.s.ActorFor(w.ctx, a.PersonID))(w)
}

// invited is a person without a password, and their link.
func (w *world) invited(name string, in identity.InviteInput) (identity.Person, string) {
	w.Helper()
	in.Name, in.Email = name, email(name)
	p, link, err := w.s.Invite(w.ctx, w.ada, in)
	w.ok(err)
	return p, link.Secret
}

func email(name string) string { return strings.ToLower(name) + "@example.org" }

// join invites a person and sets their password; they are signed in.
func (w *world) join(name string, in identity.InviteInput) (identity.Actor, string) {
	w.Helper()
	_, secret := w.invited(name, in)
	session := must(w.s.AcceptLink(w.ctx, secret, password, from("192.0.2.7")))(w)
	return w.actor(session), session
}

func (w *world) team(key string) identity.Team {
	w.Helper()
	return must(w.s.CreateTeam(w.ctx, w.ada, key, "Team "+key))(w)
}

// workload inserts a workload of the team.
func (w *world) workload(key string, team uuid.UUID, restricted bool) uuid.UUID {
	w.Helper()
	id := uuid.Must(uuid.NewV7())
	_, err := w.db.Exec(w.ctx, `insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		values ($1, $2, $2, '', $3, 1, 'live', $4, $5, $5)`, id, key, team, restricted, w.clock.now())
	w.ok(err)
	return id
}

// one reads a single value.
func one[T any](w *world, sql string, args ...any) T {
	w.Helper()
	rows, err := w.db.Query(w.ctx, sql, args...)
	w.ok(err)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	w.ok(err)
	return v
}

// acts is the number of audit rows.
func (w *world) acts() int64 { return one[int64](w, `select count(*) from audit_records`) }

func (w *world) lastVerb() string {
	return one[string](w, `select verb from audit_records where stream = 'org' order by seq desc limit 1`)
}

// content is a digest of every table of the room and of the audit record.
func (w *world) content() string {
	w.Helper()
	return one[string](w, `select md5(concat_ws('|',
		(select string_agg(x::text, ';' order by x::text) from organisation x),
		(select string_agg(x::text, ';' order by x::text) from people x),
		(select string_agg(x::text, ';' order by x::text) from org_roles x),
		(select string_agg(x::text, ';' order by x::text) from teams x),
		(select string_agg(x::text, ';' order by x::text) from memberships x),
		(select string_agg(x::text, ';' order by x::text) from grants x),
		(select string_agg(x::text, ';' order by x::text) from sessions x),
		(select string_agg(x::text, ';' order by x::text) from tokens x),
		(select string_agg(x::text, ';' order by x::text) from one_time_links x),
		(select string_agg(x::text, ';' order by x::text) from audit_records x)))`)
}
