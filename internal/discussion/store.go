package discussion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

const threadColumns = `
	h.id, h.target_id, h.kind, h.state, h.started_by, s.name as starter, h.started_at, coalesce(m.name, '') as mover, h.moved_at
	from threads h join people s on s.id = h.started_by left join people m on m.id = h.moved_by`

const saidColumns = `
	c.id, c.thread_id, c.author_id, a.name as author, c.body, c.answers, c.version, c.written_at, c.edited_at, c.removed_at,
	array(select p.name from mentions n join people p on p.id = n.person_id where n.comment_id = c.id order by lower(p.name), p.id) as mentioned
	from comments c join threads h on h.id = c.thread_id join people a on a.id = c.author_id`

const attachmentColumns = `
	f.id, f.target_id, f.thread_id, f.name, f.description, f.dated, f.choice, f.url, f.media_type, f.size, f.sha256,
	(f.url <> '' or f.content is not null) as kept, f.added_by, a.name as adder, f.added_at, coalesce(r.name, '') as remover, f.removed_at
	from attachments f join people a on a.id = f.added_by left join people r on r.id = f.removed_by`

const (
	threadsSQL     = `select` + threadColumns + ` where h.target_kind = $1 and h.target_id = $2 order by h.state = 'resolved', h.started_at, h.id limit 500`
	saidSQL        = `select` + saidColumns + ` where h.target_kind = $1 and h.target_id = $2 order by c.written_at, c.id limit 5000`
	attachmentsSQL = `select` + attachmentColumns + ` where f.target_kind = $1 and f.target_id = $2 order by f.added_at, f.id limit 500`

	// notifySQL lists whom a form offers: the team, the workload's own approvers and
	// facilitators, and who spoke here already. Anybody else is named in the text.
	notifySQL = `
		select p.id, p.name, p.email from people p
		where p.deactivated_at is null and p.id <> $4 and p.id in (
			select m.person_id from memberships m where m.team_id = $3
			union select g.person_id from grants g where g.granted_by is distinct from g.person_id and g.workload_id = $5
			union select c.author_id from comments c join threads h on h.id = c.thread_id where h.target_kind = $1 and h.target_id = $2)
		order by lower(p.name), p.id limit 40`
)

// locked is a thread with its target, locked for a change.
type locked struct {
	Thread
	target Target
}

// lockThread locks a thread by its id; not found when who may not read its target.
func (s *Service) lockThread(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID) (locked, error) {
	var l locked
	var kind, targetID string
	err := tx.QueryRow(ctx, `select target_kind, target_id from threads where id = $1 for update`, id).Scan(&kind, &targetID)
	if errors.Is(err, pgx.ErrNoRows) {
		return l, errNoThread()
	}
	if err != nil {
		return l, fmt.Errorf("lock thread: %w", err)
	}
	if l.target, err = s.target(ctx, tx, who, kind, targetID); err != nil {
		return l, err
	}
	l.Thread, err = oneRow[Thread](ctx, tx, `select`+threadColumns+` where h.id = $1`, id)
	return l, err
}

func errNoThread() error  { return fault.New(fault.NotFound, "There is no such thread.") }
func errNoComment() error { return fault.New(fault.NotFound, "There is no such comment.") }

// oneRow reads exactly one row by the names of its columns.
func oneRow[T any](ctx context.Context, q postgres.Querier, sql string, args ...any) (one T, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return one, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
}

// threadOf finds the thread of a comment.
func threadOf(ctx context.Context, q postgres.Querier, comment uuid.UUID) (id uuid.UUID, err error) {
	err = q.QueryRow(ctx, `select thread_id from comments where id = $1`, comment).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return id, errNoComment()
	}
	return id, err
}

func insertThread(ctx context.Context, tx pgx.Tx, t Target, h Thread) error {
	const sql = `
		insert into threads (id, workload_id, review_id, target_kind, target_id, title, kind, state, started_by, started_at)
		values (@id, @workload, @review, @target_kind, @target_id, @title, @kind, @state, @by, @at)`
	_, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"id": h.ID, "workload": t.WorkloadID, "review": nullable(t.ReviewID), "target_kind": t.Kind, "target_id": t.ID, "title": t.Title,
		"kind": h.Kind, "state": h.State, "by": h.StartedBy, "at": h.StartedAt,
	})
	if err != nil {
		return fmt.Errorf("write thread: %w", err)
	}
	return nil
}

func moveThread(ctx context.Context, tx pgx.Tx, id uuid.UUID, state string, by uuid.UUID, now time.Time) error {
	_, err := tx.Exec(ctx, `update threads set state = $2, moved_by = $3, moved_at = $4 where id = $1`, id, state, by, now)
	if err != nil {
		return fmt.Errorf("move thread: %w", err)
	}
	return nil
}

func insertComment(ctx context.Context, tx pgx.Tx, c Said) error {
	const sql = `
		insert into comments (id, thread_id, author_id, body, answers, written_at) values ($1, $2, $3, $4, $5, $6)`
	if _, err := tx.Exec(ctx, sql, c.ID, c.ThreadID, c.AuthorID, c.Body, c.Answers, c.WrittenAt); err != nil {
		return fmt.Errorf("write comment: %w", err)
	}
	return nil
}

// editComment keeps what the comment said and writes what it says now.
func editComment(ctx context.Context, tx pgx.Tx, id uuid.UUID, body string, now time.Time) error {
	const sql = `
		with before as (
			insert into comment_revisions (comment_id, version, body, written_at)
			select id, version, body, coalesce(edited_at, written_at) from comments where id = $1
		)
		update comments set body = $2, version = version + 1, edited_at = $3 where id = $1`
	if _, err := tx.Exec(ctx, sql, id, body, now); err != nil {
		return fmt.Errorf("edit comment: %w", err)
	}
	return nil
}

// emptyComment takes the text of a comment away, what it said before included.
func emptyComment(ctx context.Context, tx pgx.Tx, id uuid.UUID, now time.Time) error {
	const sql = `
		with gone as (delete from comment_revisions where comment_id = $1), unread as (delete from mentions where comment_id = $1)
		update comments set body = '', version = version + 1, removed_at = $2 where id = $1`
	if _, err := tx.Exec(ctx, sql, id, now); err != nil {
		return fmt.Errorf("remove comment: %w", err)
	}
	return nil
}

func nullable(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func record(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, t Target, kind string, id uuid.UUID, at time.Time, details ...audit.Detail) error {
	details = append([]audit.Detail{{Name: "on", Value: t.Kind + " " + t.ID}}, details...)
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(t.WorkloadID), Verb: verb, TargetKind: kind, TargetID: id.String(), At: at, Details: details,
	})
}
