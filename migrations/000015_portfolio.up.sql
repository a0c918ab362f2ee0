-- Rooms: internal/workload, internal/review and internal/remediation write their columns below.
-- workload_standing belongs to internal/portfolio, and only the triggers of this file write it.
alter table workloads
    add column retired_at timestamptz,
    add column retired_by uuid references people,
    add column retired_reason text not null default '' check (length(retired_reason) <= 2000);

alter table reviews
    add column cancelled_at timestamptz,
    add column cancelled_by uuid references people,
    add column cancel_reason text not null default '' check (length(cancel_reason) <= 2000);

alter table items drop constraint items_state_check;
alter table items
    add constraint items_state_check check (state in ('open', 'in_progress', 'done', 'verified', 'closed')),
    add column closed_at timestamptz,
    add column closed_by uuid references people,
    add column closed_reason text not null default '' check (length(closed_reason) <= 2000),
    add constraint items_closed check (state <> 'closed' or closed_at is not null);
create index items_to_verify on items (workload_id) where state = 'done' and (risk = 'high' or cause_kind = 'condition');
create index rounds_submitted on rounds (submitted_at) where state = 'submitted';
create index decisions_decided on decisions (decided_at) include (outcome, round_id);
create index answers_carried on answers (round_id, origin_round) where origin_round is not null;
create index answers_author on answers (round_id, saved_by) where saved_by is not null;
create index answers_risky on answers (round_id) include (version_id, question_id, risk) where risk in ('high', 'medium', 'unmatched');

-- One line per workload, for lists that are filtered and sorted by what other rooms wrote.
create table workload_standing (
    workload_id uuid primary key references workloads,
    key text not null,
    sort_name text not null,
    team_id uuid not null,
    tier int not null,
    stage text not null,
    restricted bool not null,
    highs int not null,
    next_due date,
    outcome text not null,
    decided_at timestamptz,
    decided_in uuid,
    ends_at timestamptz not null,
    review_due date not null,
    judged_round uuid,
    refreshed_in xid8 not null
);
comment on table workload_standing is 'internal/portfolio: what lists sort by, derived from workloads, items, acceptances, rounds and decisions by triggers; ends_at and review_due infinity: never';
create index workload_standing_name on workload_standing (sort_name, workload_id);
create index workload_standing_tier on workload_standing (tier, sort_name, workload_id);
create index workload_standing_highs on workload_standing ((-highs), sort_name, workload_id);
create index workload_standing_ends on workload_standing (ends_at, sort_name, workload_id);
create index workload_standing_due on workload_standing (review_due, sort_name, workload_id);
create index workload_standing_team on workload_standing (team_id, sort_name, workload_id);

-- The rule of every column, in one place. The newest act on the workload governs, as in the
-- launch gate: cancelling a review lifts no no-go.
create view workload_standing_now as
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

-- Writes the line of a workload anew. The lock comes in a statement of its own, so that what is
-- read after it was committed by whoever held the lock before.
create function refresh_standing(target uuid) returns void language plpgsql as $$
begin
    if exists (select from workload_standing where workload_id = target and refreshed_in = pg_current_xact_id()) then
        return; -- at the end of this transaction nothing changes any more
    end if;
    insert into workload_standing
    select n.*, pg_current_xact_id() from workload_standing_now n where n.workload_id = target
    on conflict (workload_id) do nothing;
    perform from workload_standing where workload_id = target for update;
    update workload_standing s
    set (key, sort_name, team_id, tier, stage, restricted, highs, next_due, outcome, decided_at, decided_in, ends_at, review_due, judged_round, refreshed_in)
        = (n.key, n.sort_name, n.team_id, n.tier, n.stage, n.restricted, n.highs, n.next_due, n.outcome, n.decided_at, n.decided_in, n.ends_at,
            n.review_due, n.judged_round, pg_current_xact_id())
    from workload_standing_now n
    where s.workload_id = target and n.workload_id = target;
end $$;

-- The triggers fire at the end of the transaction: after its audit record, whose lock they
-- so never wait for in the wrong order, and once for all its writes.
create function standing_of_row() returns trigger language plpgsql as $$
begin
    perform refresh_standing(case tg_table_name when 'workloads' then (to_jsonb(new) ->> 'id')::uuid else (to_jsonb(new) ->> 'workload_id')::uuid end);
    return null;
end $$;
create function standing_of_round() returns trigger language plpgsql as $$
begin
    perform refresh_standing(r.workload_id)
    from rounds x join reviews r on r.id = x.review_id
    where x.id = case tg_table_name when 'decisions' then (to_jsonb(new) ->> 'round_id')::uuid else (to_jsonb(new) ->> 'id')::uuid end;
    return null;
end $$;
create function standing_of_act() returns trigger language plpgsql as $$
declare
    line jsonb := to_jsonb(new);
begin
    perform refresh_standing(case tg_table_name
        when 'revocations' then (
            select r.workload_id from decisions c join rounds x on x.id = c.round_id join reviews r on r.id = x.review_id
            where c.id = (line ->> 'decision_id')::uuid)
        when 'emergency_decisions' then (select r.workload_id from reviews r where r.id = (line ->> 'review_id')::uuid)
        when 'emergency_revocations' then (
            select r.workload_id from emergency_decisions e join reviews r on r.id = e.review_id where e.id = (line ->> 'emergency_id')::uuid)
        else (select o.workload_id from outside_decisions o where o.id = (line ->> 'outside_id')::uuid) end);
    return null;
end $$;
create constraint trigger workloads_standing after insert or update on workloads deferrable initially deferred for each row execute function standing_of_row();
create constraint trigger items_standing after insert or update on items deferrable initially deferred for each row execute function standing_of_row();
create constraint trigger acceptances_standing after insert or update on acceptances deferrable initially deferred for each row execute function standing_of_row();
create constraint trigger rounds_standing after update of state on rounds deferrable initially deferred for each row execute function standing_of_round();
create constraint trigger decisions_standing after insert on decisions deferrable initially deferred for each row execute function standing_of_round();
create constraint trigger revocations_standing after insert on revocations deferrable initially deferred for each row execute function standing_of_act();
create constraint trigger emergency_decisions_standing after insert on emergency_decisions deferrable initially deferred for each row execute function standing_of_act();
create constraint trigger emergency_revocations_standing after insert on emergency_revocations deferrable initially deferred for each row execute function standing_of_act();
create constraint trigger outside_verdicts_standing after insert on outside_verdicts deferrable initially deferred for each row execute function standing_of_act();

insert into workload_standing select n.*, pg_current_xact_id() from workload_standing_now n;
