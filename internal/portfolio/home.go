package portfolio

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
)

const (
	HomeRows   = 8   // of each list of a home
	endingRows = 50  // of decisions that end soon, whose lines are counted
	decideMost = 100 // what waits for a decision is counted as far
)

// Home is what waits for a person, and how the workloads of their teams stand. Each list
// holds HomeRows at most, the most pressing first; the totals count all.
type Home struct {
	Drafts      []Draft          // of my teams, to answer
	Submissions []Submission     // rounds that I may judge
	Mend        []Task           // items I own, the most overdue first
	Verify      []Task           // items done by others that I may verify
	Ending      []Line           // decisions of my teams' workloads that end within 30 days, fifty at most
	Asked       []AcceptanceTask // acceptances that I may judge, the oldest first
	Standing    []Line           // my teams' planned and live workloads, tier 1 first

	Unanswered   int // questions in all drafts of my teams
	Yours        int // of these, what I am asked to answer
	DraftsTotal  int
	Ready        int // of the drafts, those that are ready to submit
	DecideTotal  int
	DecideMore   bool // there are more than DecideTotal
	MendTotal    int
	OverdueTotal int // of what I own
	VerifyTotal  int
	AskedTotal   int

	Outside      []OutsideTask // decisions made elsewhere that I may confirm, the oldest first
	OutsideTotal int

	AcceptancesEnding      []AcceptanceTask // of my teams' workloads: within 30 days, or in the last 30
	AcceptancesEndingTotal int
	More                   bool // there are more workloads than Standing lists
}

// Draft is a round in which questions wait for an answer.
type Draft struct {
	ReviewID     uuid.UUID
	WorkloadKey  string
	WorkloadName string
	TypeName     string
	ChangeKey    string
	Round        int
	Questions    int
	Unanswered   int
	Yours        int // of these, what the actor is asked to answer
	ToConfirm    int // carried from before
	Blocking     int // required, and unanswered or to confirm
	Unowned      int // highs that are neither accepted nor asked to be: submission asks who mends them
	OpenedAt     time.Time
	ReturnedBy   string // who sent the round back; empty when nobody did
	ReturnedNote string
	LaunchOn     *time.Time
}

// Ready reports whether submission has nothing left to ask for, as the page before it counts.
func (d Draft) Ready() bool { return d.Blocking == 0 && d.Unowned == 0 }

// Submission is a frozen round that waits for voices or a decision.
type Submission struct {
	ReviewID     uuid.UUID
	WorkloadKey  string
	WorkloadName string
	TeamName     string
	Tier         int // as it was when the review started, or as it is now when that is stricter
	TypeName     string
	ChangeKey    string
	ChangeTitle  string
	Round        int
	SubmittedBy  string
	SubmittedAt  time.Time
	Needed       int    // how many approvers must agree, as Decide asks
	Agree        int    // how many do and may still judge
	Object       int    // how many of them object
	Outside      bool   // somebody from outside the team agrees
	Voice        string // the actor's own: agree, object, or empty
	LaunchOn     *time.Time
}

// Task is an item that waits for the actor.
type Task struct {
	Verify       bool // done by somebody else: to verify; else to mend
	ID           uuid.UUID
	Title        string
	WorkloadKey  string
	WorkloadName string
	CauseKind    string
	Risk         string
	Timing       string
	State        string
	DueOn        time.Time
	DoneBy       string // empty when nobody did it by hand
}

// Home reads what waits for the actor, in seven statements at most.
func (s *Service) Home(ctx context.Context, who identity.Actor) (Home, error) {
	var h Home
	if err := signedIn(who); err != nil {
		return h, err
	}
	if err := s.drafts(ctx, who, &h); err != nil {
		return h, err
	}
	if err := s.submissions(ctx, who, &h); err != nil {
		return h, err
	}
	if err := s.tasks(ctx, who, &h); err != nil {
		return h, err
	}
	if err := s.acceptances(ctx, who, &h); err != nil {
		return h, err
	}
	if err := s.outside(ctx, who, &h); err != nil {
		return h, err
	}
	if len(who.Teams) == 0 {
		return h, nil
	}
	var err error
	if h.Ending, _, err = s.workloads(ctx, who, Filter{Mine: true, Decision: Ending, Sort: ByTier}, "", endingRows); err != nil {
		return h, err
	}
	var next string
	h.Standing, next, err = s.workloads(ctx, who, Filter{Mine: true, Sort: ByTier}, "", HomeRows)
	h.More = next != ""
	return h, err
}

// ofTeams holds for a workload of the actor's teams. Hidden in a statement of its own, the list is
// as long to PostgreSQL as it always is: it keeps one plan, and does not plan anew each time.
const ofTeams = `w.team_id = any((select @teams::uuid[])::uuid[])`

