package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	dueSoon       = 3  // days before the due day of an item
	askedAgo      = 7  // days after a follow-up is asked within which it is told
	acceptanceEnd = 30 // days before the end of an acceptance, and again a week before
	decisionEnd   = 14 // days before the end of a decision
)

// leads is the SQL condition on a membership m of the team of a workload w that says what leadsOf
// says of a team: a lead's, or anybody's where no lead can sign in.
const leads = `m.team_id = w.team_id and (m.role = 'lead' or not exists (
		select from memberships l join people x on x.id = l.person_id and x.deactivated_at is null where l.team_id = w.team_id and l.role = 'lead'))`

// calendarSQL makes the notices of what comes near. Each says a thing once for each date and
// stretch; ends are compared with @now, by the clock of the service.
var calendarSQL = []string{
	`insert into notices (id, person_id, kind, key, workload_id, title, href, at)
	select gen_random_uuid(), i.owner_id, 'due', 'item/' || i.id || '/' || i.due_on || case when i.due_on < @today then '/late' else '/soon' end, i.workload_id,
		left('Your item in ' || w.name || case when i.due_on < @today then ' is overdue since ' else ' is due on ' end || to_char(i.due_on, 'FMDD FMMonth YYYY') || ': ' || i.title, 400),
		'/items/' || i.id, @now
	from items i
	join workloads w on w.id = i.workload_id
	join people p on p.id = i.owner_id and p.deactivated_at is null
	where i.state in ('open', 'in_progress') and i.due_on <= @today::date + @due_soon::int
	on conflict on constraint notices_once do nothing`,

	`insert into notices (id, person_id, kind, key, workload_id, title, href, at)
	select gen_random_uuid(), p.id, 'due', 'item/' || i.id || '/' || i.due_on || case when i.due_on < @today then '/queue-late' else '/queue-soon' end, i.workload_id,
		left('An item in ' || w.name || ' that nobody owns' || case when i.due_on < @today then ' is overdue since ' else ' is due on ' end || to_char(i.due_on, 'FMDD FMMonth YYYY') || ': ' || i.title, 400),
		'/items/' || i.id, @now
	from items i
	join workloads w on w.id = i.workload_id
	join memberships m on ` + leads + `
	join people p on p.id = m.person_id and p.deactivated_at is null
	where i.owner_id is null and i.state in ('open', 'in_progress') and i.due_on <= @today::date + @due_soon::int
	on conflict on constraint notices_once do nothing`,

	`insert into notices (id, person_id, kind, key, workload_id, title, href, at)
	select gen_random_uuid(), p.id, v.kind, 'follow-up/' || f.id || v.key, f.workload_id, left(v.words || to_char(f.due_on, 'FMDD FMMonth YYYY') || ': ' || l.title, 400), '/follow-ups/' || f.id, @now
	from follow_ups f
	join lessons l on l.id = f.lesson_id
	join workloads w on w.id = f.workload_id and w.stage <> 'retired'
	join memberships m on ` + leads + `
	join people p on p.id = m.person_id and p.deactivated_at is null
	cross join lateral (values
		('assigned', '/asked', 'A lesson asks ' || w.name || ' a question, to answer by ', f.asked_on >= @today::date - @asked_ago::int and f.due_on >= @today),
		('due', '/soon', 'The question of a lesson to ' || w.name || ' is due on ', f.due_on between @today::date and @today::date + @due_soon::int),
		('due', '/late', 'The question of a lesson to ' || w.name || ' is overdue since ', f.due_on < @today)) as v (kind, key, words, told)
	where f.state = 'open' and f.asked_on <= @today and v.told
	on conflict on constraint notices_once do nothing`,

	`insert into notices (id, person_id, kind, key, workload_id, title, href, at)
	select gen_random_uuid(), p.id, 'ending', 'acceptance/' || a.id || '/' || a.until || case when a.until <= @today::date + 7 then '/7' else '/30' end, a.workload_id,
		left('The acceptance of a risk in ' || w.name || ' ends on ' || to_char(a.until, 'FMDD FMMonth YYYY') || ': ' || a.title, 400), '/acceptances/' || a.id, @now
	from acceptances a
	join workloads w on w.id = a.workload_id
	join people p on p.deactivated_at is null and (p.id = a.asked_by or exists (
		select from memberships m where m.person_id = p.id and m.team_id = w.team_id and m.role = 'lead'))
	where a.state = 'granted' and a.settled_at is null and a.until between @today::date and @today::date + @acceptance_end::int
		and (not w.restricted or exists (select from memberships m where m.person_id = p.id and m.team_id = w.team_id))
	on conflict on constraint notices_once do nothing`,

	`insert into notices (id, person_id, kind, key, workload_id, title, href, at)
	select gen_random_uuid(), p.id, 'ending', 'decision/' || s.workload_id || '/' || to_char(s.ends_at at time zone 'UTC', 'YYYY-MM-DD'), s.workload_id,
		'The decision on ' || w.name || ' ends on ' || to_char(s.ends_at at time zone 'UTC', 'FMDD FMMonth YYYY') || '.', '/workloads/' || w.key, @now
	from workload_standing s
	join workloads w on w.id = s.workload_id and w.stage <> 'retired'
	join memberships m on m.team_id = w.team_id and m.role = 'lead'
	join people p on p.id = m.person_id and p.deactivated_at is null
	where s.ends_at between @now and @now::timestamptz + make_interval(days => @decision_end::int)
	on conflict on constraint notices_once do nothing`,
}

// Calendar makes the notices of what is due, overdue or ends soon. Run again it makes none
// twice. It does not authorise: the clock calls it.
func (s *Service) Calendar(ctx context.Context) error {
	now := s.now()
	values := map[string]any{
		"now": now, "today": now.UTC().Truncate(24 * time.Hour), "due_soon": dueSoon, "asked_ago": askedAgo, "acceptance_end": acceptanceEnd, "decision_end": decisionEnd,
	}
	for _, sql := range calendarSQL {
		if _, err := s.db.Exec(ctx, sql, pgx.NamedArgs(values)); err != nil {
			return fmt.Errorf("make notices of the calendar: %w", err)
		}
	}
	return nil
}
