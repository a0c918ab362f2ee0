-- Room: internal/review. The acts that govern launches are kept as they are made: the newest of a
-- subject is found by one look into an index.
alter view launch_acts rename to launch_acts_before;

create view launch_acts_now as
select a.*, r.type_key, r.tier, c.content_sha256
from (
    select r.workload_id, r.change_key, r.id as review_id, c.id, c.id as decision_id, c.outcome, c.decided_at as acted_at, c.decided_at, c.valid_until
    from decisions c join rounds x on x.id = c.round_id join reviews r on r.id = x.review_id
    where r.gates_launch
    union all
    select r.workload_id, r.change_key, r.id, v.id, c.id, 'revoked', v.revoked_at, c.decided_at, null
    from revocations v join decisions c on c.id = v.decision_id join rounds x on x.id = c.round_id join reviews r on r.id = x.review_id
    where r.gates_launch
    union all
    select r.workload_id, r.change_key, r.id, e.id, null, 'emergency', e.decided_at, e.decided_at, e.ends_at
    from emergency_decisions e join reviews r on r.id = e.review_id
    union all
    select r.workload_id, r.change_key, r.id, v.id, null, 'revoked', v.revoked_at, e.decided_at, null
    from emergency_revocations v join emergency_decisions e on e.id = v.emergency_id join reviews r on r.id = e.review_id
    union all
    select o.workload_id, '', null, o.id, null, 'elsewhere_' || o.outcome, '-infinity', o.decided_on::timestamp at time zone 'UTC', (o.valid_until + interval '1 day' - interval '1 second') at time zone 'UTC'
    from outside_decisions o
    where exists (select from outside_verdicts v where v.outside_id = o.id and v.verdict = 'confirmed')
        and not exists (select from outside_verdicts v where v.outside_id = o.id and v.verdict = 'refused')) a
left join reviews r on r.id = a.review_id
left join decisions c on c.id = a.decision_id;
comment on view launch_acts_now is 'internal/review: how launch_acts follows from what was decided';

create table launch_acts (
    workload_id uuid not null references workloads,
    change_key text not null,
    review_id uuid references reviews,
    id uuid primary key,
    decision_id uuid references decisions,
    outcome text not null,
    acted_at timestamptz not null,
    decided_at timestamptz not null,
    valid_until timestamptz,
    type_key text references review_types,
    tier int,
    content_sha256 bytea
);
create index launch_acts_newest on launch_acts (workload_id, lower(change_key), acted_at desc, decided_at desc, id desc);
comment on table launch_acts is 'internal/review: what governs launches, written by triggers beside each act: the newest of a subject, in the order of launch_acts_newest, whatever came before. So a decision that was revoked, or that ended, brings no older one back. A decision made elsewhere comes before every other';

-- Whoever judges a decision made elsewhere holds its lock: a refused one counts no more.
create function keep_launch_act() returns trigger language plpgsql as $$
declare
    act uuid := to_jsonb(new) ->> tg_argv[0];
begin
    delete from launch_acts where id = act;
    insert into launch_acts select * from launch_acts_now where id = act;
    return null;
end $$;
create trigger decisions_launch after insert on decisions for each row execute function keep_launch_act('id');
create trigger revocations_launch after insert on revocations for each row execute function keep_launch_act('id');
create trigger emergency_decisions_launch after insert on emergency_decisions for each row execute function keep_launch_act('id');
create trigger emergency_revocations_launch after insert on emergency_revocations for each row execute function keep_launch_act('id');
create trigger outside_verdicts_launch after insert on outside_verdicts for each row execute function keep_launch_act('outside_id');

insert into launch_acts select * from launch_acts_now;

-- Nobody else writes what decides launches.
create trigger launch_acts_derived before insert or update or delete on launch_acts
    for each row when (pg_trigger_depth() = 0) execute function refuse_change();

-- The line of a workload reads the table.
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

drop view launch_acts_before;
