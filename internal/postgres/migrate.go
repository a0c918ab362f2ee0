package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"orrery/internal/fault"
)

const (
	migrateLock = 0x6f727265727901 // the advisory lock that replicas queue for: "orrery", 1
	riverSchema = "river"          // where the job queue keeps its tables
)

// Migrate brings the database at dsn to the newest schema of src (files named
// 000001_words.up.sql at its root), then River's own tables, in the schema "river", to the
// version this program was built with. It does nothing when both are there already. The
// role needs the right to create in the database and its first schema.
//
// Replicas may call it at the same moment: one works, the others wait for it under an
// advisory lock, without a timeout except ctx. A file is applied whole or not at all, even
// when the program is killed over it; after a failure the version is that of the last file
// that succeeded, and the next call tries again. To keep this true a file holds no BEGIN or
// COMMIT. A statement with CONCURRENTLY stands alone in its file, written so that it may be
// repeated. A file that waits 10 seconds for a lock fails.
//
// Unavailable when the database cannot be reached, or when its schema is newer than src.
func Migrate(ctx context.Context, dsn string, src fs.FS) error {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "The address of the database cannot be read.")
	}
	prepare(cfg.ConnConfig, map[string]string{
		"application_name":  "orrery migrate",
		"statement_timeout": "0",
		"lock_timeout":      "10s",
	})
	cfg.MaxConns = 2
	lock, err := lockMigrations(ctx, cfg.ConnConfig)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close(context.WithoutCancel(ctx)) }() // which gives the lock back
	if err := migrateOurs(ctx, cfg.ConnConfig, src); err != nil {
		return err
	}
	return migrateRiver(ctx, cfg)
}

// lockMigrations returns a connection that holds the lock until it is closed. It asks again
// and again: a session that waited inside pg_advisory_lock would hold a snapshot, and
// CREATE INDEX CONCURRENTLY waits for all of those.
func lockMigrations(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	var conn *pgx.Conn
	err := whileStarting(ctx, func() (err error) {
		conn, err = pgx.ConnectConfig(ctx, cfg)
		return err
	})
	if err != nil {
		return nil, cannotConnect(cfg, err)
	}
	for {
		var got bool
		err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, int64(migrateLock)).Scan(&got)
		if err == nil && got {
			return conn, nil
		}
		if err != nil || !pause(ctx, 50*time.Millisecond) {
			_ = conn.Close(context.WithoutCancel(ctx))
			return nil, fault.Wrap(fault.Unavailable, errors.Join(err, ctx.Err()),
				"The schema was not brought up to date: another Orrery was at it, and the wait for it ended.")
		}
	}
}

// migrateOurs applies the files of src that the database does not have yet, one by one.
func migrateOurs(ctx context.Context, cfg *pgx.ConnConfig, src fs.FS) error {
	files, err := upFiles(src)
	if err != nil || len(files) == 0 {
		return err
	}
	m, err := newMigrator(ctx, cfg, src)
	if err != nil {
		return err
	}
	defer func() { _, _ = m.Close() }()
	at, err := mendDirty(m, files)
	if err != nil {
		return err
	}
	if newest := files[len(files)-1].Version; at > newest {
		return tooNew("schema", at, newest)
	}
	for _, f := range files {
		if f.Version <= at {
			continue
		}
		if err := m.Migrate(f.Version); err != nil {
			_, mended := mendDirty(m, files)
			return errors.Join(migrationFailed(f, src, err), mended)
		}
	}
	return nil
}

// newMigrator joins golang-migrate's reader of files to its driver for pgx. Closing the
// migrator closes the connections.
func newMigrator(ctx context.Context, cfg *pgx.ConnConfig, src fs.FS) (*migrate.Migrate, error) {
	db := stdlib.OpenDB(*cfg)
	driver, err := newWholeFiles(ctx, db)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare migrations: %w", err), db.Close())
	}
	files, err := iofs.New(src, ".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read migrations: %w", err), driver.Close())
	}
	m, err := migrate.NewWithInstance("iofs", files, "pgx5", driver)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare migrations: %w", err), driver.Close())
	}
	return m, nil
}

// mendDirty returns the version of the last file that was applied. golang-migrate marks a
// version dirty before it runs the file and refuses to go on when it finds the mark. A mark
// that is still there means that nothing of the file was kept (see wholeFiles), so that the
// version is set back to the one before it.
func mendDirty(m *migrate.Migrate, files []*source.Migration) (uint, error) {
	at, dirty, err := m.Version()
	if errors.Is(err, migrate.ErrNilVersion) {
		return 0, nil
	}
	if err != nil || !dirty {
		return at, err
	}
	i := slices.IndexFunc(files, func(f *source.Migration) bool { return f.Version == at })
	switch {
	case i < 0:
		return 0, tooNew("schema", at, files[len(files)-1].Version)
	case i == 0:
		return 0, m.Force(database.NilVersion)
	default:
		at = files[i-1].Version
		return at, m.Force(int(at))
	}
}

