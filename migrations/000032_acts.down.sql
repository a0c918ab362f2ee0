alter table launch_acts rename to launch_acts_kept;

create view launch_acts as
    select r.workload_id, r.change_key, r.id as review_id, c.id, c.id as decision_id, c.outcome, c.decided_at as acted_at, c.decided_at, c.valid_until
    from reviews r join rounds x on x.review_id = r.id and x.state = 'sealed' join decisions c on c.round_id = x.id
    where r.gates_launch
    union all
    select r.workload_id, r.change_key, r.id, v.id, c.id, 'revoked', v.revoked_at, c.decided_at, null
    from reviews r join rounds x on x.review_id = r.id and x.state = 'sealed' join decisions c on c.round_id = x.id join revocations v on v.decision_id = c.id
    where r.gates_launch
    union all
    select r.workload_id, r.change_key, r.id, e.id, null, 'emergency', e.decided_at, e.decided_at, e.ends_at
    from reviews r join emergency_decisions e on e.review_id = r.id
    union all
    select r.workload_id, r.change_key, r.id, v.id, null, 'revoked', v.revoked_at, e.decided_at, null
    from reviews r join emergency_decisions e on e.review_id = r.id join emergency_revocations v on v.emergency_id = e.id
    union all
    select o.workload_id, '', null, o.id, null, 'elsewhere_' || o.outcome, '-infinity', o.decided_on::timestamp at time zone 'UTC', (o.valid_until + interval '1 day' - interval '1 second') at time zone 'UTC'
    from outside_decisions o
    where exists (select from outside_verdicts v where v.outside_id = o.id and v.verdict = 'confirmed')
        and not exists (select from outside_verdicts v where v.outside_id = o.id and v.verdict = 'refused');
comment on view launch_acts is 'internal/review: order by acted_at desc, decided_at desc, id desc; the first line governs';

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
        min(i.due_on) filter (where i.state in ('open', 'in_progress') or i.state = 'done' and (i.risk = 'high' or i.cause_kind in ('condition', 'incident'))) as next_due
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

drop trigger outside_verdicts_launch on outside_verdicts;
drop trigger emergency_revocations_launch on emergency_revocations;
drop trigger emergency_decisions_launch on emergency_decisions;
drop trigger revocations_launch on revocations;
drop trigger decisions_launch on decisions;
drop function keep_launch_act();
drop table launch_acts_kept;
drop view launch_acts_now;
