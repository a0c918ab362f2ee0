package tickets

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
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

func errNoTracker() error { return fault.New(fault.NotFound, "There is no such tracker.") }

// may refuses all but admins in person.
func may(who identity.Actor) error {
	if who.PersonID == uuid.Nil {
		return fault.New(fault.Unauthenticated, "Please sign in.")
	}
	if who.TokenID != uuid.Nil {
		return fault.New(fault.Forbidden, "An API token may not do this. Sign in with a browser.")
	}
	return who.May(identity.ManageConnections, identity.Target{})
}

// Ready reports whether secrets can be kept: without a key for them no tracker is set up.
func (s *Service) Ready() bool { return s.door.Ready() }

// HookPath is where the tracker's webhooks go.
func HookPath(id uuid.UUID) string { return "/hooks/" + id.String() }

// Trackers lists every tracker by name. Admins may.
func (s *Service) Trackers(ctx context.Context, who identity.Actor) ([]Tracker, error) {
	if err := may(who); err != nil {
		return nil, err
	}
	return listTrackers(ctx, s.db)
}

// Tracker reads one. Admins may; not found when there is none.
func (s *Service) Tracker(ctx context.Context, who identity.Actor, id uuid.UUID) (Tracker, error) {
	if err := may(who); err != nil {
		return Tracker{}, err
	}
	return trackerByID(ctx, s.db, id)
}

// CreateTracker sets a tracker up and returns the secret of its webhooks, which is never
// shown again. Admins may. Invalid on "kind", "name", "url", "project", "account",
// "issue_type" and "token"; unavailable without a key for secrets.
func (s *Service) CreateTracker(ctx context.Context, who identity.Actor, in TrackerInput) (Tracker, string, error) {
	if err := may(who); err != nil {
		return Tracker{}, "", err
	}
	in, err := in.check(true)
	if err != nil {
		return Tracker{}, "", err
	}
	id, secret, now := uuid.Must(uuid.NewV7()), rand.Text()+rand.Text(), s.now()
	token, err1 := s.door.Seal(tokenPurpose(id), in.Token)
	hook, err2 := s.door.Seal(hookPurpose(id), secret)
	if err := sealFault(errors.Join(err1, err2)); err != nil {
		return Tracker{}, "", err
	}
	err = s.act(ctx, who, id, "tracker.created", func(tx pgx.Tx) error {
		const sql = `
			insert into trackers (id, kind, name, url, project, account, issue_type, token, hook_secret, active, made_by, made_at)
			values (@id, @kind, @name, @url, @project, @account, @issue_type, @token, @hook, true, @by, @now)`
		_, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
			"id": id, "kind": in.Kind, "name": in.Name, "url": in.URL, "project": in.Project, "account": in.Account,
			"issue_type": in.IssueType, "token": token, "hook": hook, "by": who.PersonID, "now": now,
		})
		return err
	})
	if err != nil {
		return Tracker{}, "", fmt.Errorf("set up tracker: %w", err)
	}
	made, err := trackerByID(ctx, s.db, id)
	return made, secret, err
}

