package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/outbound"
	"orrery/internal/text"
)

func errNoEndpoint() error { return fault.New(fault.NotFound, "There is no such webhook.") }

// may refuses all but admins, in person or by a token of theirs that is made for it.
func may(who identity.Actor) error {
	if who.PersonID == uuid.Nil {
		return fault.New(fault.Unauthenticated, "Please sign in.")
	}
	return who.May(identity.ManageWebhooks, identity.Target{})
}

// Ready reports whether secrets can be kept: without a key for them no endpoint is made.
func (s *Service) Ready() bool { return s.door.Ready() }

// Endpoints lists every endpoint by name. Admins may.
func (s *Service) Endpoints(ctx context.Context, who identity.Actor) ([]Endpoint, error) {
	if err := may(who); err != nil {
		return nil, err
	}
	return listEndpoints(ctx, s.db)
}

// Endpoint reads one. Admins may; not found when there is none.
func (s *Service) Endpoint(ctx context.Context, who identity.Actor, id uuid.UUID) (Endpoint, error) {
	if err := may(who); err != nil {
		return Endpoint{}, err
	}
	return endpointByID(ctx, s.db, id)
}

// Create makes an endpoint and returns its secret, which is never shown again. Admins may.
// Events of restricted workloads are for who reads all of these: Forbidden, on "restricted", for
// others. Invalid on "name", "url" and
// "event"; unavailable without a key for secrets.
func (s *Service) Create(ctx context.Context, who identity.Actor, in Input) (Endpoint, string, error) {
	if err := may(who); err != nil {
		return Endpoint{}, "", err
	}
	in, err := in.check()
	if err == nil {
		err = in.mayHear(who)
	}
	if err != nil {
		return Endpoint{}, "", err
	}
	id, secret, now := uuid.Must(uuid.NewV7()), newSecret(), s.now()
	sealed, err := s.seal(id, secret)
	if err != nil {
		return Endpoint{}, "", err
	}
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := insertEndpoint(ctx, tx, id, in, sealed, who.PersonID, now); err != nil {
			return err
		}
		return record(ctx, tx, who, "webhook.created", id, now, audit.Detail{Name: "host", Value: hostOf(in.URL)})
	})
	if err != nil {
		return Endpoint{}, "", fmt.Errorf("make webhook: %w", err)
	}
	made, err := endpointByID(ctx, s.db, id)
	return made, secret, err
}

// Change stores what an admin says of an endpoint, as it was seen at version. What is on
// again after the receiver was gone is tried afresh. What waits of restricted workloads is given
// up when the endpoint does not hear of these any more. Who may not read all of these may switch
// such an endpoint off or take them from it, at the address that it has: Forbidden, on
// "restricted" and "url", for more. Invalid as Create; a stale version is a conflict.
func (s *Service) Change(ctx context.Context, who identity.Actor, id uuid.UUID, version int, in Input) error {
	if err := may(who); err != nil {
		return err
	}
	in, err := in.check()
	if err != nil {
		return err
	}
	err = s.act(ctx, who, id, "webhook.changed", func(tx pgx.Tx, e Endpoint, now time.Time) error {
		if e.Version != version {
			return fault.New(fault.Conflict, "Somebody changed this webhook since you opened it. Read it again; your input is still here.")
		}
		if err := in.mayReplace(who, e); err != nil {
			return err
		}
		if err := updateEndpoint(ctx, tx, id, in); err != nil || in.Restricted {
			return err
		}
		return giveUpRestricted(ctx, tx, id, now)
	}, audit.Detail{Name: "host", Value: hostOf(in.URL)}, audit.Detail{Name: "state", Value: in.state()})
	if err != nil {
		return fmt.Errorf("change webhook: %w", err)
	}
	return nil
}

