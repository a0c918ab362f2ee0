package discussion

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// Talk reads everything said and brought about a target that was found for the reader
// (Service.Target, or the fields of a page that was loaded for them), in one go; not found
// when who may not read it.
func (s *Service) Talk(ctx context.Context, who identity.Actor, t Target) (Talk, error) {
	if !who.CanRead(t.Identity()) {
		return Talk{}, errNoTarget()
	}
	talk := Talk{Target: t}
	var said []Said
	var brought []Attachment
	batch := &pgx.Batch{}
	postgres.Collect(batch, &talk.Threads, pgx.RowToStructByName[Thread], threadsSQL, t.Kind, t.ID)
	postgres.Collect(batch, &said, pgx.RowToStructByName[Said], saidSQL, t.Kind, t.ID)
	postgres.Collect(batch, &brought, pgx.RowToStructByName[Attachment], attachmentsSQL, t.Kind, t.ID)
	if inPerson(who) == nil {
		postgres.Collect(batch, &talk.Notify, pgx.RowToStructByName[identity.Ref], notifySQL, t.Kind, t.ID, t.TeamID, who.PersonID, t.WorkloadID)
	}
	if err := s.send(ctx, batch); err != nil {
		return Talk{}, fmt.Errorf("read talk: %w", err)
	}
	talk.gather(said, brought)
	s.allow(&talk, who)
	return talk, nil
}

func (s *Service) send(ctx context.Context, batch *pgx.Batch) error {
	return s.db.SendBatch(ctx, batch).Close()
}

// gather puts comments and files into their threads, and the rest beside the target.
func (t *Talk) gather(said []Said, brought []Attachment) {
	for i := range t.Threads {
		h := &t.Threads[i]
		for _, c := range said {
			if c.ThreadID == h.ID {
				h.Comments = append(h.Comments, c)
			}
		}
		for _, a := range brought {
			if a.ThreadID != nil && *a.ThreadID == h.ID {
				h.Files = append(h.Files, a)
			}
		}
	}
	for _, a := range brought {
		if a.ThreadID == nil {
			t.Evidence = append(t.Evidence, a)
		}
	}
}

// allow marks what the reader may do.
func (s *Service) allow(t *Talk, who identity.Actor) {
	now := s.now()
	t.MayComment = inPerson(who) == nil
	t.MayChallenge = t.MayComment && t.judges(who)
	err := t.mayAttach(who)
	t.MayAttach = err == nil
	if err != nil {
		t.WhyNotAttach = fault.MessageOf(err)
	}
	for i := range t.Threads {
		h := &t.Threads[i]
		h.May = locked{*h, t.Target}.moves(who)
		for j := range h.Comments {
			c := &h.Comments[j]
			mine := t.MayComment && c.AuthorID == who.PersonID && c.RemovedAt == nil
			c.MayRemove, c.MayEdit = mine, mine && now.Sub(c.WrittenAt) <= EditWindow
		}
		for j := range h.Files {
			h.Files[j].MayRemove = h.Files[j].mayRemove(who, t.Target) == nil
		}
	}
	for i := range t.Evidence {
		t.Evidence[i].MayRemove = t.Evidence[i].mayRemove(who, t.Target) == nil
	}
}

// ReviewTally is the key of what is said about the review itself among QueueTallies.
const ReviewTally = ""

const tallySQL = `
	select target_kind, target_id, sum(said)::int, sum(open)::int, sum(challenges)::int, sum(brought)::int from (
		select h.target_kind, h.target_id, (select count(*) from comments c where c.thread_id = h.id and c.removed_at is null) as said,
			(h.state <> 'resolved')::int as open, (h.kind = 'challenge' and h.state <> 'resolved')::int as challenges, 0 as brought
		from threads h where h.review_id = $1
		union all
		select f.target_kind, f.target_id, 0, 0, 0, 1 from attachments f where f.review_id = $1 and f.removed_at is null) x
	group by target_kind, target_id`

// QueueTallies counts in one statement what is said and brought about every question of a
// review, by "questionnaire/question", and about the review itself, by ReviewTally. It does
// not authorise: the review room asks for a review it has loaded for the reader.
func QueueTallies(b *pgx.Batch, review uuid.UUID, out map[string]Tally) {
	b.Queue(tallySQL, review).Query(func(rows pgx.Rows) error {
		var kind, id string
		var t Tally
		_, err := pgx.ForEachRow(rows, []any{&kind, &id, &t.Comments, &t.OpenThreads, &t.OpenChallenges, &t.Attachments}, func() error {
			key := ReviewTally
			if kind == OnQuestion {
				key = id[len(review.String())+1:]
			}
			out[key] = t
			return nil
		})
		return err
	})
}

// OfReview reads every thread of a review and its questions with its comments, by target
// and time: for whoever prints them. It does not authorise.
func OfReview(ctx context.Context, q postgres.Querier, review uuid.UUID) ([]Thread, error) {
	rows, err := q.Query(ctx, `select`+threadColumns+` where h.review_id = $1 order by h.target_id, h.started_at, h.id`, review)
	if err != nil {
		return nil, fmt.Errorf("read threads: %w", err)
	}
	threads, err := pgx.CollectRows(rows, pgx.RowToStructByName[Thread])
	if err != nil {
		return nil, fmt.Errorf("read threads: %w", err)
	}
	if rows, err = q.Query(ctx, `select`+saidColumns+` where h.review_id = $1 order by c.written_at, c.id`, review); err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	said, err := pgx.CollectRows(rows, pgx.RowToStructByName[Said])
	if err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	talk := Talk{Threads: threads}
	talk.gather(said, nil)
	return talk.Threads, nil
}

// OpenChallenges lists the challenges of a review that are not resolved. It does not authorise.
func OpenChallenges(ctx context.Context, q postgres.Querier, review uuid.UUID) ([]Thread, error) {
	threads, err := OfReview(ctx, q, review)
	return slices.DeleteFunc(threads, func(h Thread) bool { return !h.OpenChallenge() }), err
}

// HumanEvidence lists the files, links and statements of a review and its questions, those that were
// removed included, without bytes. It does not authorise.
func HumanEvidence(ctx context.Context, q postgres.Querier, review uuid.UUID) ([]Attachment, error) {
	rows, err := q.Query(ctx, `select`+attachmentColumns+` where f.review_id = $1 order by f.target_id, f.added_at, f.id`, review)
	if err != nil {
		return nil, fmt.Errorf("read attachments: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Attachment])
}
