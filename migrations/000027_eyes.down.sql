alter table webhook_deliveries drop column restricted;
drop index webhook_deliveries_waiting;
drop index webhook_deliveries_leased;
alter table webhook_deliveries drop column waits;
alter table webhook_deliveries drop column attempts_before;
drop index items_verify;
create index items_verify on items (due_on, id) include (workload_id, done_by) where state = 'done' and (risk = 'high' or cause_kind in ('condition', 'incident'));
alter table items drop constraint items_four_eyes;
alter table items add constraint items_four_eyes check (
    state <> 'verified' or cause_kind = 'evidence' or risk <> 'high' and cause_kind not in ('condition', 'incident') or verified_by is distinct from done_by);
alter table items drop column had_ticket;
