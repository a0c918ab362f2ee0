drop trigger outside_verdicts_standing on outside_verdicts;
drop trigger emergency_revocations_standing on emergency_revocations;
drop trigger emergency_decisions_standing on emergency_decisions;
drop trigger revocations_standing on revocations;
drop trigger decisions_standing on decisions;
drop trigger acceptances_standing on acceptances;
drop trigger rounds_standing on rounds;
drop trigger items_standing on items;
drop trigger workloads_standing on workloads;
drop function standing_of_act();
drop function standing_of_round();
drop function standing_of_row();
drop function refresh_standing(uuid);
drop view workload_standing_now;
drop table workload_standing;
drop index answers_risky;
drop index decisions_decided;
drop index rounds_submitted;
drop index answers_carried;
drop index answers_author;
drop index items_to_verify;
update items set state = case when verified_at is not null then 'verified' when done_at is not null then 'done' else 'open' end where state = 'closed';
alter table items
    drop constraint items_closed,
    drop column closed_reason,
    drop column closed_by,
    drop column closed_at,
    drop constraint items_state_check,
    add constraint items_state_check check (state in ('open', 'in_progress', 'done', 'verified'));
alter table reviews
    drop column cancel_reason,
    drop column cancelled_by,
    drop column cancelled_at;
alter table workloads
    drop column retired_reason,
    drop column retired_by,
    drop column retired_at;
