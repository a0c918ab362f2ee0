-- Rooms: internal/workload, internal/evidence, internal/review. What people answered in the
-- Well-Architected Tool: which of its workloads a scope names, what they say as a fact that is
-- neither a pass nor a failure, and answers that were drafted from it.
alter table scopes add column wa_workloads text[] not null default '{}';

alter table facts
    drop constraint facts_state_check,
    add constraint facts_state_check check (state in ('pass', 'fail', 'suppressed', 'not_applicable', 'unknown', 'stated'));

-- A draft is to be confirmed like a carried answer, and names where it comes from in words.
alter table answers
    add column drafted_from text not null default '',
    add column drafted_as_of timestamptz,
    add constraint answers_drafted check ((drafted_from = '') = (drafted_as_of is null)),
    drop constraint answers_to_confirm,
    add constraint answers_to_confirm check (not to_confirm or ((origin_round is not null or drafted_from <> '') and version = 0 and saved_by is null
        and risk <> 'unanswered' and not not_applicable and na_choices = '{}' and notes = ''));
