alter table ticket_links drop column tell_due, drop column tell_problem;

create or replace view workload_standing_now as
select w.id as workload_id, w.key, lower(w.name) as sort_name, w.team_id, w.tier, w.stage, w.restricted, i.highs, i.next_due,
    coalesce(d.outcome, '') as outcome, d.decided_at, d.review_id as decided_in, coalesce(d.valid_until, 'infinity') as ends_at,
    case when w.stage = 'retired' then 'infinity'
        else coalesce((d.valid_until at time zone 'UTC')::date - case when d.outcome = 'emergency' then 0 else 30 end, case when d.outcome is null then w.launch_on end, 'infinity') end as review_due,
    j.id as judged_round
from workloads w
cross join lateral (
    select count(*) filter (where i.risk = 'high' and i.cause_kind <> 'condition' and i.state not in ('verified', 'closed'))::int + (
            -- highs that were accepted and that nobody mends by an item: they are there whether the acceptance runs or is over
            select count(distinct x.question)::int from acceptances x
            where x.workload_id = w.id and x.risk = 'high' and x.until is not null and x.settled_at is null
                and not exists (select from items m where m.workload_id = w.id and m.cause_kind = 'question' and m.cause_key = x.question and m.state <> 'verified')) as highs,
        min(i.due_on) filter (where i.state in ('open', 'in_progress') or i.state = 'done' and (i.risk = 'high' or i.cause_kind = 'condition')) as next_due
    from items i where i.workload_id = w.id) i
left join lateral (
    select case when a.outcome like 'elsewhere%' then 'decided_elsewhere' else a.outcome end as outcome, a.decided_at, a.valid_until, a.review_id
    from launch_acts a where a.workload_id = w.id and a.change_key = ''
    order by a.acted_at desc, a.decided_at desc, a.id desc limit 1) d on true
left join lateral (
    select x.id
    from reviews r
    join rounds x on x.review_id = r.id and x.state in ('submitted', 'sealed')
    where r.workload_id = w.id and r.change_key = ''
    order by x.submitted_at desc limit 1) j on true;

create index items_workload on items (workload_id, due_on, id);
