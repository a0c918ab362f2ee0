package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

type serveCmd struct{}

// Run serves the portal until the session's context ends.
func (serveCmd) Run(s *session) error {
	return s.serve("", func(ctx context.Context, p *portal) error { return p.welcome(ctx) })
}

// portal is a running installation.
type portal struct {
	*session
	db       *database
	services *services
	log      *slog.Logger
}

// gcPercent trades a little memory for time: little is kept between requests, so at the
// default of 100 a fifth of a busy server's time went into collecting it.
const gcPercent = 250

const drain = 25 * time.Second // how long requests may finish after the signal to stop

// serve starts everything, calls started once the pages answer, and stops everything in
// turn when the context ends: first requests, then jobs, then the database.
func (s *session) serve(suffix string, started func(context.Context, *portal) error) (err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	s.say("Orrery %s is starting.", versionOf())
	if err := s.config.needsKey(); err != nil {
		return err
	}
	listener, err := listen(s.config.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	db, err := s.openDatabase(s.ctx, suffix)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	p := &portal{session: s, db: db, log: newLog(s.config.LogLevel)}
	if p.services, err = newServices(db.pool, s.config.publicURL()); err != nil {
		return err
	}
	if err := p.useKey(); err != nil {
		return err
	}
	if err := p.openDoor(); err != nil {
		return err
	}
	if err := p.services.prepare(s.ctx, db.pool, s.config.organisation(suffix != ""), suffix != ""); err != nil {
		return err
	}
	worker, err := newWorker(s.ctx, db.pool, p.services, s.config.Collect, p.log)
	if err != nil {
		return err
	}
	if err := worker.Start(context.WithoutCancel(s.ctx)); err != nil {
		return fmt.Errorf("start jobs: %w", err)
	}
	defer stopWorker(worker, p.log)
	defer p.startDispatch()()
	return p.listenAndWait(listener, started)
}

// useKey makes decisions be signed, with the public half of the key kept first.
func (p *portal) useKey() error {
	key, err := p.signingKey(p.db)
	if err != nil {
		return err
	}
	if err := audit.KeepKey(p.ctx, p.db.pool, identity.CommandLine, key, now()); err != nil {
		return err
	}
	p.services.reviews.SignWith(key)
	return nil
}

// listen takes the address before anything else starts, so that a second program on the
// same address says so at once.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fault.New(fault.Unavailable, "The address %s is taken: another Orrery may be running. Choose another with --listen.", address)
	}
	return l, err
}

// listenAndWait answers requests until the context ends or the database is gone.
func (p *portal) listenAndWait(listener net.Listener, started func(context.Context, *portal) error) error {
	server := &http.Server{
		Handler: newSite(p.db, p.services, p.config, p.log), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 60 * time.Second,
		WriteTimeout: 90 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err := started(p.ctx, p); err != nil {
		_ = server.Close()
		return err
	}
	for waiting := true; waiting; {
		select {
		case err := <-failed:
			return fmt.Errorf("serve: %w", err)
		case <-p.db.gone():
			if err := p.db.takeOver(p.ctx, p.session); err != nil {
				_ = server.Close()
				return err
			}
		case <-p.ctx.Done():
			waiting = false
		}
	}
	p.say("Stopping.")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), drain)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		p.log.Warn("requests were cut off", "error", err)
	}
	return nil
}

// stopWorker lets running jobs finish for a moment, then cancels them; they are tried
// again at the next start.
func stopWorker(worker *river.Client[pgx.Tx], log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if worker.Stop(ctx) == nil {
		return
	}
	hard, cancelHard := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancelHard()
	if err := worker.StopAndCancel(hard); err != nil {
		log.Warn("jobs were cut off", "error", err)
	}
}

// welcome says where the portal is and, while there is no admin, how to become one.
func (p *portal) welcome(ctx context.Context) error {
	p.say("Orrery is at %s", p.config.publicURL())
	has, err := identity.HasAdmin(ctx, p.db.pool)
	if err != nil || has {
		return err
	}
	link, err := p.services.identity.MakeAdminLink(ctx)
	if err != nil {
		return err
	}
	p.say("Nobody is admin yet. This link makes the first one; it works once, until %s:", link.ExpiresAt.Format("2 January 2006, 15:04 MST"))
	p.say("  %s", linkURL(p.config, link))
	p.say("(orrery admin link makes another.)")
	return nil
}

func linkURL(c config, l identity.Link) string { return c.publicURL() + "/link/" + l.Secret }
