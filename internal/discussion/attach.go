package discussion

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/text"
)

// Brought is what a person says of a file or a link, or without one.
type Brought struct {
	Thread      string // id of the thread it is brought in; empty: beside the target itself
	Text        string // of a link
	URL         string // of a link
	Statement   string // what is said without a file or a link
	Description string
	Dated       string // 2006-01-02, the day it speaks of
	Choice      string // the choice of the question it supports; may be empty
}

// CheckAttach says whether who may bring files, links and statements to the target now, before anything
// of the file is read: not found, forbidden, or a conflict when the round is frozen.
func (s *Service) CheckAttach(ctx context.Context, who identity.Actor, kind, id string) (Target, error) {
	t, err := s.Target(ctx, who, kind, id)
	if err != nil {
		return t, err
	}
	return t, t.mayAttach(who)
}

// AddFile keeps a file beside the target, with its type by content. The owning team and the
// workload's approvers and facilitators may, while the round is a draft (else a conflict).
// Invalid on "file" (empty, too large, of no allowed type, one too many), "dated",
// "description" and "supports".
func (s *Service) AddFile(ctx context.Context, who identity.Actor, kind, id, name string, data []byte, in Brought) (uuid.UUID, error) {
	return s.attach(ctx, who, kind, id, in, func(a *Attachment) []fault.Field {
		if len(data) > MaxFile {
			return []fault.Field{{Name: "file", Message: TooLarge}}
		}
		if len(data) == 0 {
			return []fault.Field{{Name: "file", Message: "Choose a file that is not empty."}}
		}
		kind, why := sniff(data, name)
		if why != "" {
			return []fault.Field{{Name: "file", Message: why}}
		}
		sum := sha256.Sum256(data)
		a.Name, a.MediaType, a.Size, a.SHA256 = cleanName(name, kind), kind.media, len(data), sum[:]
		return nil
	}, data)
}

// TooLarge is the sentence for a file over MaxFile.
const TooLarge = "The file is larger than 10 MB, so it was not kept. Bring a smaller one, or a link to where it lies."

// AddLink keeps an address beside the target, as AddFile keeps a file. Invalid on "url" and
// "text" beside the fields of AddFile.
func (s *Service) AddLink(ctx context.Context, who identity.Actor, kind, id string, in Brought) (uuid.UUID, error) {
	return s.attach(ctx, who, kind, id, in, func(a *Attachment) (bad []fault.Field) {
		a.URL, a.Name = text.Line(in.URL), text.Line(in.Text)
		u, err := url.Parse(a.URL)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
			bad = append(bad, fault.Field{Name: "url", Message: "Write a whole address that begins with https:// or http://."})
		case len(a.URL) > 2000:
			bad = append(bad, fault.Field{Name: "url", Message: "Keep the address under 2,000 characters."})
		}
		if n := utf8.RuneCountInString(a.Name); n == 0 || n > 200 {
			bad = append(bad, fault.Field{Name: "text", Message: "Say in up to 200 characters what the link shows."})
		}
		return bad
	}, nil)
}

// AddStatement keeps what a person says of a day, under their name, without a file or a
// link, as AddFile keeps a file. Invalid on "statement" beside the fields of AddFile.
func (s *Service) AddStatement(ctx context.Context, who identity.Actor, kind, id string, in Brought) (uuid.UUID, error) {
	return s.attach(ctx, who, kind, id, in, func(a *Attachment) []fault.Field {
		a.Name = text.Line(in.Statement)
		if n := utf8.RuneCountInString(a.Name); n == 0 || n > 200 {
			return []fault.Field{{Name: "statement", Message: "Say in up to 200 characters what you attest."}}
		}
		return nil
	}, nil)
}

