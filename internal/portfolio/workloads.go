package portfolio

import (
	"context"
	"fmt"
	"math"
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

// The orders of the list of workloads. What has no day comes last, equals go by name.
const (
	ByName  = "name"
	ByTier  = "tier"  // the most critical first
	ByHighs = "highs" // the most first
	ByEnd   = "end"   // the decision that ends first
	ByDue   = "due"   // the next review that is due first
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
	Ending   bool   // only with a risk acceptance that ends within 30 days
	Sort     string // one of the orders; empty: ByName
	Limit    int    // of a page: 1 to 100; 0: 50
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

	ReviewDue *time.Time // the day from which the next review is due: 30 days before the decision ends, the launch when none was decided

	Highs   int // unfinished items of high risk, and highs that were accepted instead
	Overdue int // unfinished items whose day has passed

	AcceptancesEnding int // that run and end within 30 days

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

// standing is workload_standing as a row w of workloads: what lists filter and sort by. The
// migration of the table says how each column follows from the tables of other rooms.
const standing = `(select workload_id as id, workload_standing.* from workload_standing) w`

// named narrows standing to the workloads with a text in the name or the key. The fence has all
// of them read as they lie: along the index of an order it takes three times as long to come to
// the last of them, and PostgreSQL cannot know that they are the last.
const named = `(select workload_id as id, workload_standing.* from workload_standing
	where strpos(sort_name, @text) > 0 or strpos(key, @text) > 0 offset 0) w`

// acceptanceEnds: the acceptance x runs, and ends within 30 days, today included.
const acceptanceEnds = `x.state = 'granted' and x.settled_at is null and x.until between @today and @today::date + 29`

// endingSQL lists the workloads with such an acceptance.
const endingSQL = `(select x.workload_id from acceptances x where ` + acceptanceEnds + `)`

// lineSQL completes the workloads of page.
const lineSQL = `
	select w.id, w.key, l.name, t.key as team_key, t.name as team_name, w.tier, w.stage, w.restricted, l.launch_on,
		w.outcome, w.decided_at, nullif(w.ends_at, 'infinity') as valid_until, coalesce(w.decided_in, @nobody) as decided_in,
		nullif(w.review_due, 'infinity') as review_due, w.highs, i.overdue, x.acceptances_ending,
		coalesce(o.id, @nobody) as open_review, coalesce(o.type_name, '') as open_type, coalesce(o.change_key, '') as open_change,
		coalesce(o.number, 0) as open_round, coalesce(o.state, '') as open_state,
		c.finished_at as collected, w.sort_name
	from page w
	join workloads l on l.id = w.id
	join teams t on t.id = w.team_id
	cross join lateral (
		select case when w.next_due < @today then
			(select count(*) from items i where i.workload_id = w.id and i.due_on < @today and not ` + finished + `) else 0 end as overdue) i
	cross join lateral (
		select count(*) as acceptances_ending from acceptances x where x.workload_id = w.id and ` + acceptanceEnds + `) x
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
// that no two workloads stand in the same place. An index holds each of them.
var orders = map[string]string{
	ByName:  `w.sort_name, w.id`,
	ByTier:  `w.tier, w.sort_name, w.id`,
	ByHighs: `-w.highs, w.sort_name, w.id`,
	ByEnd:   `w.ends_at, w.sort_name, w.id`,
	ByDue:   `w.review_due, w.sort_name, w.id`,
}

// firstKeys are what a cursor says of the first sort key, where that is not the name.
var firstKeys = map[string]string{
	ByTier:  `@after_number::int`,
	ByHighs: `-@after_number::int`,
	ByEnd:   `coalesce(@after_time::timestamptz, 'infinity')`,
	ByDue:   `coalesce(@after_time::date, 'infinity')`,
}

// place is where a page of workloads ended.
type place struct {
	Sort   string     `json:"s"`
	Number int        `json:"t,omitempty"`
	Time   *time.Time `json:"d,omitempty"` // nil: never
	Name   string     `json:"n"`
	ID     uuid.UUID  `json:"i"`
}

// placeOf is the place of a line in an order.
func placeOf(l Line, sort string) place {
	p := place{Sort: sort, Name: l.SortName, ID: l.ID}
	switch sort {
	case ByTier:
		p.Number = l.Tier
	case ByHighs:
		p.Number = l.Highs
	case ByEnd:
		p.Time = l.ValidUntil
	case ByDue:
		p.Time = l.ReviewDue
	}
	return p
}

// after returns the condition that a workload stands behind the place, with its parameters.
func (p place) after(args pgx.StrictNamedArgs) string {
	args["after_name"], args["after_id"] = p.Name, p.ID
	key := firstKeys[p.Sort]
	switch {
	case key == "":
		return `(` + orders[p.Sort] + `) > (@after_name, @after_id)`
	case strings.Contains(key, "@after_time"):
		args["after_time"] = p.Time
	default:
		args["after_number"] = p.Number
	}
	return `(` + orders[p.Sort] + `) > (` + key + `, @after_name, @after_id)`
}

// Workloads reads a page of workloads, and the cursor of the next page, empty at the
// end. A workload that is added, renamed or removed between two pages neither doubles nor
// hides another. Invalid on "tier", "stage", "decision", "sort" and "after".
func (s *Service) Workloads(ctx context.Context, who identity.Actor, f Filter, cursor string) (lines []Line, next string, err error) {
	return s.workloads(ctx, who, f, cursor, pageOf(f.Limit))
}

// EachWorkload hands every workload under the filter to take, in the order of the list, a
// few hundred at a time. It ends at the first error of take. Invalid as Workloads is.
func (s *Service) EachWorkload(ctx context.Context, who identity.Actor, f Filter, take func([]Line) error) error {
	for cursor := ""; ; {
		lines, next, err := s.workloads(ctx, who, f, cursor, 500)
		if err != nil {
			return err
		}
		if err := take(lines); err != nil || next == "" {
			return err
		}
		cursor = next
	}
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
	from := standing
	if f.Text != "" {
		from, args["text"] = named, f.Text
	}
	if cursor != "" {
		var after place
		if err := decodeCursor(cursor, &after); err != nil || after.Sort != f.Sort || after.Number < 0 || after.Number > math.MaxInt32 {
			return nil, "", badCursor()
		}
		where = append(where, after.after(args))
	}
	args["today"], args["nobody"] = today(now), uuid.Nil
	order := ` order by ` + orders[f.Sort]
	sql := `with page as materialized (select w.* from ` + from + ` where ` + strings.Join(where, ` and `) + order + atMost(limit+1) + `)` + lineSQL + order
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
		next = encodeCursor(placeOf(lines[limit-1], f.Sort))
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
		return fault.InvalidField("sort", "Workloads are sorted by name, tier, highs, end of the decision or next review.")
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

// where returns the conditions on a workload w but that of the text, and their parameters.
func (f Filter) where(who identity.Actor, now time.Time) (where []string, args pgx.StrictNamedArgs) {
	args = Reader(who)
	where = []string{Readable}
	add := func(condition, name string, value any) {
		where = append(where, condition)
		if name != "" {
			args[name] = value
		}
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
		add(`w.highs > 0`, "", nil)
	}
	if f.Overdue {
		add(`w.next_due < @today`, "", nil)
	}
	if f.Ending {
		add(`w.id in `+endingSQL, "", nil)
	}
	switch f.Decision {
	case "":
	case Undecided:
		add(`w.outcome = ''`, "", nil)
	case Ended:
		add(`w.ends_at < @now`, "now", now)
	case Ending:
		add(`w.ends_at between @now and @soon`, "now", now)
		args["soon"] = now.Add(soon)
	default:
		add(`w.outcome = @outcome and w.ends_at >= @now`, "outcome", f.Decision)
		args["now"] = now
	}
	return where, args
}

// Views counts what the saved views of the list of workloads hold: planned and live
// workloads that the actor may read.
type Views struct {
	All, Mine, Highs, Overdue, Undecided, Ending, Ended, Acceptances int
}

// Views counts the saved views in one statement.
func (s *Service) Views(ctx context.Context, who identity.Actor) (Views, error) {
	if err := signedIn(who); err != nil {
		return Views{}, err
	}
	const sql = `
		select count(*) as all, count(*) filter (where w.team_id = any(@teams)) as mine,
			count(*) filter (where w.highs > 0) as highs, count(*) filter (where w.next_due < @today) as overdue,
			count(*) filter (where w.outcome = '') as undecided,
			count(*) filter (where w.ends_at between @now and @soon) as ending,
			count(*) filter (where w.ends_at < @now) as ended,
			count(*) filter (where w.id in ` + endingSQL + `) as acceptances
		from ` + standing + `
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