// migrationFailed names the file, and the line where the server gave one.
func migrationFailed(f *source.Migration, src fs.FS, err error) error {
	line := ""
	var pe *pgconn.PgError
	if errors.As(err, &pe) && pe.Position > 0 {
		if body, e := fs.ReadFile(src, f.Raw); e == nil {
			before := []rune(string(body))
			n := min(int(pe.Position)-1, len(before))
			line = fmt.Sprintf(", line %d", 1+strings.Count(string(before[:n]), "\n"))
		}
	}
	if hasCode(err, codeLockNotAvailable) {
		return fmt.Errorf("migration %s%s waited in vain for a lock that another session holds; nothing of it was kept, start again: %w", f.Raw, line, err)
	}
	return fmt.Errorf("migration %s%s failed and nothing of it was kept: %w", f.Raw, line, err)
}

func tooNew(what string, has, knows uint) error {
	return fault.New(fault.Unavailable, "The database's %s is at version %d and this program knows versions up to %d: "+
		"a newer Orrery has been here. Start that one.", what, has, knows)
}

// wholeFiles is golang-migrate's driver, except that a file's statements and the mark that they
// are done are committed together, and that ctx ends a running file.
type wholeFiles struct {
	database.Driver
	ctx  context.Context
	db   *sql.DB
	done string // the statement that takes the dirty mark away
}

func newWholeFiles(ctx context.Context, db *sql.DB) (*wholeFiles, error) {
	var schema string
	if err := db.QueryRowContext(ctx, `select coalesce(current_schema(), '')`).Scan(&schema); err != nil {
		return nil, err
	}
	driver, err := migratepgx.WithInstance(db, &migratepgx.Config{SchemaName: schema})
	if err != nil {
		return nil, err
	}
	table := pgx.Identifier{schema, migratepgx.DefaultMigrationsTable}.Sanitize()
	return &wholeFiles{Driver: driver, ctx: ctx, db: db, done: "update " + table + " set dirty = false"}, nil
}

var concurrently = regexp.MustCompile(`(?i)\bconcurrently\b`)

// Run sends the file and the mark as one query string, which PostgreSQL runs as one
// transaction. A statement with CONCURRENTLY cannot be part of any and goes alone.
func (a *wholeFiles) Run(file io.Reader) error {
	body, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	query := string(body)
	if !concurrently.MatchString(query) {
		query += "\n;" + a.done
	}
	_, err = a.db.ExecContext(a.ctx, query)
	return err
}

// migrateRiver brings the job queue's tables up to date.
func migrateRiver(ctx context.Context, cfg *pgxpool.Config) error {
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return cannotConnect(cfg.ConnConfig, err)
	}
	defer pool.Close()
	river, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{
		Schema: riverSchema, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return fmt.Errorf("prepare the job queue's schema: %w", err)
	}
	known := river.AllVersions()
	at, err := riverVersion(ctx, pool)
	if err != nil {
		return fmt.Errorf("read the job queue's version: %w", err)
	}
	if newest := known[len(known)-1].Version; at > newest {
		return tooNew("job queue", uint(at), uint(newest))
	}
	if _, err := river.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	return nil
}

// riverVersion makes sure that River's schema is there and returns the version of its
// tables, 0 when there are none.
func riverVersion(ctx context.Context, pool *pgxpool.Pool) (at int, err error) {
	var schema, table bool
	err = pool.QueryRow(ctx, `select to_regnamespace($1) is not null, to_regclass($1 || '.river_migration') is not null`,
		riverSchema).Scan(&schema, &table)
	switch {
	case err != nil:
		return 0, err
	case !schema: // asked first: "if not exists" needs the right to create even when it exists
		_, err = pool.Exec(ctx, `create schema `+riverSchema)
	case table:
		err = pool.QueryRow(ctx, `select coalesce(max(version), 0) from `+riverSchema+`.river_migration`).Scan(&at)
	}
	return at, err
}

// Version returns the version of the schema that q sees, 0 when there is none. While a
// migration is under way, or after one was cut off, it is Unavailable.
func Version(ctx context.Context, q Querier) (version uint, err error) {
	var table bool
	if err := q.QueryRow(ctx, `select to_regclass('schema_migrations') is not null`).Scan(&table); err != nil || !table {
		return 0, err
	}
	var at int64
	var dirty bool
	err = q.QueryRow(ctx, `select version, dirty from schema_migrations`).Scan(&at, &dirty)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read the version of the schema: %w", err)
	case dirty:
		return 0, fault.New(fault.Unavailable, "The schema is being brought to version %d.", at)
	}
	return uint(at), nil
}

// Newest returns the highest version among the files of src, 0 when there are none.
func Newest(src fs.FS) (uint, error) {
	files, err := upFiles(src)
	if err != nil || len(files) == 0 {
		return 0, err
	}
	return files[len(files)-1].Version, nil
}

// upFiles lists the files of src that go up, in the order of their versions.
func upFiles(src fs.FS) ([]*source.Migration, error) {
	entries, err := fs.ReadDir(src, ".")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var files []*source.Migration
	for _, e := range entries {
		if m, err := source.Parse(e.Name()); err == nil && m.Direction == source.Up {
			files = append(files, m)
		}
	}
	slices.SortFunc(files, func(a, b *source.Migration) int { return int(a.Version) - int(b.Version) })
	return files, nil
}
