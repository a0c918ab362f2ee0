package notify

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/remediation"
	"orrery/internal/review"
)

// Queue is the River queue of mail and chats.
const Queue = "notices"

const (
	calendarInterval = time.Hour
	mailInterval     = time.Minute
	gather           = time.Minute        // how long notices wait to go in one mail
	tooOld           = 7 * 24 * time.Hour // what nobody mailed until then is not mailed any more
	dailyHour        = 7                  // UTC
	letterSize       = 100                // notices in a mail
)

// CalendarArgs is the job that looks at what comes near.
type CalendarArgs struct{}

// Kind names the job.
func (CalendarArgs) Kind() string { return "notify.calendar" }

// InsertOpts puts the job in its queue. The next comes by the clock.
func (CalendarArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: 1}
}

// PostArgs is the job that finds who is to get mail now.
type PostArgs struct{}

// Kind names the job.
func (PostArgs) Kind() string { return "notify.post" }

// InsertOpts puts the job in its queue. The next comes by the clock.
func (PostArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: 1}
}

// MailArgs is the job that mails a person what they were not mailed yet.
type MailArgs struct {
	PersonID uuid.UUID `json:"person_id"`
}

// Kind names the job.
func (MailArgs) Kind() string { return "notify.mail" }

// InsertOpts puts the job in its queue, once for a person while it is not done, behind what else
// is there: a mail server that is down holds nothing up but mail.
func (MailArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: 6, Priority: 4, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// ReleaseArgs is the job that moves the open work of somebody who left to their teams.
type ReleaseArgs struct {
	PersonID uuid.UUID `json:"person_id"`
}

// Kind names the job.
func (ReleaseArgs) Kind() string { return "notify.release" }

// InsertOpts puts the job in its queue.
func (ReleaseArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: Queue} }

// RegisterWorkers adds the workers of this room.
func RegisterWorkers(w *river.Workers, s *Service) {
	river.AddWorker(w, postgres.WorkWithin(calendarInterval, func(ctx context.Context, _ *river.Job[CalendarArgs]) error { return s.Calendar(ctx) }))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, _ *river.Job[PostArgs]) error { return s.Post(ctx) }))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, job *river.Job[MailArgs]) error { return s.MailTo(ctx, job.Args.PersonID) }))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, job *river.Job[ReleaseArgs]) error { return s.Release(ctx, job.Args.PersonID) }))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, job *river.Job[ChatArgs]) error {
		return s.chat(ctx, job.Args, job.Attempt >= job.MaxAttempts)
	}))
}

// PeriodicJobs are the jobs of this room that a server runs by the clock.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(calendarInterval), func() (river.JobArgs, *river.InsertOpts) { return CalendarArgs{}, nil }, &river.PeriodicJobOpts{RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(mailInterval), func() (river.JobArgs, *river.InsertOpts) { return PostArgs{}, nil }, nil),
	}
}

// Post makes a job for each person who is to get mail now: who wants it at once a minute
// after the first notice, who wants it daily after seven in the morning, UTC. It does not
// authorise: the clock calls it.
func (s *Service) Post(ctx context.Context) error {
	if !s.MailOn() {
		return nil
	}
	now := s.now().UTC()
	morning := now.Truncate(24 * time.Hour).Add(dailyHour * time.Hour)
	if now.Before(morning) {
		morning = morning.AddDate(0, 0, -1)
	}
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		const sql = `
			select distinct n.person_id
			from notices n
			join people p on p.id = n.person_id and p.deactivated_at is null
			left join notice_settings s on s.person_id = n.person_id
			where n.mailed_at is null and n.read_at is null and n.at > @too_old and ` + readable + `
				and case coalesce(s.pace, 'once') when 'once' then n.at <= @gathered when 'daily' then n.at <= @morning else false end
			limit 1000`
		rows, err := tx.Query(ctx, sql, pgx.StrictNamedArgs{"too_old": now.Add(-tooOld), "gathered": now.Add(-gather), "morning": morning})
		if err != nil {
			return err
		}
		people, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil || len(people) == 0 {
			return err
		}
		jobs := make([]river.InsertManyParams, len(people))
		for i, id := range people {
			jobs[i] = river.InsertManyParams{Args: MailArgs{PersonID: id}}
		}
		_, err = s.jobs.InsertManyTx(ctx, tx, jobs)
		return err
	})
	if err != nil {
		return fmt.Errorf("post notices: %w", err)
	}
	return nil
}