// drafts reads the rounds that the actor's teams have to answer, the next launch first.
func (s *Service) drafts(ctx context.Context, who identity.Actor, h *Home) error {
	if len(who.Teams) == 0 {
		return nil
	}
	sql := `
		with mine as materialized (
			select d.id as round_id, count(*) as yours
			from answer_assignments x
			join rounds d on d.review_id = x.review_id and d.state = 'draft'
			join review_questionnaires k on k.review_id = x.review_id and k.questionnaire_key = x.questionnaire_key
			join answers a on a.round_id = d.id and a.version_id = k.version_id and a.question_id = x.question_id
			where x.person_id = @me and (a.risk = 'unanswered' or a.to_confirm)
			group by d.id),
		held as materialized ( -- the highs that are accepted, or asked to be
			select k.review_id, k.version_id, substr(x.question, length(k.questionnaire_key) + 2) as question_id
			from workloads w
			join acceptances x on x.workload_id = w.id and x.risk = 'high' and x.settled_at is null
				and (x.state = 'asked' or x.state = 'granted' and x.until >= @today)
			join reviews r on r.workload_id = w.id and r.state = 'open'
			join review_questionnaires k on k.review_id = r.id and starts_with(x.question, k.questionnaire_key || '/')
			where ` + ofTeams + `)
		select r.id as review_id, w.key as workload_key, w.name as workload_name, y.name as type_name, r.change_key, d.number as round,
			a.questions, a.unanswered, a.to_confirm, a.blocking, a.unowned, coalesce(b.yours, 0) as yours, d.opened_at, coalesce(p.name, '') as returned_by, d.returned_note, w.launch_on,
			count(*) over () as total, count(*) filter (where a.blocking = 0 and a.unowned = 0) over () as total_ready, sum(a.unanswered) over ()::int as total_unanswered,
			coalesce(sum(b.yours) over (), 0)::int as total_yours
		from workloads w
		join reviews r on r.workload_id = w.id and r.state = 'open'
		join rounds d on d.review_id = r.id and d.state = 'draft'
		join review_types y on y.key = r.type_key
		left join people p on p.id = d.returned_by
		cross join lateral (
			select count(*) as questions, count(*) filter (where a.risk = 'unanswered') as unanswered,
				count(*) filter (where a.to_confirm) as to_confirm,
				count(*) filter (where a.required and (a.risk = 'unanswered' or a.to_confirm)) as blocking,
				count(*) filter (where a.risk in ('high', 'unmatched') and (r.id, a.version_id, a.question_id) not in (
					select review_id, version_id, question_id from held)) as unowned
			from answers a where a.round_id = d.id) a
		left join mine b on b.round_id = d.id
		where ` + ofTeams + `
		order by w.launch_on nulls last, d.opened_at, r.id` + atMost(HomeRows)
	rows, err := s.db.Query(ctx, sql, pgx.StrictNamedArgs{"teams": Reader(who)["teams"], "me": who.PersonID, "today": today(s.now())})
	if err != nil {
		return fmt.Errorf("read drafts: %w", err)
	}
	type row struct {
		Draft
		Total           int
		TotalReady      int
		TotalUnanswered int
		TotalYours      int
	}
	_, err = collect(rows, func(r row) {
		h.Drafts, h.DraftsTotal = append(h.Drafts, r.Draft), r.Total
		h.Ready, h.Unanswered, h.Yours = r.TotalReady, r.TotalUnanswered, r.TotalYours
	})
	if err != nil {
		return fmt.Errorf("read drafts: %w", err)
	}
	return nil
}

