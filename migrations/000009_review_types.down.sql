create or replace function guard_four_eyes() returns trigger language plpgsql as $$
declare
    who uuid := case tg_table_name when 'decisions' then (to_jsonb(new) ->> 'decided_by')::uuid else (to_jsonb(new) ->> 'person_id')::uuid end;
begin
    if exists (select from answer_revisions where round_id = new.round_id and saved_by = who)
        or exists (select from answers where round_id = new.round_id and saved_by = who) then
        raise exception 'an author of the round may not judge it' using errcode = 'check_violation', constraint = 'four_eyes';
    end if;
    return new;
end $$;
drop function authored(uuid, uuid);

alter table rounds disable trigger rounds_guard;
update rounds set state = 'cancelled' where state = 'superseded';
alter table rounds enable trigger rounds_guard;
create or replace function guard_round() returns trigger language plpgsql as $$
begin
    if old.state = 'sealed' then
        raise exception 'a sealed round is never changed' using errcode = 'restrict_violation', constraint = 'rounds_sealed';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    if not (old.state = new.state
        or old.state = 'draft' and new.state in ('submitted', 'cancelled')
        or old.state = 'submitted' and new.state in ('draft', 'sealed', 'cancelled')) then
        raise exception 'a round does not go from % to %', old.state, new.state using errcode = 'restrict_violation', constraint = 'rounds_transition';
    end if;
    return new;
end $$;
alter table rounds
    drop constraint rounds_superseded,
    drop constraint rounds_state_check,
    add constraint rounds_state_check check (state in ('draft', 'submitted', 'sealed', 'cancelled')),
    drop column superseded_by, drop column superseded_at, drop column superseded_to;
comment on table rounds is 'internal/review: draft, submitted (frozen), sealed; content is the snapshot that sign-offs bind to';

alter table answers drop constraint answers_to_confirm, drop constraint answers_origin_whole, drop constraint answers_origin,
    drop column to_confirm, drop column origin_round, drop column origin_version, drop column origin_question;
alter table review_questionnaires drop column extra;
alter table reviews drop column signoffs_by_tier, drop column target_on, drop column meeting_on, drop column attendees, drop column plan_version;
alter table review_types add column core_path bool;
update review_types set core_path = cardinality(core_tiers) > 0;
alter table review_types alter column core_path set not null;
alter table review_types drop column core_tiers, drop column about_change, drop column retired, drop column version, drop column updated_by, drop column updated_at;
comment on table review_types is 'internal/review: what to ask on an occasion; signoffs are for tier 1, 2, 3';
