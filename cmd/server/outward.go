package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"orrery/internal/audit"
	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/notify"
	"orrery/internal/outbound"
	"orrery/internal/report"
	"orrery/internal/tickets"
	"orrery/internal/webhook"
)

type keysSecretsCmd struct{}

// Run prints a key for secrets.
func (keysSecretsCmd) Run(s *session) error {
	_, _ = fmt.Fprintln(s.errOut, "Keep the key secret, and keep it: without it webhooks, trackers and chats are to be set up again.")
	_, _ = fmt.Fprintln(s.out, outbound.NewVaultKey())
	return nil
}

const secretsKeyFile = "secrets.key" // in the data folder

// vault opens the key for secrets: the configured one, else the one in the data folder, made
// at the first start. With a database elsewhere and no key it is closed: nothing that needs a
// secret works, and everything else does.
func (s *session) vault(db *database) (*outbound.Vault, error) {
	text, where := s.config.SecretsKey, "ORRERY_SECRETS_KEY"
	switch {
	case text != "" && s.config.SecretsKeyFile != "":
		return nil, fault.New(fault.Unavailable, "Set one of ORRERY_SECRETS_KEY and ORRERY_SECRETS_KEY_FILE, not both.")
	case text != "":
	case s.config.SecretsKeyFile != "":
		where = s.config.SecretsKeyFile
		b, err := os.ReadFile(where)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "The key for secrets %s cannot be read.", where)
		}
		text = string(b)
	case db.dir != "":
		where = filepath.Join(db.dir, secretsKeyFile)
		b, err := os.ReadFile(where)
		if errors.Is(err, fs.ErrNotExist) {
			b, err = makeSecretsKey(where)
		}
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "The key for secrets %s cannot be read or made.", where)
		}
		text = string(b)
	}
	v, err := outbound.ParseVault(text)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "%s holds no key as orrery keys secrets prints it.", where)
	}
	return v, nil
}

// makeSecretsKey writes a new key, readable by its owner only, unless another is there by
// then; it returns the one that is there.
func makeSecretsKey(path string) ([]byte, error) {
	if err := placeSecret(path, []byte(outbound.NewVaultKey()+"\n")); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// openDoor lets what is sent go out, as the settings say.
func (p *portal) openDoor() error {
	allowed, err := outbound.ParseNetworks(p.config.OutboundAllow)
	if err != nil {
		return err
	}
	vault, err := p.vault(p.db)
	if err != nil {
		return err
	}
	p.services.door.Vault, p.services.door.Client = vault, outbound.Client(allowed)
	p.services.notices.SendWith(p.config.mail())
	return nil
}

// queues are the queues of jobs with how many are worked at once.
func queues() map[string]river.QueueConfig {
	all := map[string]river.QueueConfig{
		evidence.Queue: {MaxWorkers: evidence.CellsAtOnce}, tickets.Queue: {MaxWorkers: 2}, tickets.QueuePoll: {MaxWorkers: 1}, notify.Queue: {MaxWorkers: 2},
		report.Queue: {MaxWorkers: 1},
	}
	maps.Copy(all, webhook.Queues())
	return all
}

// registerOutward adds the workers of what is sent, and of reports.
func (s *services) registerOutward(w *river.Workers) {
	webhook.RegisterWorkers(w, s.webhooks)
	tickets.RegisterWorkers(w, s.tickets)
	notify.RegisterWorkers(w, s.notices)
	report.RegisterWorkers(w, s.reports)
}

// subscribers are who hears of events.
func (s *services) subscribers() []func(context.Context, pgx.Tx, audit.Event) error {
	return []func(context.Context, pgx.Tx, audit.Event) error{s.notices.Take, s.tickets.Take, s.webhooks.Take, s.incidents.Take}
}

const dispatchInterval = time.Second

// startDispatch hands events on in the background; the returned function ends that and waits.
func (p *portal) startDispatch() (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.ctx))
	ended := make(chan struct{})
	go func() { p.dispatch(ctx); close(ended) }()
	return func() { cancel(); <-ended }
}

// dispatch hands the events of the audit record on until the context ends. Replicas share
// the work.
func (p *portal) dispatch(ctx context.Context) {
	for ctx.Err() == nil {
		_, more, err := audit.HandOn(ctx, p.db.pool, now(), p.services.subscribers()...)
		if err != nil && ctx.Err() == nil {
			p.log.Warn("events wait", "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(dispatchInterval):
		}
	}
}
