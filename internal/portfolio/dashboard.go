package portfolio

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/text"
)

const (
	dashMonths    = 12 // months that a dashboard looks back, this one included
	dashQuestions = 12 // questions of the list of those failed most
)

// DashFilter narrows a dashboard. The zero DashFilter takes everything the actor may read.
type DashFilter struct {
	TeamKey string
	Tier    int    // 1 to 3; 0: any
	Set     string // the key of a questionnaire: only its answers
}

// Dashboard is what the planned and live workloads that a reader may read have in common.
// Risks are those of the newest submitted or sealed round of each, over the whole workload.
type Dashboard struct {
	Workloads int // that the filter takes
	Judged    int // of those, with such a round
	Highs     int // unfinished items of high risk
	Overdue   int // unfinished items whose day has passed
	Undecided int // workloads without a decision
	Emergency int // workloads that an EMERGENCY go governs now

	Sections  []SectionRisk  // the most highs first
	Questions []QuestionRisk // the most highs first, at most twelve
	Teams     []TeamRisk     // the most highs first
	Months    []Month        // the oldest first, this month last
}

// SectionRisk counts the answers of a section that carry a risk.
type SectionRisk struct {
	Set, SetName, Section string
	High, Medium          int
}

// QuestionRisk counts the answers to a question that carry a risk.
type QuestionRisk struct {
	Set, ID, Title, Section string
	High, Medium            int
}

// TeamRisk is how the workloads of a team stand.
type TeamRisk struct {
	Key, Name    string
	High, Medium int // answers that carry a risk
	Overdue      int // unfinished items whose day has passed
	Emergencies  int // EMERGENCY gos of the months that the dashboard looks back
}

// Month is what was decided in a month. Days are from the opening of a round to its decision.
type Month struct {
	Start           time.Time
	Go, Conditional int
	NoGo            int
	Median, P90     float64 // days; 0 when nothing was decided
}

// Decided counts the decisions of a month.
func (m Month) Decided() int { return m.Go + m.Conditional + m.NoGo }

// Dashboard reads a dashboard in four statements. Nothing is kept between readers: each
// counts what they may read. Invalid on "tier".
func (s *Service) Dashboard(ctx context.Context, who identity.Actor, f DashFilter) (Dashboard, error) {
	var d Dashboard
	if err := signedIn(who); err != nil {
		return d, err
	}
	if f.Tier < 0 || f.Tier > 3 {
		return d, fault.InvalidField("tier", "Choose tier 1, 2 or 3.")
	}
	q := s.dashQuery(who, f)
	for _, read := range []func(context.Context, dashQuery, *Dashboard) error{s.dashCounts, s.dashRisks, s.dashMonths} {
		if err := read(ctx, q, &d); err != nil {
			return Dashboard{}, fmt.Errorf("read dashboard: %w", err)
		}
	}
	return d, nil
}

// dashQuery is what every statement of a dashboard begins with: the workloads it takes.
type dashQuery struct {
	from string // a CTE f of id, team_id, judged_round and more
	args func() pgx.StrictNamedArgs
	set  string
	now  time.Time
}

func (s *Service) dashQuery(who identity.Actor, f DashFilter) dashQuery {
	where, more := []string{`w.stage <> 'retired'`, Readable}, map[string]any{}
	if key := text.Clean(f.TeamKey); key != "" {
		where, more["team"] = append(where, `w.team_id = (select id from teams where key = @team)`), key
	}
	if f.Tier != 0 {
		where, more["tier"] = append(where, `w.tier = @tier`), f.Tier
	}
	return dashQuery{
		from: `with f as (select w.id, w.team_id, w.highs, w.next_due, w.outcome, w.ends_at, w.judged_round from ` + standing + ` where ` + strings.Join(where, ` and `) + `) `,
		args: func() pgx.StrictNamedArgs {
			args := Reader(who)
			for name, value := range more {
				args[name] = value
			}
			return args
		},
		set: text.Clean(f.Set), now: s.now(),
	}
}