// attach checks what was brought, and writes it under the locks of its target.
func (s *Service) attach(ctx context.Context, who identity.Actor, kind, id string, in Brought, fill func(*Attachment) []fault.Field, data []byte) (uuid.UUID, error) {
	now := s.now()
	a := Attachment{ID: uuid.Must(uuid.NewV7()), AddedBy: who.PersonID, AddedAt: now}
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		t, err := s.lockTarget(ctx, tx, who, kind, id)
		if err != nil {
			return err
		}
		if err := t.mayAttach(who); err != nil {
			return err
		}
		if err := fault.InvalidFields(append(fill(&a), a.describe(in, t, now)...)...); err != nil {
			return err
		}
		if err := a.join(ctx, tx, in.Thread, t); err != nil {
			return err
		}
		if err := roomFor(ctx, tx, t, a); err != nil {
			return err
		}
		if err := insertAttachment(ctx, tx, t, a, data); err != nil {
			return err
		}
		return record(ctx, tx, who, "attachment.added", t, "attachment", a.ID, now,
			audit.Detail{Name: "sha256", Value: hex.EncodeToString(a.SHA256)}, audit.Detail{Name: "dated", Value: a.Dated.Format(time.DateOnly)})
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("attach: %w", err)
	}
	return a.ID, nil
}

// describe takes over what was said of it.
func (a *Attachment) describe(in Brought, t Target, now time.Time) (bad []fault.Field) {
	var err error
	if a.Dated, err = time.Parse(time.DateOnly, in.Dated); err != nil || a.Dated.Year() < 1990 {
		bad = append(bad, fault.Field{Name: "dated", Message: "Say which day it speaks of."})
	} else if a.Dated.After(now.UTC()) {
		bad = append(bad, fault.Field{Name: "dated", Message: "The day it speaks of cannot be after today."})
	}
	if a.Description = text.Clean(in.Description); utf8.RuneCountInString(a.Description) > 500 {
		bad = append(bad, fault.Field{Name: "description", Message: "Keep the description under 500 characters."})
	}
	if a.Choice = in.Choice; a.Choice != "" && !t.choice(a.Choice) {
		bad = append(bad, fault.Field{Name: "supports", Message: "Choose a choice of this question, or none."})
	}
	return bad
}

// join ties it to the thread it was brought in, which must be one of the target.
func (a *Attachment) join(ctx context.Context, tx pgx.Tx, thread string, t Target) error {
	if thread == "" {
		return nil
	}
	id, err := uuid.Parse(thread)
	if err != nil {
		return errNoThread()
	}
	var here bool
	err = tx.QueryRow(ctx, `select exists (select from threads where id = $1 and target_kind = $2 and target_id = $3)`, id, t.Kind, t.ID).Scan(&here)
	if err != nil {
		return fmt.Errorf("find thread: %w", err)
	}
	if !here {
		return errNoThread()
	}
	a.ThreadID = &id
	return nil
}

// lockAttachments is the class of the advisory locks that keep the number of a target.
const lockAttachments = 0x0d_15

