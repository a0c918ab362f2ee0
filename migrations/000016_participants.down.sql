delete from grants where kind = 'participant';
alter table grants drop constraint grants_participant_place;
alter table grants drop constraint grants_kind_check;
alter table grants add constraint grants_kind_check check (kind in ('approver', 'facilitator'));
comment on table grants is 'internal/identity: approvers and facilitators; workload_id null: for the whole organisation';
