-- Rooms: internal/remediation writes items, internal/webhook its deliveries.
-- A ticket that is closed names nobody who did the work. Those who had it verify nothing that it closed.
alter table items add column had_ticket uuid[] not null default '{}';
update items i set had_ticket = (
    select coalesce(array_agg(distinct p.id), '{}') from (
        select i.owner_id as id union all select l.made_by from ticket_links l where l.item_id = i.id and l.tracker_id is not null) p
    where p.id is not null)
where i.state = 'done' and i.done_by is null and i.cause_kind <> 'evidence';
alter table items drop constraint items_four_eyes;
alter table items add constraint items_four_eyes check (
    state <> 'verified' or cause_kind = 'evidence' or risk <> 'high' and cause_kind not in ('condition', 'incident')
    or verified_by is distinct from done_by and (done_by is not null or not verified_by = any (had_ticket)));
drop index items_verify;
create index items_verify on items (due_on, id) include (workload_id, done_by, owner_id, had_ticket)
    where state = 'done' and (risk = 'high' or cause_kind in ('condition', 'incident'));

-- A replay has attempts of its own: those before it are counted here.
alter table webhook_deliveries add column attempts_before int not null default 0;
update webhook_deliveries set attempts_before = attempts / 8 * 8 where state = 'pending';

-- A receiver has few attempts at once, so that a slow one holds nobody up. What waits for its
-- turn is marked, and the next attempt that ends makes a job for it.
alter table webhook_deliveries add column waits bool not null default false;
create index webhook_deliveries_leased on webhook_deliveries (endpoint_id, leased_until) where leased_until is not null;
create index webhook_deliveries_waiting on webhook_deliveries (endpoint_id, due_at, id) where waits;

-- Of a restricted workload: only who may read all of them sees what was sent.
alter table webhook_deliveries add column restricted bool not null default false;
update webhook_deliveries d set restricted = true from webhook_endpoints e where e.id = d.endpoint_id and e.restricted;
