drop table audit_records, audit_heads;
drop function refuse_change;
