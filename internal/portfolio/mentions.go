package portfolio

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
)

// mentionRows bounds the mentions of a home.
const mentionRows = 10

// Mention is a comment that calls the actor and that they have not marked as read.
type Mention struct {
	CommentID    uuid.UUID
	Author       string
	Body         string // Markdown
	Title        string // of what the comment is about
	WorkloadName string
	Challenge    bool // it stands in a challenge that is not resolved
	MentionedAt  time.Time
}

// Mentions lists the newest unread mentions of the actor, ten at most, and counts them all.
// Those on workloads that the actor may not read any more are left out.
func (s *Service) Mentions(ctx context.Context, who identity.Actor) (list []Mention, total int, err error) {
	if err := signedIn(who); err != nil {
		return nil, 0, err
	}
	sql := `
		select c.id as comment_id, a.name as author, c.body, h.title, w.name as workload_name,
			(h.kind = 'challenge' and h.state <> 'resolved') as challenge, n.mentioned_at, count(*) over ()::int as total
		from mentions n
		join comments c on c.id = n.comment_id
		join threads h on h.id = c.thread_id
		join people a on a.id = c.author_id
		join workloads w on w.id = h.workload_id
		where n.person_id = @me and n.read_at is null and c.removed_at is null and ` + Readable + `
		order by n.mentioned_at desc, c.id desc` + atMost(mentionRows)
	args := Reader(who)
	args["me"] = who.PersonID
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return nil, 0, fmt.Errorf("read mentions: %w", err)
	}
	type row struct {
		Mention
		Total int
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, 0, fmt.Errorf("read mentions: %w", err)
	}
	for _, r := range found {
		list, total = append(list, r.Mention), r.Total
	}
	return list, total, nil
}
