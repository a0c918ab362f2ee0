package postgres_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
	"orrery/internal/postgres"
	"orrery/internal/postgres/pgtest"
)

// The three that reads are given.
var (
	_ postgres.Querier = (*pgxpool.Pool)(nil)
	_ postgres.Querier = (*pgx.Conn)(nil)
	_ postgres.Querier = (pgx.Tx)(nil)
)

func TestOpenSetsUpSessions(t *testing.T) {
	pool, err := postgres.Open(t.Context(), pgtest.Empty(t)+"&lock_timeout=1234", 3)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for name, want := range map[string]string{
		"application_name":                    "orrery",
		"TimeZone":                            "UTC",
		"statement_timeout":                   "30s",
		"idle_in_transaction_session_timeout": "1min",
		"lock_timeout":                        "1234ms", // the address wins
	} {
		var got string
		if err := pool.QueryRow(t.Context(), `select current_setting($1)`, name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	if got := pool.Config().MaxConns; got != 3 {
		t.Errorf("the pool holds %d connections, want 3", got)
	}
}

func TestOpenScansTimesInUTC(t *testing.T) {
	local := time.Local
	time.Local = time.FixedZone("elsewhere", 3600)
	defer func() { time.Local = local }()
	pool, err := postgres.Open(t.Context(), pgtest.Empty(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	want := time.Date(2026, 11, 2, 3, 4, 5, 6000, time.UTC)
	var one time.Time
	var many []time.Time
	err = pool.QueryRow(t.Context(), `select $1::timestamptz, array[$1::timestamptz]`, want).Scan(&one, &many)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range append(many, one) {
		if got.Location() != time.UTC || !got.Equal(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestOpenSaysWhyItCannotConnect(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for name, c := range map[string]struct{ dsn, says string }{
		"nobody listens": {"postgres://me:hush@127.0.0.1:1/orr?sslmode=disable", `"orr" on 127.0.0.1:1`},
		"no socket":      {"postgres://me:hush@/orr?host=/nowhere&sslmode=disable", `"orr" in /nowhere`},
		"no database":    {pgtest.Empty(t) + "&dbname=absent&password=hush", `"absent" does not exist`},
		"no address":     {"postgres://me:hush@[::1/orr", "cannot be read"},
	} {
		pool, err := postgres.Open(ctx, c.dsn, 1)
		if err == nil {
			pool.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.MessageOf(err), c.says) {
			t.Errorf("%s: %q does not say %q", name, fault.MessageOf(err), c.says)
		}
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %q tells the password", name, err)
		}
	}
}

// TestUUIDTravelsAsBytes reads uuids in every shape that the rooms scan them into.
func TestUUIDTravelsAsBytes(t *testing.T) {
	pool, err := postgres.Open(t.Context(), pgtest.Empty(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	want := uuid.MustParse("01a2219b-5cad-7b9a-b301-f1ffff3e2e8b")
	var one, kept uuid.UUID
	var some, none *uuid.UUID
	var list []uuid.UUID
	kept = want
	err = pool.QueryRow(t.Context(), `select $1::uuid, $1::uuid, null::uuid, array[$1::uuid, $1], null::uuid`, want).Scan(&one, &some, &none, &list, &kept)
	if err != nil || one != want || some == nil || *some != want || none != nil || !slices.Equal(list, []uuid.UUID{want, want}) || kept != want {
		t.Errorf("read %v, %v, %v, %v, %v: %v", one, some, none, list, kept, err)
	}
}
