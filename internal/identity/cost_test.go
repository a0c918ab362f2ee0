package identity_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

// counter counts the statements that reach the database.
type counter struct{ n atomic.Int64 }

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	return ctx
}

func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// counted returns the service on a pool whose statements are counted.
func (w *world) counted() (*identity.Service, *counter) {
	w.Helper()
	c := &counter{}
	cfg := w.db.Config()
	cfg.ConnConfig.Tracer = c
	db := must(pgxpool.NewWithConfig(w.ctx, cfg))(w)
	w.Cleanup(db.Close)
	return identity.NewService(db, audit.RecordIdentity, w.clock.now), c
}

// Every page loads its actor, so that takes one statement; a malformed token takes none.
func TestActorTakesOneStatement(t *testing.T) {
	w := newWorld(t)
	crowd(w)
	s, c := w.counted()
	_, token, err := w.s.CreateToken(w.ctx, w.ada, "ci", read, 24*time.Hour)
	w.ok(err)
	must(w.s.ActorByToken(w.ctx, token))(t)
	statements := func(do func() error) int64 {
		before := c.n.Load()
		_ = do()
		return c.n.Load() - before
	}
	bySession := func() error { _, _, err := s.Actor(w.ctx, w.session); return err }
	byToken := func() error { _, err := s.ActorByToken(w.ctx, token); return err }
	slip := func() error { _, err := s.ActorByToken(w.ctx, strings.ToLower(token)); return err }
	refused(t, slip(), fault.Unauthenticated)
	for name, x := range map[string]struct {
		do   func() error
		want int64
	}{"session": {bySession, 1}, "token": {byToken, 1}, "malformed token": {slip, 0}} {
		if n := statements(x.do); n != x.want {
			t.Errorf("%s: %d statements, want %d", name, n, x.want)
		}
	}
	w.clock.pass(6 * time.Minute)
	for name, do := range map[string]func() error{"session": bySession, "token": byToken} {
		if n, again := statements(do), statements(do); n != 2 || again != 1 {
			t.Errorf("%s after six minutes: %d statements, then %d", name, n, again)
		}
	}
}

// BenchmarkActor measures what every page pays, for a person with many rights among 2,000
// people who are signed in.
func BenchmarkActor(b *testing.B) {
	w := newWorld(b)
	crowd(w)
	for b.Loop() {
		if _, _, err := w.s.Actor(w.ctx, w.session); err != nil {
			b.Fatal(err)
		}
	}
}

// crowd adds 2,000 people with sessions and rights, and gives Ada 20 teams and 20 grants.
func crowd(w *world) {
	w.Helper()
	for _, sql := range []string{
		`insert into teams select gen_random_uuid(), 't' || i, 'T' || i, $1 from generate_series(10, 29) i`,
		`insert into people select gen_random_uuid(), i || '@example.org', 'P' || i, null, null, null, $1 from generate_series(1, 2000) i`,
		`insert into sessions select sha256(id::text::bytea), id, $1, $1, $1 + interval '7 days', '', '' from people on conflict do nothing`,
		`insert into memberships select t.id, p.id, 'member', null, $1 from people p, teams t where p.name like 'Ada%' or hashtext(p.id::text || t.key) % 10 = 0`,
		`insert into workloads select gen_random_uuid(), 'w' || i, 'W', '', (select id from teams limit 1), 1, 'live', false, null, 1, null, $1, $1 from generate_series(10, 29) i`,
		`insert into grants select gen_random_uuid(), p.id, 'approver', w.id, null, $1 from people p, workloads w where p.name like 'Ada%' or hashtext(p.id::text || w.key) % 10 = 0`,
	} {
		if _, err := w.db.Exec(w.ctx, strings.ReplaceAll(sql, "$1", "$1::timestamptz"), w.clock.now()); err != nil {
			w.Fatal(sql, err)
		}
	}
	if _, err := w.db.Exec(w.ctx, `analyze`); err != nil {
		w.Fatal(err)
	}
	if a := w.actor(w.session); len(a.Teams) != 20 || len(a.Grants) != 20 || len(a.Roles) != 1 {
		w.Fatalf("rights multiply: %d teams, %d grants, %d roles", len(a.Teams), len(a.Grants), len(a.Roles))
	}
}