// MailTo mails a person all that they were not mailed yet, in one letter, and notes it. While
// another does so it does nothing: what is left then comes with the next Post. A crash between
// the two mails twice rather than never. It does not authorise: the queue calls it.
func (s *Service) MailTo(ctx context.Context, person uuid.UUID) error {
	if !s.MailOn() {
		return nil
	}
	conn, err := s.db.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("mail a person: %w", err)
	}
	defer conn.Release()
	var alone bool
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock(hashtextextended($1, 0))`, mailLock(person)).Scan(&alone); err != nil || !alone {
		return err
	}
	defer unlock(ctx, conn, mailLock(person))
	return s.mailAlone(ctx, conn, person)
}

func mailLock(person uuid.UUID) string { return "mail/" + person.String() }

// unlock lets the lock of a session go; where that fails the session ends, and the lock with it.
func unlock(ctx context.Context, conn *pgxpool.Conn, key string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := conn.Exec(ctx, `select pg_advisory_unlock(hashtextextended($1, 0))`, key); err != nil {
		_ = conn.Conn().Close(ctx)
	}
}

// mailAlone is MailTo for who holds the person's lock.
func (s *Service) mailAlone(ctx context.Context, conn *pgxpool.Conn, person uuid.UUID) error {
	now := s.now()
	var name, email string
	err := conn.QueryRow(ctx, `
		select p.name, p.email from people p left join notice_settings s on s.person_id = p.id
		where p.id = $1 and p.deactivated_at is null and coalesce(s.pace, 'once') <> 'off'`, person).Scan(&name, &email)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read person: %w", err)
	}
	rows, err := conn.Query(ctx, `
		select n.id, n.kind, n.title, n.href, n.at, n.read_at from notices n
		where n.person_id = $1 and n.mailed_at is null and n.read_at is null and n.at > $2 and `+readable+` order by n.at, n.id limit $3`, person, now.Add(-tooOld), letterSize)
	if err != nil {
		return fmt.Errorf("read notices: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Notice])
	if err != nil || len(list) == 0 {
		return err
	}
	if err := s.mail.send(ctx, s.letter(name, email, list, now)); err != nil {
		return err
	}
	ids := make([]uuid.UUID, len(list))
	for i, n := range list {
		ids[i] = n.ID
	}
	if _, err := conn.Exec(context.WithoutCancel(ctx), `update notices set mailed_at = $2 where id = any($1)`, ids, now); err != nil {
		return fmt.Errorf("note what was mailed: %w", err)
	}
	return nil
}

// headings name the kinds of notices in a mail, in the order they come.
var headings = []struct{ kind, text string }{
	{Decide, "Waiting for your decision"}, {Assigned, "Assigned to you"}, {HandedOver, "In your team's queue"},
	{Due, "Due"}, {Ending, "Ending"}, {Evidence, "Evidence changed"}, {Judged, "Judged, of what you proposed"},
}

// letter groups the notices by kind.
func (s *Service) letter(name, email string, list []Notice, now time.Time) letter {
	var b strings.Builder
	b.WriteString("Hello " + name + ",\n")
	for _, h := range headings {
		first := true
		for _, n := range list {
			if n.Kind != h.kind {
				continue
			}
			if first {
				b.WriteString("\n" + h.text + "\n")
				first = false
			}
			b.WriteString("- " + strings.Join(strings.Fields(n.Title), " ") + "\n  " + s.url + n.Href + "\n")
		}
	}
	b.WriteString("\nWhen mail comes, or none, is on your account's page: " + s.url + "/notices\n")
	subject := list[0].Title
	if len(list) > 1 {
		subject = strconv.Itoa(len(list)) + " things for you in Orrery"
	}
	return letter{To: email, Subject: subject, Body: b.String(), At: now}
}

// Release moves the open work of a person who can no longer sign in to the queues of the
// teams, and tells their leads. Who was reactivated meanwhile keeps it. Run again it moves
// nothing. It does not authorise: the queue calls it, after somebody was deactivated.
func (s *Service) Release(ctx context.Context, person uuid.UUID) error {
	now, who := s.now(), identity.SystemActor("notices")
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		var name string
		err := tx.QueryRow(ctx, `select name from people where id = $1 and deactivated_at is not null for share`, person).Scan(&name)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		items, err := remediation.Release(ctx, tx, who, person, now)
		if err != nil {
			return err
		}
		questions, err := review.ReleaseAssignments(ctx, tx, who, person, now)
		if err != nil {
			return err
		}
		return handOver(ctx, tx, person, name, items, questions, now)
	})
	if err != nil {
		return fmt.Errorf("release the work of a person: %w", err)
	}
	return nil
}

// handOver tells the leads of each team what is in its queue now.
func handOver(ctx context.Context, tx pgx.Tx, person uuid.UUID, name string, items, questions map[uuid.UUID]int, now time.Time) error {
	teams := map[uuid.UUID]bool{}
	for id := range items {
		teams[id] = true
	}
	for id := range questions {
		teams[id] = true
	}
	for id := range teams {
		var key, team string
		if err := tx.QueryRow(ctx, `select key, name from teams where id = $1`, id).Scan(&key, &team); err != nil {
			return err
		}
		leads, err := leadsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		words := fmt.Sprintf("%s can no longer sign in. In the queue of %s now: %s and %s.", name, team, counted(items[id], "item"), counted(questions[id], "question"))
		n := told{HandedOver, "person/" + person.String() + "/" + id.String() + "/" + now.Format(time.RFC3339), words, "/items?view=queue&team=" + key, uuid.Nil, now}
		if err := tell(ctx, tx, leads, n); err != nil {
			return err
		}
	}
	return nil
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}