// ChangeTracker stores what an admin says of a tracker, as it was seen at version; its kind
// stays, its token unless a new one is given, and its address and project while tickets stand on
// it. Invalid as CreateTracker; a stale version is a conflict.
func (s *Service) ChangeTracker(ctx context.Context, who identity.Actor, id uuid.UUID, version int, in TrackerInput) error {
	if err := may(who); err != nil {
		return err
	}
	t, err := trackerByID(ctx, s.db, id)
	if err != nil {
		return err
	}
	in.Kind = t.Kind // as it is for ever
	if in, err = in.check(false); err != nil {
		return err
	}
	var token []byte
	if in.Token != "" {
		if token, err = s.door.Seal(tokenPurpose(id), in.Token); err != nil {
			return sealFault(err)
		}
	}
	err = s.act(ctx, who, id, "tracker.changed", func(tx pgx.Tx) error {
		if err := mayMove(ctx, tx, id, version, in); err != nil {
			return err
		}
		const sql = `
			update trackers set name = @name, url = @url, project = @project, account = @account, issue_type = @issue_type,
				active = @active, token = coalesce(@token::bytea, token), version = version + 1
			where id = @id`
		_, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
			"id": id, "name": in.Name, "url": in.URL, "project": in.Project, "account": in.Account,
			"issue_type": in.IssueType, "active": in.Active, "token": token,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("change tracker: %w", err)
	}
	return nil
}

// lockAt locks a tracker as it was seen at version, against links that are made meanwhile too.
func lockAt(ctx context.Context, tx pgx.Tx, id uuid.UUID, version int) (Tracker, error) {
	if _, err := tx.Exec(ctx, `select from trackers where id = $1 for update`, id); err != nil {
		return Tracker{}, err
	}
	t, err := trackerByID(ctx, tx, id)
	if err == nil && t.Version != version {
		return t, fault.New(fault.Conflict, "Somebody changed this tracker since you opened it, or gave it a new secret. Read it again; your input is still here.")
	}
	return t, err
}

// mayMove locks a tracker as it was seen at version. It refuses another project and another
// address while tickets stand on it, whose keys would name tickets of others there, and
// another address without its token.
func mayMove(ctx context.Context, tx pgx.Tx, id uuid.UUID, version int, in TrackerInput) error {
	t, err := lockAt(ctx, tx, id, version)
	if err != nil {
		return err
	}
	var standing int
	const sql = `select count(*) from ticket_links where tracker_id = $1 and (state in ('creating', 'linked') or state = 'failed' and key <> '')`
	if err := tx.QueryRow(ctx, sql, id).Scan(&standing); err != nil {
		return err
	}
	const words = "Tickets of this tracker are linked to items, and stay where they are. Add another tracker for the new place."
	var bad []fault.Field
	if standing > 0 && in.URL != t.URL {
		bad = append(bad, fault.Field{Name: "url", Message: words})
	}
	if standing > 0 && !strings.EqualFold(in.Project, t.Project) {
		bad = append(bad, fault.Field{Name: "project", Message: words})
	}
	if len(bad) == 0 && in.URL != t.URL && in.Token == "" {
		bad = append(bad, fault.Field{Name: "token", Message: "Write the token again: it is not sent to another address by itself."})
	}
	return fault.InvalidFields(bad...)
}

// NewHookSecret replaces the secret of a tracker's webhooks, as it was seen at version, and returns
// it; it is never shown again, and the one before stops at once. Admins may; a stale version is
// a conflict.
func (s *Service) NewHookSecret(ctx context.Context, who identity.Actor, id uuid.UUID, version int) (string, error) {
	if err := may(who); err != nil {
		return "", err
	}
	secret := rand.Text() + rand.Text()
	sealed, err := s.door.Seal(hookPurpose(id), secret)
	if err != nil {
		return "", sealFault(err)
	}
	err = s.act(ctx, who, id, "tracker.secret_replaced", func(tx pgx.Tx) error {
		if _, err := lockAt(ctx, tx, id, version); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update trackers set hook_secret = $2, version = version + 1 where id = $1`, id, sealed)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("replace secret: %w", err)
	}
	return secret, nil
}

func (s *Service) act(ctx context.Context, who identity.Actor, id uuid.UUID, verb string, do func(pgx.Tx) error) error {
	now := s.now()
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		return recordOrg(ctx, tx, who, verb, id, now)
	})
}

func recordOrg(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, id uuid.UUID, at time.Time) error {
	return audit.Record(ctx, tx, who, audit.Act{Stream: audit.OrgStream, Verb: verb, TargetKind: "tracker", TargetID: id.String(), At: at})
}

func sealFault(err error) error {
	if errors.Is(err, outbound.ErrNoKey) {
		return fault.Wrap(fault.Unavailable, err, "Secrets cannot be kept: the operator sets ORRERY_SECRETS_KEY first.")
	}
	return err
}

var (
	jiraProject = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,49}$`)
	repository  = regexp.MustCompile(`^[A-Za-z0-9-]{1,100}/[A-Za-z0-9_.-]{0,60}[A-Za-z0-9_-][A-Za-z0-9_.-]{0,40}$`)
)

// check brings the input into the form that is stored; a new tracker needs a token, and on GitHub
// is that of github.com without an address.
func (in TrackerInput) check(fresh bool) (TrackerInput, error) {
	var bad []fault.Field
	add := func(wrong bool, name, message string) {
		if wrong {
			bad = append(bad, fault.Field{Name: name, Message: message})
		}
	}
	in.Name, in.URL, in.Project = text.Line(in.Name), strings.TrimRight(text.Line(in.URL), "/"), text.Line(in.Project)
	in.Account, in.IssueType, in.Token = text.Line(in.Account), text.Line(in.IssueType), text.Line(in.Token)
	n := utf8.RuneCountInString(in.Name)
	add(n == 0 || n > 100, "name", "Give it a name of at most 100 characters.")
	if in.URL == "" && in.Kind == GitHub && fresh {
		in.URL = "https://api.github.com"
	}
	words := outbound.CheckURL(in.URL)
	if u, err := url.Parse(in.URL); words == "" && (err != nil || u.RawQuery != "" || len(in.URL) > 500) {
		words = "Write the address without a question mark, of at most 500 characters."
	}
	add(words != "", "url", words)
	switch in.Kind {
	case Jira:
		add(!jiraProject.MatchString(in.Project), "project", "Write the key of a project, such as PAY.")
		add(!strings.Contains(in.Account, "@") || len(in.Account) > 320, "account", "Write the e-mail address of the account that the token belongs to.")
		add(in.IssueType == "" || utf8.RuneCountInString(in.IssueType) > 100, "issue_type", "Write the type of the tickets, such as Task.")
	case GitHub:
		add(!repository.MatchString(in.Project), "project", "Write owner and repository, such as acme/payments.")
		in.Account, in.IssueType = "", ""
	default:
		add(true, "kind", "Choose Jira Cloud or GitHub Issues.")
	}
	add(in.Token == "" && fresh, "token", "Write the token with which tickets are made.")
	add(len(in.Token) > 4000, "token", "Keep the token under 4,000 characters.")
	return in, fault.InvalidFields(bad...)
}