// dashCounts reads the totals, and what is overdue by team.
func (s *Service) dashCounts(ctx context.Context, q dashQuery, d *Dashboard) error {
	sql := q.from + `, per_team as (
			select f.team_id, count(*) as workloads, count(f.judged_round) as judged, sum(f.highs)::int as highs, count(*) filter (where f.outcome = '') as undecided,
				count(*) filter (where f.outcome = 'emergency' and f.ends_at >= @now) as emergency
			from f group by f.team_id),
		urgent as (
			select f.team_id, count(*) as emergencies
			from emergency_decisions e join reviews r on r.id = e.review_id join f on f.id = r.workload_id
			where e.decided_at >= @since group by f.team_id),
		late as (
			select f.team_id, count(*) as overdue
			from items i join f on f.id = i.workload_id where i.due_on < @today and not ` + finished + ` group by f.team_id)
		select t.key, t.name, g.workloads, g.judged, g.highs, g.undecided, coalesce(l.overdue, 0) as overdue,
			g.emergency, coalesce(u.emergencies, 0) as emergencies
		from per_team g join teams t on t.id = g.team_id left join late l on l.team_id = g.team_id left join urgent u on u.team_id = g.team_id
		order by t.name`
	args := q.args()
	args["today"], args["now"], args["since"] = today(q.now), q.now, monthsBack(q.now)
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return err
	}
	type row struct {
		Key, Name                                    string
		Workloads, Judged, Highs, Undecided, Overdue int
		Emergency, Emergencies                       int
	}
	_, err = collect(rows, func(r row) {
		d.Workloads, d.Judged, d.Highs = d.Workloads+r.Workloads, d.Judged+r.Judged, d.Highs+r.Highs
		d.Undecided, d.Overdue, d.Emergency = d.Undecided+r.Undecided, d.Overdue+r.Overdue, d.Emergency+r.Emergency
		d.Teams = append(d.Teams, TeamRisk{Key: r.Key, Name: r.Name, Overdue: r.Overdue, Emergencies: r.Emergencies})
	})
	return err
}

// monthsBack is the first day that a dashboard looks back to.
func monthsBack(now time.Time) time.Time {
	return time.Date(now.Year(), now.Month()+1-dashMonths, 1, 0, 0, 0, 0, time.UTC)
}

// dashRisks reads what carries a risk, by team and by question. Postgres only strings the kept
// lists of the rounds together: to add up names is cheaper here.
func (s *Service) dashRisks(ctx context.Context, q dashQuery, d *Dashboard) error {
	only := ``
	args := q.args()
	if q.set != "" {
		only = ` and k.version_id = any(array(select id from questionnaire_versions where questionnaire_key = @set))`
		args["set"] = q.set
	}
	sql := q.from + `
		select t.key as team, g.version_id, g.high, g.medium
		from (
			select f.team_id, k.version_id, string_agg(k.high, ' ') as high, string_agg(k.medium, ' ') as medium
			from f join round_risks k on k.round_id = f.judged_round` + only + `
			group by f.team_id, k.version_id) g
		join teams t on t.id = g.team_id`
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return err
	}
	sum := riskSum{questions: map[riskKey]*riskCount{}, teams: map[string]riskCount{}}
	if _, err := collect(rows, sum.add); err != nil {
		return err
	}
	for i, t := range d.Teams {
		d.Teams[i].High, d.Teams[i].Medium = sum.teams[t.Key].high, sum.teams[t.Key].medium
	}
	slices.SortStableFunc(d.Teams, func(a, b TeamRisk) int {
		return cmp.Or(cmp.Compare(b.High, a.High), cmp.Compare(b.Medium, a.Medium), cmp.Compare(b.Overdue, a.Overdue))
	})
	return s.dashNames(ctx, sum.questions, d)
}

// riskRow is the questions of one version that carry a risk in the rounds of a team, one name
// for each round, with spaces between.
type riskRow struct {
	Team         string
	VersionID    uuid.UUID
	High, Medium string
}

type riskKey struct {
	version  uuid.UUID
	question string
}

type riskCount struct{ high, medium int }

