// Package notify tells people what waits for them: a page of notices for each person, mail at
// once or daily, and a message to the chat of a team. What happened comes as events of the
// audit record, what comes near by the clock.
package notify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/outbound"
	"orrery/internal/postgres"
)

// The kinds of notices.
const (
	Assigned   = "assigned"    // something is yours to do
	Decide     = "decide"      // something waits for your decision
	Due        = "due"         // what you own is due soon, or overdue
	Ending     = "ending"      // an acceptance or a decision ends
	Evidence   = "evidence"    // evidence changed
	HandedOver = "handed_over" // work that nobody owns any more is in your team's queue
	Judged     = "judged"      // what you proposed was judged
)

// The paces of mail.
const (
	Once  = "once"
	Daily = "daily"
	Never = "off"
)

// Notice is one thing that a person is told.
type Notice struct {
	ID     uuid.UUID
	Kind   string
	Title  string // a whole sentence
	Href   string // a path of ours
	At     time.Time
	ReadAt *time.Time
}

// Service keeps notices and sends them.
type Service struct {
	db   *pgxpool.Pool
	jobs *river.Client[pgx.Tx] // inserts only
	door *outbound.Door
	mail Mail
	url  string // of this portal, without a slash at the end
	now  func() time.Time
}

// NewService returns the service on the pool. It sends no mail before SendWith. Chats are
// reached through the door; now gives the time of an act.
func NewService(db *pgxpool.Pool, jobs *river.Client[pgx.Tx], door *outbound.Door, publicURL string, now func() time.Time) *Service {
	return &Service{db: db, jobs: jobs, door: door, url: publicURL, now: now}
}

// SendWith makes the service send mail through a server. It is called before anything works.
func (s *Service) SendWith(m Mail) { s.mail = m }

// MailOn reports whether mail is sent at all.
func (s *Service) MailOn() bool { return s.mail.Server != "" }

func inPerson(who identity.Actor) error {
	if who.PersonID == uuid.Nil {
		return fault.New(fault.Unauthenticated, "Please sign in.")
	}
	if who.TokenID != uuid.Nil {
		return fault.New(fault.Forbidden, "An API token may not do this. Sign in with a browser.")
	}
	return nil
}

const pageSize = 50

// readable is the SQL condition that the person of a notice n may still read what it is about,
// as identity.Actor.CanRead says it of a person.
const readable = `(n.workload_id is null or exists (
	select from workloads w where w.id = n.workload_id and (not w.restricted
		or exists (select from memberships m where m.team_id = w.team_id and m.person_id = n.person_id)
		or exists (select from org_roles o where o.person_id = n.person_id and o.role = 'auditor')
		or exists (select from grants g where g.person_id = n.person_id and (g.workload_id is null or g.workload_id = w.id) and g.granted_by is distinct from n.person_id))))`

// List reads the actor's own notices of what they may still read, the newest first, and the id to go on after; empty on
// the last page. Invalid on "after".
func (s *Service) List(ctx context.Context, who identity.Actor, after string) (list []Notice, next string, err error) {
	if err := inPerson(who); err != nil {
		return nil, "", err
	}
	from, err := postgres.AfterID(after)
	if err != nil {
		return nil, "", err
	}
	const sql = `
		select n.id, n.kind, n.title, n.href, n.at, n.read_at from notices n
		where n.person_id = $1 and ($2::uuid is null or (n.at, n.id) < (select x.at, x.id from notices x where x.id = $2 and x.person_id = $1)) and ` + readable + `
		order by n.at desc, n.id desc limit $3`
	rows, err := s.db.Query(ctx, sql, who.PersonID, from, pageSize+1)
	if err != nil {
		return nil, "", fmt.Errorf("list notices: %w", err)
	}
	list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Notice])
	if err == nil && len(list) > pageSize {
		list = list[:pageSize]
		next = list[pageSize-1].ID.String()
	}
	return list, next, err
}

// Unread reads the actor's newest notices that are not read, five at most, and how many there are.
func (s *Service) Unread(ctx context.Context, who identity.Actor) (list []Notice, total int, err error) {
	if err := inPerson(who); err != nil {
		return nil, 0, err
	}
	const sql = `
		select n.id, n.kind, n.title, n.href, n.at, n.read_at from notices n
		where n.person_id = $1 and n.read_at is null and ` + readable + ` order by n.at desc, n.id desc limit 5`
	rows, err := s.db.Query(ctx, sql, who.PersonID)
	if err == nil {
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Notice])
	}
	if err != nil || len(list) < 5 {
		return list, len(list), err
	}
	err = s.db.QueryRow(ctx, `select count(*) from notices n where n.person_id = $1 and n.read_at is null and `+readable, who.PersonID).Scan(&total)
	return list, total, err
}

// Read marks one of the actor's notices as read and returns where it leads; not found when it
// is not theirs.
func (s *Service) Read(ctx context.Context, who identity.Actor, id uuid.UUID) (href string, err error) {
	if err := inPerson(who); err != nil {
		return "", err
	}
	const sql = `update notices set read_at = coalesce(read_at, $3) where id = $1 and person_id = $2 returning href`
	rows, err := s.db.Query(ctx, sql, id, who.PersonID, s.now())
	if err != nil {
		return "", fmt.Errorf("read notice: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "There is no such notice.")
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// ReadAll marks all of the actor's notices as read.
func (s *Service) ReadAll(ctx context.Context, who identity.Actor) error {
	if err := inPerson(who); err != nil {
		return err
	}
	_, err := s.db.Exec(ctx, `update notices set read_at = $2 where person_id = $1 and read_at is null`, who.PersonID, s.now())
	if err != nil {
		return fmt.Errorf("read notices: %w", err)
	}
	return nil
}

// Pace is how the actor wants mail: at once unless they said otherwise.
func (s *Service) Pace(ctx context.Context, who identity.Actor) (pace string, err error) {
	if err := inPerson(who); err != nil {
		return "", err
	}
	err = s.db.QueryRow(ctx, `select coalesce((select pace from notice_settings where person_id = $1), 'once')`, who.PersonID).Scan(&pace)
	return pace, err
}

// SavePace stores how the actor wants mail. Invalid on "pace".
func (s *Service) SavePace(ctx context.Context, who identity.Actor, pace string) error {
	if err := inPerson(who); err != nil {
		return err
	}
	if !slices.Contains([]string{Once, Daily, Never}, pace) {
		return fault.InvalidField("pace", "Choose one of at once, daily and off.")
	}
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		const sql = `
			insert into notice_settings (person_id, pace, saved_at) values ($1, $2, $3)
			on conflict (person_id) do update set pace = excluded.pace, saved_at = excluded.saved_at`
		if _, err := tx.Exec(ctx, sql, who.PersonID, pace, now); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Act{
			Stream: audit.OrgStream, Verb: "person.notices", TargetKind: "person", TargetID: who.PersonID.String(), At: now,
			Details: []audit.Detail{{Name: "pace", Value: pace}},
		})
	})
	if err != nil {
		return fmt.Errorf("save pace of mail: %w", err)
	}
	return nil
}
