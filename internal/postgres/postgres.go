// Package postgres opens the database, brings its schema up to date, reads its errors, and
// runs a private cluster when no server is given.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"orrery/internal/fault"
)

// Querier is what a read needs. A pool, a connection and a transaction all fill it, so that
// the same read serves inside and outside a transaction. Writes take a pgx.Tx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Batcher is what a read needs that asks for several things in one go. A pool, a
// connection and a transaction all fill it.
type Batcher interface {
	Querier
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Collect queues a statement whose rows are collected into out when the batch is read.
func Collect[T any](b *pgx.Batch, out *[]T, scan pgx.RowToFunc[T], sql string, args ...any) {
	b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, scan)
		return err
	})
}

const (
	connectTimeout = 5 * time.Second
	// startingUp bounds the wait for a server that answers "starting up", as a server does
	// that recovers after a crash or was started together with us.
	startingUp = 60 * time.Second
)

// Open returns a pool on the database at dsn (a URL or keywords, as libpq takes them; what
// it leaves open is read from PG* variables) after one connection has succeeded. maxConns
// bounds the pool; 0 leaves pgx's default.
//
// Sessions are in UTC, and timestamptz values are scanned as UTC. A statement ends after 30
// seconds, a wait for a lock after 10, a transaction that idles after 60; parameters in the
// dsn win over these. Unavailable, with a sentence for the operator, when the dsn cannot be
// read or nothing answers there; a server that is starting up is waited for.
func Open(ctx context.Context, dsn string, maxConns int32) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "The address of the database cannot be read.")
	}
	prepare(cfg.ConnConfig, map[string]string{
		"application_name":                    "orrery",
		"statement_timeout":                   "30s",
		"lock_timeout":                        "10s",
		"idle_in_transaction_session_timeout": "60s",
	})
	if maxConns > 0 {
		cfg.MaxConns = maxConns
		cfg.MinConns = min(cfg.MinConns, maxConns)
	}
	cfg.MaxConnIdleTime = 5 * time.Minute
	cfg.AfterConnect = prepareTypes
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, cannotConnect(cfg.ConnConfig, err)
	}
	if err := whileStarting(ctx, func() error { return pool.Ping(ctx) }); err != nil {
		pool.Close()
		return nil, cannotConnect(cfg.ConnConfig, err)
	}
	return pool, nil
}

// prepare sets the session's parameters, except those the address names itself.
func prepare(cfg *pgx.ConnConfig, params map[string]string) {
	params["timezone"] = "UTC"
	for name, value := range params {
		if _, given := cfg.RuntimeParams[name]; !given {
			cfg.RuntimeParams[name] = value
		}
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
}

// prepareTypes makes timestamptz values come out in UTC, where pgx would use the machine's
// zone, and lets uuid.UUID travel as sixteen bytes instead of as text: pages read hundreds.
func prepareTypes(_ context.Context, c *pgx.Conn) error {
	pgxuuid.Register(c.TypeMap())
	c.TypeMap().RegisterType(&pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: uuidCodec{}})
	c.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// whileStarting calls connect until it succeeds or fails with something else than "the
// database system is starting up".
func whileStarting(ctx context.Context, connect func() error) error {
	for end := time.Now().Add(startingUp); ; {
		err := connect()
		if !hasCode(err, codeCannotConnectNow) || time.Now().After(end) || !pause(ctx, 100*time.Millisecond) {
			return err
		}
	}
}

// pause waits for d and reports whether ctx is still live.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// cannotConnect puts a failed connection into words, without the password.
func cannotConnect(cfg *pgx.ConnConfig, err error) error {
	return fault.Wrap(fault.Unavailable, err, "Orrery cannot connect to its database %s: %s", where(cfg), reason(err))
}

func where(cfg *pgx.ConnConfig) string {
	name := cfg.Database
	if name == "" {
		name = cfg.User
	}
	if len(cfg.Host) > 0 && cfg.Host[0] == '/' {
		return fmt.Sprintf("%q in %s", name, cfg.Host)
	}
	return fmt.Sprintf("%q on %s:%s", name, cfg.Host, strconv.Itoa(int(cfg.Port)))
}

// reason turns the cause of a failed connection into what the operator can mend.
func reason(err error) string {
	var pe *pgconn.PgError
	switch {
	case errors.As(err, &pe):
		return pe.Message + "."
	case errors.Is(err, context.Canceled):
		return "it was told to stop while it waited."
	case errors.Is(err, context.DeadlineExceeded):
		return "nothing answered in time. Check host, port and network."
	default:
		return "nothing answers there. Check that the server runs and that host and port are right."
	}
}