// riskSum adds up rows by question and by team.
type riskSum struct {
	questions map[riskKey]*riskCount
	teams     map[string]riskCount
}

func (s *riskSum) add(r riskRow) {
	team := s.teams[r.Team]
	for name := range strings.FieldsSeq(r.High) {
		s.question(r.VersionID, name).high++
		team.high++
	}
	for name := range strings.FieldsSeq(r.Medium) {
		s.question(r.VersionID, name).medium++
		team.medium++
	}
	s.teams[r.Team] = team
}

func (s *riskSum) question(version uuid.UUID, name string) *riskCount {
	key := riskKey{version, name}
	c := s.questions[key]
	if c == nil {
		c = &riskCount{}
		s.questions[key] = c
	}
	return c
}

// dashNames gives questions their words and sums them up by section, over all versions.
func (s *Service) dashNames(ctx context.Context, counts map[riskKey]*riskCount, d *Dashboard) error {
	sections, questions := map[[2]string]*SectionRisk{}, map[[2]string]*QuestionRisk{}
	for key, r := range counts {
		set, err := s.library.Version(ctx, s.db, key.version)
		if err != nil {
			return err
		}
		for _, section := range set.Sections {
			for _, question := range section.Questions {
				if question.ID != key.question {
					continue
				}
				at, in := [2]string{set.Key, question.ID}, [2]string{set.Key, section.ID}
				if questions[at] == nil {
					questions[at] = &QuestionRisk{Set: set.Key, ID: question.ID, Title: question.Title, Section: section.Name}
				}
				if sections[in] == nil {
					sections[in] = &SectionRisk{Set: set.Key, SetName: set.Name, Section: section.Name}
				}
				questions[at].High, questions[at].Medium = questions[at].High+r.high, questions[at].Medium+r.medium
				sections[in].High, sections[in].Medium = sections[in].High+r.high, sections[in].Medium+r.medium
			}
		}
	}
	for _, one := range sections {
		d.Sections = append(d.Sections, *one)
	}
	for _, one := range questions {
		d.Questions = append(d.Questions, *one)
	}
	slices.SortFunc(d.Sections, func(a, b SectionRisk) int {
		return cmp.Or(cmp.Compare(b.High, a.High), cmp.Compare(b.Medium, a.Medium), cmp.Compare(a.Set, b.Set), cmp.Compare(a.Section, b.Section))
	})
	slices.SortFunc(d.Questions, func(a, b QuestionRisk) int {
		return cmp.Or(cmp.Compare(b.High, a.High), cmp.Compare(b.Medium, a.Medium), cmp.Compare(a.Set, b.Set), cmp.Compare(a.ID, b.ID))
	})
	d.Questions = d.Questions[:min(len(d.Questions), dashQuestions)]
	return nil
}

// dashMonths reads what was decided in each of the last twelve months.
func (s *Service) dashMonths(ctx context.Context, q dashQuery, d *Dashboard) error {
	for i := range dashMonths {
		d.Months = append(d.Months, Month{Start: monthsBack(q.now).AddDate(0, i, 0)})
	}
	only := ``
	args := q.args()
	if q.set != "" {
		only = ` and exists (select from review_questionnaires p where p.review_id = d.review_id and p.questionnaire_key = @set)`
		args["set"] = q.set
	}
	sql := q.from + `
		select date_trunc('month', d.decided_at at time zone 'UTC')::date as start, count(*) filter (where d.outcome = 'go') as go,
			count(*) filter (where d.outcome = 'conditional') as conditional, count(*) filter (where d.outcome = 'no_go') as no_go,
			percentile_cont(0.5) within group (order by d.days) as median,
			percentile_cont(0.9) within group (order by d.days) as p90
		from decided_rounds d join f on f.id = d.workload_id
		where d.decided_at >= @since` + only + `
		group by 1`
	args["since"] = d.Months[0].Start
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return err
	}
	_, err = collect(rows, func(m Month) {
		for i := range d.Months {
			if d.Months[i].Start.Equal(m.Start) {
				d.Months[i] = m
			}
		}
	})
	return err
}
