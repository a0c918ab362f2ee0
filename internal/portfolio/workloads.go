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
	"orrery/internal/text"
	"orrery/internal/workload"
)

// What a Filter may ask of the decision besides the outcomes.
const (
	Undecided = "none"   // nothing was ever decided about its launches
	Ended     = "ended"  // the newest decision is over
	Ending    = "ending" // it ends within 30 days
)

// The orders of the list of workloads.
const (
	ByName = "name"
	ByTier = "tier" // the most critical first, then by name
)

// AnyStage as a Filter's stage also lists what is retired.
const AnyStage = "all"

// Filter narrows the list of workloads. The zero Filter lists what is planned or live.
type Filter struct {
	Text     string // in the name or the key, in any case
	TeamKey  string
	Tier     int    // 1 to 3; 0: any
	Stage    string // one stage, AnyStage, or empty: planned and live
	Decision string // an outcome that still stands, Undecided, Ended, Ending, or empty
	Mine     bool   // only workloads of the actor's teams
	Highs    bool   // only with an unfinished item of high risk, or a high that was accepted
	Overdue  bool   // only with an unfinished item whose day has passed
	Sort     string // ByName (also when empty) or ByTier
}

// Line is a workload as a list shows it. The decision is the newest of a review of the
// whole workload that gates launches; the rest is what is true now.
type Line struct {
	ID         uuid.UUID
	Key        string
	Name       string
	TeamKey    string
	TeamName   string
	Tier       int
	Stage      string
	Restricted bool
	LaunchOn   *time.Time

	Outcome    string // review.Go, Conditional, NoGo, Emergency, Elsewhere, Revoked; empty: none
	DecidedAt  *time.Time
	ValidUntil *time.Time
	DecidedIn  uuid.UUID // the review of the decision; uuid.Nil when there is none

	Highs   int // unfinished items of high risk, and highs that were accepted instead
	Overdue int // unfinished items whose day has passed

	OpenReview uuid.UUID // the open review, of the whole workload first; uuid.Nil when none
	OpenType   string    // the name of its type
	OpenChange string    // the key of the change it is about; empty: the whole workload
	OpenRound  int
	OpenState  string     // review.Draft or review.Submitted
	Collected  *time.Time // when evidence was last collected to the end

	SortName string // of the cursor
}

// Ended reports whether the decision is over at now.
func (l Line) Ended(now time.Time) bool { return l.ValidUntil != nil && now.After(*l.ValidUntil) }

// newestDecision finds the act that governs launches of a workload w, as the launch gate does
// for the whole workload.
const newestDecision = `
	select case when a.outcome like 'elsewhere%' then 'decided_elsewhere' else a.outcome end as outcome, a.decided_at, a.valid_until, a.review_id
	from launch_acts a where a.workload_id = w.id and a.change_key = ''
	order by a.acted_at desc, a.decided_at desc, a.id desc limit 1`

// lineSQL completes the workloads of page.
const lineSQL = `
	select w.id, w.key, w.name, t.key as team_key, t.name as team_name, w.tier, w.stage, w.restricted, w.launch_on,
		coalesce(d.outcome, '') as outcome, d.decided_at, d.valid_until, coalesce(d.review_id, @nobody) as decided_in,
		i.highs + (select count(distinct x.question) from (` + accepted + `) x) as highs, i.overdue,
		coalesce(o.id, @nobody) as open_review, coalesce(o.type_name, '') as open_type, coalesce(o.change_key, '') as open_change,
		coalesce(o.number, 0) as open_round, coalesce(o.state, '') as open_state,
		c.finished_at as collected, lower(w.name) as sort_name
	from page w
	join teams t on t.id = w.team_id
	left join lateral (` + newestDecision + `) d on true
	cross join lateral (
		select count(*) filter (where i.risk = 'high' and i.cause_kind <> 'condition' and i.state <> 'verified') as highs,
			count(*) filter (where i.due_on < @today and not ` + finished + `) as overdue
		from items i where i.workload_id = w.id) i
	left join lateral (
		select r.id, y.name as type_name, r.change_key, x.number, x.state
		from reviews r
		join rounds x on x.review_id = r.id and x.state in ('draft', 'submitted')
		join review_types y on y.key = r.type_key
		where r.workload_id = w.id and r.state = 'open'
		order by r.change_key <> '', r.started_at desc, r.id limit 1) o on true
	left join lateral (
		select u.finished_at from runs u where u.workload_id = w.id and u.state <> 'running'
		order by u.requested_at desc limit 1) c on true`

