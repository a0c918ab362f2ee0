alter table people drop column service;
drop table idempotency_keys;