// roomFor refuses what is one too many. Those who add to the same target wait for each other.
func roomFor(ctx context.Context, tx pgx.Tx, t Target, a Attachment) error {
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1, hashtext($2))`, lockAttachments, t.Kind+" "+t.ID); err != nil {
		return fmt.Errorf("lock attachments: %w", err)
	}
	var n int
	err := tx.QueryRow(ctx, `select count(*) from attachments where target_kind = $1 and target_id = $2 and removed_at is null`, t.Kind, t.ID).Scan(&n)
	if err != nil {
		return fmt.Errorf("count attachments: %w", err)
	}
	if n < MaxAttachments {
		return nil
	}
	field := "file"
	switch {
	case a.IsLink():
		field = "url"
	case a.IsStatement():
		field = "statement"
	}
	return fault.InvalidField(field, "There are %d files, links and statements here, which is as many as may be. Remove one first.", n)
}

func insertAttachment(ctx context.Context, tx pgx.Tx, t Target, a Attachment, data []byte) error {
	const sql = `
		insert into attachments (id, workload_id, review_id, target_kind, target_id, thread_id, name, description, dated, choice, url,
			media_type, size, sha256, content, added_by, added_at)
		values (@id, @workload, @review, @kind, @target, @thread, @name, @description, @dated, @choice, @url,
			@media, @size, @sha256, @content, @by, @at)`
	_, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"id": a.ID, "workload": t.WorkloadID, "review": nullable(t.ReviewID), "kind": t.Kind, "target": t.ID, "thread": a.ThreadID,
		"name": a.Name, "description": a.Description, "dated": a.Dated, "choice": a.Choice, "url": a.URL, "media": a.MediaType,
		"size": a.Size, "sha256": a.SHA256, "content": data, "by": a.AddedBy, "at": a.AddedAt,
	})
	if err != nil {
		return fmt.Errorf("write attachment: %w", err)
	}
	return nil
}

// RemoveAttachment takes a file or link away and leaves in its place who removed it, when.
// Who brought it may, and a lead of the owning team. A conflict when it is removed already,
// or the round is not a draft. The bytes go too, unless a decided round had them.
func (s *Service) RemoveAttachment(ctx context.Context, who identity.Actor, id uuid.UUID) (Target, error) {
	now := s.now()
	var t Target
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		var kind, targetID string
		err := tx.QueryRow(ctx, `select target_kind, target_id from attachments where id = $1`, id).Scan(&kind, &targetID)
		if isNoRows(err) {
			return errNoFile()
		}
		if err != nil {
			return fmt.Errorf("find attachment: %w", err)
		}
		if t, err = s.lockTarget(ctx, tx, who, kind, targetID); err != nil {
			return err
		}
		a, err := oneRow[Attachment](ctx, tx, `select`+attachmentColumns+` where f.id = $1 for update of f`, id)
		if err != nil {
			return fmt.Errorf("read attachment: %w", err)
		}
		if err := a.mayRemove(who, t); err != nil {
			return err
		}
		if err := dropAttachment(ctx, tx, id, who.PersonID, now); err != nil {
			return err
		}
		return record(ctx, tx, who, "attachment.removed", t, "attachment", id, now, audit.Detail{Name: "sha256", Value: hex.EncodeToString(a.SHA256)})
	})
	if err != nil {
		return t, fmt.Errorf("remove attachment: %w", err)
	}
	return t, nil
}

func errNoFile() error { return fault.New(fault.NotFound, "There is no such file.") }

func (a Attachment) mayRemove(who identity.Actor, t Target) error {
	if err := inPerson(who); err != nil {
		return err
	}
	switch {
	case a.AddedBy != who.PersonID && !who.Leads(t.TeamID):
		return fault.New(fault.Forbidden, "Only who brought it or a lead of %s may remove it.", t.TeamName)
	case a.RemovedAt != nil:
		return fault.New(fault.Conflict, "It was removed already, by %s.", a.Remover)
	}
	return t.unfrozen()
}

// dropAttachment marks it as removed and drops its bytes, unless a decided round had it.
func dropAttachment(ctx context.Context, tx pgx.Tx, id, by uuid.UUID, now time.Time) error {
	const sql = `
		update attachments f set removed_by = $2, removed_at = $3,
			content = case when exists (select from rounds d where d.review_id = f.review_id and d.state = 'sealed' and d.submitted_at >= f.added_at)
				then f.content end
		where f.id = $1`
	if _, err := tx.Exec(ctx, sql, id, by, now); err != nil {
		return fmt.Errorf("remove attachment: %w", err)
	}
	return nil
}

// File reads a file with its bytes; not found for who may not read its target, for a link or
// a statement, and when its bytes are gone.
func (s *Service) File(ctx context.Context, who identity.Actor, id uuid.UUID) (Attachment, []byte, error) {
	var kind, targetID string
	var data []byte
	err := s.db.QueryRow(ctx, `select target_kind, target_id from attachments where id = $1 and sha256 is not null`, id).Scan(&kind, &targetID)
	if isNoRows(err) {
		return Attachment{}, nil, errNoFile()
	}
	if err != nil {
		return Attachment{}, nil, fmt.Errorf("find file: %w", err)
	}
	if _, err := s.target(ctx, s.db, who, kind, targetID); err != nil {
		return Attachment{}, nil, err
	}
	a, err := oneRow[Attachment](ctx, s.db, `select`+attachmentColumns+` where f.id = $1`, id)
	if err != nil {
		return a, nil, fmt.Errorf("read file: %w", err)
	}
	if err := s.db.QueryRow(ctx, `select content from attachments where id = $1`, id).Scan(&data); err != nil {
		return a, nil, fmt.Errorf("read file: %w", err)
	}
	if data == nil {
		return a, nil, fault.New(fault.NotFound, "This file was removed by %s, and its content with it.", a.Remover)
	}
	return a, data, nil
}
