drop index audit_records_at;
drop index reviews_started;
drop index items_workload_due;
drop index items_due;
create index items_due on items (due_on, id) where state <> 'verified';
alter table people drop column service_team;
drop table idempotency_keys;
