package discussion

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/text"
)

// Input is what a person writes.
type Input struct {
	Body      string   // Markdown, at most MaxBody characters
	Notify    []string // ids of people to mention beside those named in the text
	Challenge bool     // of a new thread: it is a challenge
	Answers   bool     // of a reply: it answers the challenge
}

// Start begins a thread on the target with a first comment and returns the comment's id.
// Who may read the workload may, also with a token that writes answers; a challenge needs a facilitator or approver of the
// workload. Invalid on "body" and "notify".
func (s *Service) Start(ctx context.Context, who identity.Actor, kind, id string, in Input) (uuid.UUID, error) {
	now := s.now()
	said := Said{ID: uuid.Must(uuid.NewV7())}
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		t, err := s.target(ctx, tx, who, kind, id)
		if err != nil {
			return err
		}
		if err := mayTalk(who); err != nil {
			return err
		}
		h := Thread{ID: uuid.Must(uuid.NewV7()), Kind: Comment, State: Open, StartedBy: who.PersonID, StartedAt: now}
		verb := "comment.written"
		if in.Challenge {
			if !t.judges(who) {
				return fault.New(fault.Forbidden, "Only a facilitator or an approver of this workload, made so by somebody else, may challenge.")
			}
			h.Kind, h.State, verb = Challenge, Challenged, "challenge.raised"
		}
		in.Answers = false
		if sent, err := sentTwice(ctx, tx, who, t, Thread{Kind: h.Kind}, in, now); err != nil || sent != uuid.Nil {
			said.ID = sent
			return err
		}
		said.ThreadID = h.ID
		if err := insertThread(ctx, tx, t, h); err != nil {
			return err
		}
		return s.say(ctx, tx, who, t, &said, in, verb, now)
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("start thread: %w", err)
	}
	return said.ID, nil
}

// Reply adds a comment to a thread and returns its id; sent twice within seconds it is one. Who may read the workload may. To
// answer a challenge needs a member of the team other than the challenger, and a challenge
// that waits for an answer (conflict). Invalid on "body" and "notify".
func (s *Service) Reply(ctx context.Context, who identity.Actor, thread uuid.UUID, in Input) (uuid.UUID, error) {
	now := s.now()
	said := Said{ID: uuid.Must(uuid.NewV7()), ThreadID: thread}
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		h, err := s.lockThread(ctx, tx, who, thread)
		if err != nil {
			return err
		}
		if err := mayTalk(who); err != nil {
			return err
		}
		if sent, err := sentTwice(ctx, tx, who, h.target, Thread{ID: thread}, in, now); err != nil || sent != uuid.Nil {
			said.ID = sent
			return err
		}
		verb := "comment.written"
		if in.Answers {
			if err := h.mayAnswer(who); err != nil {
				return err
			}
			verb = "challenge.answered"
			if err := moveThread(ctx, tx, thread, Answered, who.PersonID, now); err != nil {
				return err
			}
		}
		return s.say(ctx, tx, who, h.target, &said, in, verb, now)
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("reply: %w", err)
	}
	return said.ID, nil
}

// say writes a checked comment with its mentions, and records the act.
func (s *Service) say(ctx context.Context, tx pgx.Tx, who identity.Actor, t Target, c *Said, in Input, verb string, now time.Time) error {
	body, err := checkBody(in.Body)
	if err != nil {
		return err
	}
	people, err := t.mentioned(ctx, tx, who, body, in.Notify)
	if err != nil {
		return err
	}
	c.AuthorID, c.Body, c.Answers, c.WrittenAt = who.PersonID, body, in.Answers, now
	if err := insertComment(ctx, tx, *c); err != nil {
		return err
	}
	if err := putMentions(ctx, tx, c.ID, people, now); err != nil {
		return err
	}
	return record(ctx, tx, who, verb, t, "comment", c.ID, now, audit.Detail{Name: "thread", Value: c.ThreadID.String()}, hashOf(body))
}

func checkBody(body string) (string, error) {
	body = text.Clean(body)
	if body == "" {
		return "", fault.InvalidField("body", "Write something.")
	}
	if n := utf8.RuneCountInString(body); n > MaxBody {
		return "", fault.InvalidField("body", "A comment has at most 10,000 characters; this one has %d.", n)
	}
	return body, nil
}