// submissions reads the frozen rounds that the actor may judge: an approver by somebody
// else's word who saved no answer in the round. Those that wait longest come first; a hundred are
// counted.
func (s *Service) submissions(ctx context.Context, who identity.Actor, h *Home) error {
	judged, all := judges(who)
	if len(judged) == 0 {
		return nil
	}
	sql := `
		with waiting as materialized (
			select r.id, d.id as round_id, d.submitted_at
			from rounds d
			cross join lateral ( -- in the order of rounds, as far as they are counted
				select r.id from reviews r
				where r.id = d.review_id and r.state = 'open' and (@judges_all or r.workload_id = any(@judged)) offset 0) r
			where d.state = 'submitted' and d.id not in (select b.round_id from answer_revisions b where b.saved_by = @me)
				and d.id not in (select b.round_id from answers b where b.saved_by = @me)
				and not (d.number > 1 and exists (
					select from answers b
					join answers o on o.round_id = b.origin_round and o.version_id = b.origin_version and o.question_id = b.origin_question
					join rounds x on x.id = o.round_id and x.review_id = r.id
					where b.round_id = d.id and b.origin_round is not null and o.saved_by = @me))
			order by d.submitted_at, r.id` + atMost(decideMost+1) + `),
		page as materialized (
			select id, round_id, (select count(*) from waiting) as total from waiting order by submitted_at, id` + atMost(HomeRows) + `)
		select r.id as review_id, w.key as workload_key, w.name as workload_name, t.name as team_name, least(r.tier, w.tier) as tier, y.name as type_name,
			r.change_key, r.change_title, d.number as round, coalesce(p.name, '') as submitted_by, d.submitted_at,
			greatest(r.signoffs, (coalesce(r.signoffs_by_tier, y.signoffs))[w.tier]) as needed, v.agree, v.object, coalesce(v.outside, false) as outside, coalesce(v.mine, '') as voice, w.launch_on,
			page.total
		from page
		join reviews r on r.id = page.id
		join rounds d on d.id = page.round_id
		join workloads w on w.id = r.workload_id
		join teams t on t.id = w.team_id
		join review_types y on y.key = r.type_key
		left join people p on p.id = d.submitted_by
		cross join lateral (
			select count(*) filter (where voice = 'agree' and counts) as agree, count(*) filter (where voice = 'object' and counts) as object,
				bool_or(voice = 'agree' and outside_team and counts) as outside, max(voice) filter (where person_id = @me) as mine
			from (
				select s.person_id, s.voice, s.outside_team, x.deactivated_at is null and exists (
					select from grants g where g.person_id = s.person_id and g.kind = 'approver' and g.granted_by is distinct from g.person_id
					and (g.workload_id is null or g.workload_id = r.workload_id)) as counts
				from (
					select distinct on (person_id) person_id, voice, outside_team from signoffs
					where round_id = d.id and content_sha256 = d.content_sha256
					order by person_id, signed_at desc, id desc) s
				join people x on x.id = s.person_id) newest) v
		order by d.submitted_at, r.id`
	rows, err := s.db.Query(ctx, sql, pgx.StrictNamedArgs{"me": who.PersonID, "judges_all": all, "judged": judged})
	if err != nil {
		return fmt.Errorf("read submissions: %w", err)
	}
	type row struct {
		Submission
		Total int
	}
	_, err = collect(rows, func(r row) {
		h.Submissions, h.DecideTotal, h.DecideMore = append(h.Submissions, r.Submission), min(r.Total, decideMost), r.Total > decideMost
	})
	if err != nil {
		return fmt.Errorf("read submissions: %w", err)
	}
	return nil
}

// tasks reads the items that the actor owns, and those that others did and the actor may
// verify, in one statement.
func (s *Service) tasks(ctx context.Context, who identity.Actor, h *Home) error {
	sql := `
		with mine as materialized (
			select i.id, count(*) over () as total, count(*) filter (where i.due_on < @today) over () as late
			from items i join workloads w on w.id = i.workload_id
			where i.owner_id = @me and i.state in ('open', 'in_progress') and ` + Readable + `
			order by i.due_on, i.id` + atMost(HomeRows) + `),
		done as materialized (
			select i.id, count(*) over () as total
			from items i
			where i.state = 'done' and (i.risk = 'high' or i.cause_kind in ('condition', 'incident')) and i.done_by is distinct from @me
				and (i.done_by is not null or i.owner_id is distinct from @me and not @me = any(i.had_ticket))
				and (@verifies_all or i.workload_id in (select w.id from workloads w where ` + ofTeams + ` or w.id = any(@verifies)))
			order by i.due_on, i.id` + atMost(HomeRows) + `)
		select g.verify, i.id, i.title, w.key as workload_key, w.name as workload_name, i.cause_kind, i.risk, i.timing, i.state,
			i.due_on, coalesce(p.name, '') as done_by, g.total, g.late
		from (select false as verify, id, total, late from mine union all select true, id, total, 0 from done) g
		join items i on i.id = g.id
		join workloads w on w.id = i.workload_id
		left join people p on p.id = i.done_by
		order by g.verify, i.due_on, i.id`
	args := Reader(who)
	args["me"], args["today"] = who.PersonID, today(s.now())
	args["verifies"], args["verifies_all"] = verifies(who)
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return fmt.Errorf("read items: %w", err)
	}
	type row struct {
		Task
		Total, Late int
	}
	_, err = collect(rows, func(r row) {
		if r.Verify {
			h.Verify, h.VerifyTotal = append(h.Verify, r.Task), r.Total
			return
		}
		h.Mend, h.MendTotal, h.OverdueTotal = append(h.Mend, r.Task), r.Total, r.Late
	})
	if err != nil {
		return fmt.Errorf("read items: %w", err)
	}
	return nil
}

// verifies lists the workloads whose items a grant lets the actor verify, and says whether one
// lets them verify all: as an approver or a facilitator, by somebody else's word.
func verifies(who identity.Actor) (workloads []uuid.UUID, all bool) {
	workloads = []uuid.UUID{}
	for _, g := range who.Grants {
		if !g.SelfGiven && (g.Kind == identity.Approver || g.Kind == identity.Facilitator) {
			workloads, all = append(workloads, g.WorkloadID), all || g.WorkloadID == uuid.Nil
		}
	}
	return workloads, all
}

// collect hands each row, read by the names of its columns, to take.
func collect[T any](rows pgx.Rows, take func(T)) (n int, err error) {
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	for _, one := range list {
		take(one)
	}
	return len(list), err
}
