-- A draft that nobody confirmed is unanswered for the program before.
alter table answers disable trigger user;
update answers set to_confirm = false, chosen = '{}', risk = 'unanswered' where to_confirm and origin_round is null;
alter table answers enable trigger user;
alter table answers
    drop constraint answers_to_confirm,
    add constraint answers_to_confirm check (not to_confirm or (origin_round is not null and version = 0 and saved_by is null
        and risk <> 'unanswered' and not not_applicable and na_choices = '{}' and notes = '')),
    drop column drafted_from, drop column drafted_as_of;

delete from fact_changes where fact_id in (select id from facts where state = 'stated');
delete from facts where state = 'stated';
alter table facts
    drop constraint facts_state_check,
    add constraint facts_state_check check (state in ('pass', 'fail', 'suppressed', 'not_applicable', 'unknown'));

alter table scopes drop column wa_workloads;
