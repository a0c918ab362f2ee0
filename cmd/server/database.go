package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
	"orrery/internal/postgres"
	"orrery/migrations"
)

// database is an open pool and, without DATABASE_URL, the cluster behind it.
type database struct {
	pool    *pgxpool.Pool
	cluster *postgres.Cluster // nil with DATABASE_URL
	dir     string            // of the private Postgres
}

// openDatabase connects to DATABASE_URL, or starts (or shares) the private Postgres in the
// data folder, and brings the schema up to date.
func (s *session) openDatabase(ctx context.Context, suffix string) (*database, error) {
	db := &database{}
	dsn := s.config.DatabaseURL
	if dsn == "" {
		dir, err := s.config.dataFolder(suffix)
		if err != nil {
			return nil, err
		}
		if db.cluster, err = startCluster(ctx, s, dir); err != nil {
			return nil, err
		}
		db.dir = dir
		dsn = db.cluster.DSN()
	}
	if err := postgres.Migrate(ctx, dsn, migrations.FS); err != nil {
		return nil, errors.Join(fmt.Errorf("bring the database up to date: %w", err), db.close())
	}
	var err error
	if db.pool, err = postgres.Open(ctx, dsn, s.config.Connections); err != nil {
		return nil, errors.Join(err, db.close())
	}
	return db, nil
}

// startCluster runs the private Postgres with its log in a file of the data folder.
func startCluster(ctx context.Context, s *session, dir string) (*postgres.Cluster, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "The data folder %s cannot be made.", dir)
	}
	log, err := os.OpenFile(filepath.Join(dir, "postgres.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "The data folder %s cannot be written.", dir)
	}
	return postgres.StartCluster(ctx, filepath.Join(dir, "postgres"), log, func(words string) { s.say("%s", words) })
}

// gone is closed when a private database is gone for good; nil, which blocks for ever,
// with DATABASE_URL.
func (d *database) gone() <-chan struct{} {
	if d.cluster == nil {
		return nil
	}
	return d.cluster.Done()
}

// takeOver runs the private Postgres ourselves after the command that ran it, and shared it
// with us, has ended; the pool recovers by itself.
func (d *database) takeOver(ctx context.Context, s *session) error {
	if !d.cluster.Shared() {
		return fault.New(fault.Unavailable, "The private database has stopped.")
	}
	_ = d.cluster.Stop() // only lets a shared server go
	cluster, err := startCluster(ctx, s, d.dir)
	if err == nil {
		d.cluster = cluster
	}
	return err
}

// close ends the pool and, if it is ours, the cluster.
func (d *database) close() error {
	if d.pool != nil {
		d.pool.Close()
	}
	if d.cluster == nil {
		return nil
	}
	return d.cluster.Stop()
}

// ready reports whether the database answers with the schema this program needs.
func (d *database) ready(ctx context.Context) error {
	have, err := postgres.Version(ctx, d.pool)
	if err != nil {
		return err
	}
	want, err := postgres.Newest(migrations.FS)
	if err != nil {
		return err
	}
	if have < want {
		return fmt.Errorf("schema is at %d, this program needs %d", have, want)
	}
	return nil
}