// hashOf names a text without saying it.
func hashOf(body string) audit.Detail {
	sum := sha256.Sum256([]byte(body))
	return audit.Detail{Name: "sha256", Value: hex.EncodeToString(sum[:])}
}

// Edit changes a comment of one's own within EditWindow; what it said before is kept.
// Forbidden for anybody else, a conflict when it is too late, when it was removed, or when
// the version is stale. Invalid on "body".
func (s *Service) Edit(ctx context.Context, who identity.Actor, comment uuid.UUID, version int, body string) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		c, t, err := s.ownComment(ctx, tx, who, comment, "edit")
		if err != nil {
			return err
		}
		switch {
		case now.Sub(c.WrittenAt) > EditWindow:
			return fault.New(fault.Conflict, "A comment can be edited for 15 minutes, and they are over. Write another one below it.")
		case version != c.Version:
			return fault.New(fault.Conflict, "This comment was edited since you opened it. Read it again; your input is still here.")
		}
		if body, err = checkBody(body); err != nil || body == c.Body {
			return err
		}
		people, err := t.mentioned(ctx, tx, who, body, nil)
		if err != nil {
			return err
		}
		if err := editComment(ctx, tx, comment, body, now); err != nil {
			return err
		}
		if err := putMentions(ctx, tx, comment, people, now); err != nil {
			return err
		}
		return record(ctx, tx, who, "comment.edited", t, "comment", comment, now, hashOf(body))
	})
	if err != nil {
		return fmt.Errorf("edit comment: %w", err)
	}
	return nil
}

// Remove takes the text of one's own comment away and leaves in its place that its author
// removed it. Forbidden for anybody else, a conflict when it is removed already.
func (s *Service) Remove(ctx context.Context, who identity.Actor, comment uuid.UUID) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		_, t, err := s.ownComment(ctx, tx, who, comment, "remove")
		if err != nil {
			return err
		}
		if err := emptyComment(ctx, tx, comment, now); err != nil {
			return err
		}
		return record(ctx, tx, who, "comment.removed", t, "comment", comment, now)
	})
	if err != nil {
		return fmt.Errorf("remove comment: %w", err)
	}
	return nil
}

// ownComment locks the thread of a comment and reads the comment, which must be the actor's.
func (s *Service) ownComment(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID, act string) (Said, Target, error) {
	thread, err := threadOf(ctx, tx, id)
	if err != nil {
		return Said{}, Target{}, err
	}
	h, err := s.lockThread(ctx, tx, who, thread)
	if err != nil {
		return Said{}, Target{}, err
	}
	if err := inPerson(who); err != nil {
		return Said{}, Target{}, err
	}
	c, err := oneRow[Said](ctx, tx, `select`+saidColumns+` where c.id = $1`, id)
	switch {
	case err != nil:
		return c, h.target, fmt.Errorf("read comment: %w", err)
	case c.AuthorID != who.PersonID:
		return c, h.target, fault.New(fault.Forbidden, "Only its author may %s a comment.", act)
	case c.RemovedAt != nil:
		return c, h.target, fault.New(fault.Conflict, "This comment was removed already.")
	}
	return c, h.target, nil
}

// Own reads a comment of one's own for editing, with its target.
func (s *Service) Own(ctx context.Context, who identity.Actor, comment uuid.UUID) (c Said, t Target, err error) {
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) (err error) {
		c, t, err = s.ownComment(ctx, tx, who, comment, "edit")
		return err
	})
	return c, t, err
}

// Whereabouts returns the target of a comment or thread, for a link that leads to it; not
// found when who may not read it.
func (s *Service) Whereabouts(ctx context.Context, who identity.Actor, id uuid.UUID) (Target, error) {
	var kind, targetID string
	err := s.db.QueryRow(ctx, `
		select target_kind, target_id from threads
		where id = coalesce((select thread_id from comments where id = $1), $1)`, id).Scan(&kind, &targetID)
	if isNoRows(err) {
		return Target{}, errNoComment()
	}
	if err != nil {
		return Target{}, fmt.Errorf("find comment: %w", err)
	}
	return s.target(ctx, s.db, who, kind, targetID)
}
