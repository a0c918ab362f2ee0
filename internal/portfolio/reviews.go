package portfolio

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
)

// ReviewFilter narrows the list of reviews. The zero ReviewFilter lists what is open.
type ReviewFilter struct {
	State string // review.Draft, review.Submitted, review.Closed, review.Cancelled, AnyState, or empty: open
	Mine  bool   // only reviews of workloads of the actor's teams
	Limit int    // of a page: 1 to 100; 0: 50

	WorkloadKey string // empty: all
}

// AnyState as a ReviewFilter's state lists every review.
const AnyState = "all"

// ReviewLine is a review as a list shows it, with its newest round.
type ReviewLine struct {
	ID           uuid.UUID
	WorkloadKey  string
	WorkloadName string
	TeamName     string
	Tier         int // as it was when the review started
	TypeName     string
	ChangeKey    string
	ChangeTitle  string
	State        string // of the review
	StartedBy    string
	StartedAt    time.Time
	Round        int
	RoundState   string
	SubmittedAt  *time.Time
	Outcome      string // of the newest decision, or review.Revoked; empty when there is none
	DecidedAt    *time.Time
	ValidUntil   *time.Time

	EmergencyUntil *time.Time // an EMERGENCY go governs the subject's launches until then; nil: none does
}

// Title names the review: its type, and the change if it is about one.
func (l ReviewLine) Title() string {
	if l.ChangeKey == "" {
		return l.TypeName
	}
	return l.TypeName + ", " + l.ChangeKey
}

var reviewStates = map[string]string{
	"":               `r.state = 'open'`,
	review.Draft:     `r.state = 'open' and exists (select from rounds x where x.review_id = r.id and x.state = 'draft')`,
	review.Submitted: `r.state = 'open' and exists (select from rounds x where x.review_id = r.id and x.state = 'submitted')`,
	review.Closed:    `r.state = 'closed'`,
	review.Cancelled: `r.state = 'cancelled'`,
	AnyState:         `true`,
}

// reviewPlace is where a page of reviews ended.
type reviewPlace struct {
	StartedAt time.Time `json:"t"`
	ID        uuid.UUID `json:"i"`
}

// Reviews reads a page of reviews, newest first, and the cursor of the next page,
// empty at the end. Invalid on "state" and "after".
func (s *Service) Reviews(ctx context.Context, who identity.Actor, f ReviewFilter, cursor string) (lines []ReviewLine, next string, err error) {
	if err := signedIn(who); err != nil {
		return nil, "", err
	}
	state, ok := reviewStates[f.State]
	if !ok {
		return nil, "", fault.InvalidField("state", "There is no such state of a review.")
	}
	where, args := []string{Readable, state}, Reader(who)
	if f.Mine {
		where = append(where, `w.team_id = any(@teams)`)
	}
	if f.WorkloadKey != "" {
		where = append(where, `w.key = @workload`)
		args["workload"] = f.WorkloadKey
	}
	if cursor != "" {
		var after reviewPlace
		if err := decodeCursor(cursor, &after); err != nil {
			return nil, "", err
		}
		where = append(where, `(r.started_at, r.id) < (@after_time, @after_id)`)
		args["after_time"], args["after_id"] = after.StartedAt, after.ID
	}
	limit := pageOf(f.Limit)
	args["now"] = s.now()
	sql := `
		with page as materialized (
			select r.*, w.key as workload_key, w.name as workload_name, w.team_id
			from reviews r join workloads w on w.id = r.workload_id
			where ` + strings.Join(where, ` and `) + `
			order by r.started_at desc, r.id desc` + atMost(limit+1) + `)
		select r.id, r.workload_key, r.workload_name, t.name as team_name, r.tier, y.name as type_name, r.change_key, r.change_title,
			r.state, coalesce(p.name, '') as started_by, r.started_at, d.number as round, d.state as round_state, d.submitted_at,
			coalesce(c.outcome, '') as outcome, c.decided_at, c.valid_until, e.ends_at as emergency_until
		from page r
		join teams t on t.id = r.team_id
		join review_types y on y.key = r.type_key
		left join people p on p.id = r.started_by
		cross join lateral (select * from rounds x where x.review_id = r.id order by x.number desc limit 1) d
		left join lateral (
			select case when v.id is null then c.outcome else 'revoked' end as outcome, c.decided_at, c.valid_until
			from rounds x join decisions c on c.round_id = x.id left join revocations v on v.decision_id = c.id
			where x.review_id = r.id order by x.number desc limit 1) c on true
		left join lateral (
			select e.ends_at from emergency_decisions e
			where e.review_id = r.id and e.ends_at > @now and e.id = (
				select a.id from launch_acts a where a.workload_id = r.workload_id and lower(a.change_key) = lower(r.change_key)
				order by a.acted_at desc, a.decided_at desc, a.id desc limit 1)) e on true
		order by r.started_at desc, r.id desc`
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return nil, "", fmt.Errorf("list reviews: %w", err)
	}
	lines, err = pgx.CollectRows(rows, pgx.RowToStructByName[ReviewLine])
	if err != nil {
		return nil, "", fmt.Errorf("list reviews: %w", err)
	}
	if len(lines) > limit {
		lines = lines[:limit]
		last := lines[limit-1]
		next = encodeCursor(reviewPlace{last.StartedAt, last.ID})
	}
	return lines, next, nil
}

// ReviewViews counts what the saved views of the list of reviews hold.
type ReviewViews struct {
	Open, Mine, Draft, Submitted, Closed, Cancelled int
}

// ReviewViews counts the saved views in one statement; Mine are the open ones of the
// actor's teams.
func (s *Service) ReviewViews(ctx context.Context, who identity.Actor) (ReviewViews, error) {
	if err := signedIn(who); err != nil {
		return ReviewViews{}, err
	}
	const sql = `
		select count(*) filter (where r.state = 'open') as open,
			count(*) filter (where r.state = 'open' and w.team_id = any(@teams)) as mine,
			count(*) filter (where x.state = 'draft') as draft, count(*) filter (where x.state = 'submitted') as submitted,
			count(*) filter (where r.state = 'closed') as closed, count(*) filter (where r.state = 'cancelled') as cancelled
		from reviews r
		join workloads w on w.id = r.workload_id
		left join rounds x on x.review_id = r.id and x.state in ('draft', 'submitted') and r.state = 'open'
		where ` + Readable
	rows, err := s.db.Query(ctx, sql, Reader(who))
	if err != nil {
		return ReviewViews{}, fmt.Errorf("count reviews: %w", err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[ReviewViews])
	if err != nil {
		return ReviewViews{}, fmt.Errorf("count reviews: %w", err)
	}
	return v, nil
}
