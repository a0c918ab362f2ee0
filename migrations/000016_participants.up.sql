alter table grants drop constraint grants_kind_check;
alter table grants add constraint grants_kind_check check (kind in ('approver', 'facilitator', 'participant'));
alter table grants add constraint grants_participant_place check (kind <> 'participant' or workload_id is not null);
comment on table grants is 'internal/identity: approvers, facilitators and participants; workload_id null: for the whole organisation';