// orders are the sort keys of a page, most significant first; each ends with the id, so
// that no two workloads stand in the same place.
var orders = map[string]string{
	ByName: `lower(w.name), w.id`,
	ByTier: `w.tier, lower(w.name), w.id`,
}

// place is where a page of workloads ended.
type place struct {
	Sort string    `json:"s"`
	Tier int       `json:"t"`
	Name string    `json:"n"`
	ID   uuid.UUID `json:"i"`
}

// Workloads reads a page of fifty workloads, and the cursor of the next page, empty at the
// end. A workload that is added, renamed or removed between two pages neither doubles nor
// hides another. Invalid on "tier", "stage", "decision", "sort" and "after".
func (s *Service) Workloads(ctx context.Context, who identity.Actor, f Filter, cursor string) (lines []Line, next string, err error) {
	return s.workloads(ctx, who, f, cursor, pageSize)
}

func (s *Service) workloads(ctx context.Context, who identity.Actor, f Filter, cursor string, limit int) (lines []Line, next string, err error) {
	if err := signedIn(who); err != nil {
		return nil, "", err
	}
	if err := f.check(); err != nil {
		return nil, "", err
	}
	now := s.now()
	where, args := f.where(who, now)
	if cursor != "" {
		var after place
		if err := decodeCursor(cursor, &after); err != nil || after.Sort != f.Sort {
			return nil, "", badCursor()
		}
		args["after_name"], args["after_id"] = after.Name, after.ID
		if f.Sort == ByTier {
			where = append(where, `(w.tier, lower(w.name), w.id) > (@after_tier, @after_name, @after_id)`)
			args["after_tier"] = after.Tier
		} else {
			where = append(where, `(lower(w.name), w.id) > (@after_name, @after_id)`)
		}
	}
	args["limit"], args["today"], args["nobody"] = limit+1, today(now), uuid.Nil
	order := ` order by ` + orders[f.Sort]
	sql := `with page as materialized (select w.* from workloads w where ` + strings.Join(where, ` and `) + order + ` limit @limit)` + lineSQL + order
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return nil, "", fmt.Errorf("list workloads: %w", err)
	}
	lines, err = pgx.CollectRows(rows, pgx.RowToStructByName[Line])
	if err != nil {
		return nil, "", fmt.Errorf("list workloads: %w", err)
	}
	if len(lines) > limit {
		lines = lines[:limit]
		last := lines[limit-1]
		next = encodeCursor(place{Sort: f.Sort, Tier: last.Tier, Name: last.SortName, ID: last.ID})
	}
	return lines, next, nil
}

// check brings the filter into its stored form.
func (f *Filter) check() error {
	f.Text, f.TeamKey = strings.ToLower(text.Clean(f.Text)), text.Clean(f.TeamKey)
	if f.Sort == "" {
		f.Sort = ByName
	}
	switch {
	case f.Tier < 0 || f.Tier > 3:
		return fault.InvalidField("tier", "Choose tier 1, 2 or 3.")
	case orders[f.Sort] == "":
		return fault.InvalidField("sort", "Workloads are sorted by name or by tier.")
	}
	switch f.Stage {
	case "", AnyStage, workload.Planned, workload.Live, workload.Retired:
	default:
		return fault.InvalidField("stage", "Choose planned, live or retired.")
	}
	switch f.Decision {
	case "", Undecided, Ended, Ending, review.Go, review.Conditional, review.NoGo, review.Emergency, review.Elsewhere, review.Revoked:
	default:
		return fault.InvalidField("decision", "There is no such decision.")
	}
	return nil
}

