drop table follow_ups;
drop table lesson_questions;
drop table lesson_practices;
drop table lessons;
drop table incident_actions;
drop table incident_related;
drop table incident_workloads;
drop table incidents;
update items set cause_kind = 'manual' where cause_kind in ('incident', 'follow_up');
alter table items drop constraint items_cause_kind_check, drop constraint items_four_eyes;
alter table items
    add constraint items_cause_kind_check check (cause_kind in ('question', 'condition', 'evidence', 'manual')),
    add constraint items_four_eyes check (state <> 'verified' or risk <> 'high' and cause_kind <> 'condition' or verified_by is distinct from done_by);
drop index items_to_verify;
create index items_to_verify on items (workload_id) where state = 'done' and (risk = 'high' or cause_kind = 'condition');