// Rotate gives an endpoint, as it was seen at version, a new secret, which is never shown again. The
// one before signs beside it for a day. Admins may; a stale version is a conflict.
func (s *Service) Rotate(ctx context.Context, who identity.Actor, id uuid.UUID, version int) (string, error) {
	if err := may(who); err != nil {
		return "", err
	}
	secret := newSecret()
	sealed, err := s.seal(id, secret)
	if err != nil {
		return "", err
	}
	err = s.act(ctx, who, id, "webhook.rotated", func(tx pgx.Tx, e Endpoint, now time.Time) error {
		if e.Version != version {
			return fault.New(fault.Conflict, "Somebody changed this webhook since you opened it, or gave it a new secret. Read it again.")
		}
		const sql = `update webhook_endpoints set secret_before = secret, before_until = $2, secret = $3, version = version + 1 where id = $1`
		_, err := tx.Exec(ctx, sql, id, now.Add(RotationTime), sealed)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("rotate secret: %w", err)
	}
	return secret, nil
}

// SendTest delivers a test to an endpoint that is on; conflict when it is not. Admins may.
func (s *Service) SendTest(ctx context.Context, who identity.Actor, id uuid.UUID) error {
	if err := may(who); err != nil {
		return err
	}
	err := s.act(ctx, who, id, "webhook.tested", func(tx pgx.Tx, e Endpoint, now time.Time) error {
		if e.State != On {
			return errOff()
		}
		m := message{ID: uuid.Must(uuid.NewV7()), Type: TestType, At: now}
		return s.queue(ctx, tx, []uuid.UUID{id}, m, now)
	})
	if err != nil {
		return fmt.Errorf("send test: %w", err)
	}
	return nil
}

func errOff() error {
	return fault.New(fault.Conflict, "This webhook is off, so nothing is sent. Switch it on first.")
}

// Delete takes an endpoint away, as it was seen at version, with its deliveries: what waits is
// not sent any more. Admins may. Not found when there is none; a stale version is a conflict.
func (s *Service) Delete(ctx context.Context, who identity.Actor, id uuid.UUID, version int) error {
	if err := may(who); err != nil {
		return err
	}
	err := s.act(ctx, who, id, "webhook.deleted", func(tx pgx.Tx, e Endpoint, _ time.Time) error {
		if e.Version != version {
			return fault.New(fault.Conflict, "Somebody changed this webhook since you opened it. Read it again.")
		}
		if _, err := tx.Exec(ctx, `delete from webhook_deliveries where endpoint_id = $1`, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `delete from webhook_endpoints where id = $1`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete webhook: %w", err)
	}
	return nil
}

// act locks the endpoint, does what do says and records it.
func (s *Service) act(ctx context.Context, who identity.Actor, id uuid.UUID, verb string, do func(pgx.Tx, Endpoint, time.Time) error, details ...audit.Detail) error {
	now := s.now()
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		e, err := lockEndpoint(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := do(tx, e, now); err != nil {
			return err
		}
		return record(ctx, tx, who, verb, id, now, details...)
	})
}

func record(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, id uuid.UUID, at time.Time, details ...audit.Detail) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.OrgStream, Verb: verb, TargetKind: "webhook", TargetID: id.String(), At: at, Details: details,
	})
}

// check brings the input into the form that is stored.
func (in Input) check() (Input, error) {
	var bad []fault.Field
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	in.Name, in.URL = text.Line(in.Name), text.Line(in.URL)
	if n := utf8.RuneCountInString(in.Name); n == 0 || n > 100 {
		add("name", "Give it a name of at most 100 characters: who listens there.")
	}
	if words := outbound.CheckURL(in.URL); words != "" {
		add("url", words)
	}
	slices.Sort(in.Events)
	in.Events = slices.Compact(in.Events)
	for _, e := range in.Events {
		if !audit.IsEvent(e) {
			add("event", "Choose events from the list.")
			break
		}
	}
	if in.Events == nil {
		in.Events = []string{}
	}
	return in, fault.InvalidFields(bad...)
}

// ReadsAll reports whether who reads every restricted workload: auditors, and approvers and
// others whose grant is for all workloads.
func ReadsAll(who identity.Actor) bool { return who.CanRead(identity.Target{Restricted: true}) }

// mayHear refuses events of restricted workloads to who may not read all of them.
func (in Input) mayHear(who identity.Actor) error {
	if in.Restricted && !ReadsAll(who) {
		return forbidden("restricted", "Only an admin who reads every restricted workload, as an auditor does, may send their events to a webhook.")
	}
	return nil
}

// mayReplace refuses to who may not read all restricted workloads what could show them events of
// these: an endpoint that hears of them, on or at another address than it has.
func (in Input) mayReplace(who identity.Actor, e Endpoint) error {
	if e.Restricted && in.URL != e.URL && !ReadsAll(who) {
		return forbidden("url", "It is sent events of restricted workloads, so only an admin who reads all of these, as an auditor does, may give it another address. Leave the address as it is.")
	}
	if e.Restricted && !in.On {
		return nil
	}
	return in.mayHear(who)
}

func forbidden(field, words string) error {
	return &fault.Error{Kind: fault.Forbidden, Message: words, Fields: []fault.Field{{Name: field, Message: words}}}
}

func (in Input) state() string {
	if in.On {
		return On
	}
	return Off
}

func purpose(id uuid.UUID) string { return "webhook/" + id.String() }

func (s *Service) seal(id uuid.UUID, secret string) ([]byte, error) {
	sealed, err := s.door.Seal(purpose(id), secret)
	if errors.Is(err, outbound.ErrNoKey) {
		return nil, fault.Wrap(fault.Unavailable, err, "Secrets cannot be kept: the operator sets ORRERY_SECRETS_KEY first.")
	}
	return sealed, err
}