// where returns the conditions on a workload w, and their parameters.
func (f Filter) where(who identity.Actor, now time.Time) (where []string, args pgx.StrictNamedArgs) {
	args = Reader(who)
	where = []string{Readable}
	add := func(condition, name string, value any) {
		where = append(where, condition)
		if name != "" {
			args[name] = value
		}
	}
	if f.Text != "" {
		add(`(strpos(lower(w.name), @text) > 0 or strpos(w.key, @text) > 0)`, "text", f.Text)
	}
	if f.TeamKey != "" {
		add(`w.team_id = (select id from teams where key = @team)`, "team", f.TeamKey)
	}
	if f.Tier != 0 {
		add(`w.tier = @tier`, "tier", f.Tier)
	}
	switch f.Stage {
	case "":
		add(`w.stage <> 'retired'`, "", nil)
	case AnyStage:
	default:
		add(`w.stage = @stage`, "stage", f.Stage)
	}
	if f.Mine {
		add(`w.team_id = any(@teams)`, "", nil)
	}
	if f.Highs {
		add(`(exists (select from items i where i.workload_id = w.id and i.risk = 'high' and i.cause_kind <> 'condition' and i.state <> 'verified') or exists (`+accepted+`))`, "", nil)
	}
	if f.Overdue {
		add(`exists (select from items i where i.workload_id = w.id and i.due_on < @today and not `+finished+`)`, "", nil)
	}
	switch f.Decision {
	case "":
	case Undecided:
		add(`not exists (`+newestDecision+`)`, "", nil)
	case Ended:
		add(`(select d.valid_until < @now from (`+newestDecision+`) d)`, "now", now)
	case Ending:
		add(`(select d.valid_until between @now and @soon from (`+newestDecision+`) d)`, "now", now)
		args["soon"] = now.Add(soon)
	default:
		add(`(select d.outcome = @outcome and coalesce(d.valid_until >= @now, true) from (`+newestDecision+`) d)`, "outcome", f.Decision)
		args["now"] = now
	}
	return where, args
}

// Views counts what the saved views of the list of workloads hold: planned and live
// workloads that the actor may read.
type Views struct {
	All, Mine, Highs, Overdue, Undecided, Ending, Ended int
}

// Views counts the saved views in one statement.
func (s *Service) Views(ctx context.Context, who identity.Actor) (Views, error) {
	if err := signedIn(who); err != nil {
		return Views{}, err
	}
	const sql = `
		with work as (
			select i.workload_id, bool_or(i.risk = 'high' and i.cause_kind <> 'condition' and i.state <> 'verified') as highs, bool_or(i.due_on < @today) as overdue
			from items i where not ` + finished + ` group by i.workload_id),
		decided as (
			select distinct on (a.workload_id) a.workload_id, a.valid_until from launch_acts a where a.change_key = ''
			order by a.workload_id, a.acted_at desc, a.decided_at desc, a.id desc)
		select count(*) as all, count(*) filter (where w.team_id = any(@teams)) as mine,
			count(*) filter (where k.highs or exists (` + accepted + `)) as highs, count(*) filter (where k.overdue) as overdue,
			count(*) filter (where d.workload_id is null) as undecided,
			count(*) filter (where d.valid_until between @now and @soon) as ending,
			count(*) filter (where d.valid_until < @now) as ended
		from workloads w
		left join work k on k.workload_id = w.id
		left join decided d on d.workload_id = w.id
		where w.stage <> 'retired' and ` + Readable
	now := s.now()
	args := Reader(who)
	args["now"], args["soon"], args["today"] = now, now.Add(soon), today(now)
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return Views{}, fmt.Errorf("count workloads: %w", err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Views])
	if err != nil {
		return Views{}, fmt.Errorf("count workloads: %w", err)
	}
	return v, nil
}
