-- Room: internal/review writes every table of this file.
-- A review type says for which tiers only the core path is asked.
alter table review_types
    add column core_tiers int[] not null default '{}' check (core_tiers <@ array[1, 2, 3]),
    add column about_change bool not null default false,
    add column retired bool not null default false,
    add column version int not null default 1,
    add column updated_by uuid references people,
    add column updated_at timestamptz;
update review_types set core_tiers = '{1,2,3}' where core_path;
update review_types set core_tiers = '{3}'
    where key = 'new-service' and core_path and name = 'New service' and questionnaires = '{orr}' and gates_launch
        and gate_mode = 'enforce' and valid_days = 365 and signoffs = '{2,1,1}';
alter table review_types drop column core_path;
comment on table review_types is 'internal/review: what to ask on an occasion; signoffs are for tier 1, 2, 3; core_tiers are asked the core path only';

-- What a review keeps of its type and its plan. Reviews from before read their type's sign-offs.
alter table reviews
    add column signoffs_by_tier int[] check (cardinality(signoffs_by_tier) = 3),
    add column target_on date,
    add column meeting_on date,
    add column attendees text not null default '' check (length(attendees) <= 500),
    add column plan_version int not null default 0;
update reviews r set signoffs_by_tier = t.signoffs from review_types t where t.key = r.type_key;

-- A set that the team chose beside those of the type; it is asked whole.
alter table review_questionnaires add column extra bool not null default false;

-- Answers that were carried from an earlier round and wait to be confirmed.
alter table answers
    add column to_confirm bool not null default false,
    add column origin_round uuid,
    add column origin_version uuid,
    add column origin_question text,
    add constraint answers_origin foreign key (origin_round, origin_version, origin_question) references answers,
    add constraint answers_origin_whole check (num_nonnulls(origin_round, origin_version, origin_question) in (0, 3)),
    add constraint answers_to_confirm check (not to_confirm or (origin_round is not null and version = 0 and saved_by is null
        and risk <> 'unanswered' and not not_applicable and na_choices = '{}' and notes = ''));

-- A round that an upgrade took the place of is frozen as it was.
alter table rounds
    add column superseded_by uuid references people,
    add column superseded_at timestamptz,
    add column superseded_to text not null default '',
    drop constraint rounds_state_check,
    add constraint rounds_state_check check (state in ('draft', 'submitted', 'sealed', 'cancelled', 'superseded')),
    add constraint rounds_superseded check (state <> 'superseded'
        or (content is not null and content_sha256 is not null and superseded_by is not null and superseded_at is not null));
comment on table rounds is 'internal/review: draft, submitted (frozen), sealed, superseded by an upgrade; content is the snapshot that sign-offs bind to';

create or replace function guard_round() returns trigger language plpgsql as $$
begin
    if old.state in ('sealed', 'superseded') then
        raise exception 'a % round is never changed', old.state using errcode = 'restrict_violation', constraint = 'rounds_sealed';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    if not (old.state = new.state
        or old.state = 'draft' and new.state in ('submitted', 'cancelled', 'superseded')
        or old.state = 'submitted' and new.state in ('draft', 'sealed', 'cancelled')) then
        raise exception 'a round does not go from % to %', old.state, new.state using errcode = 'restrict_violation', constraint = 'rounds_transition';
    end if;
    return new;
end $$;

-- Four eyes: nobody who saved an answer in a round, or one that it carries on from an earlier
-- round of the review, signs it off or decides it. What came from another review is the work
-- of whoever confirms it.
create function authored(round uuid, who uuid) returns bool language sql stable as $$
    select exists (select from answer_revisions v where v.round_id = round and v.saved_by = who)
        or exists (select from answers a where a.round_id = round and a.saved_by = who)
        or exists (
            select from answers a
            join answers o on (o.round_id, o.version_id, o.question_id) = (a.origin_round, a.origin_version, a.origin_question)
            join rounds mine on mine.id = a.round_id
            join rounds theirs on theirs.id = o.round_id and theirs.review_id = mine.review_id
            where a.round_id = round and o.saved_by = who)
$$;

create or replace function guard_four_eyes() returns trigger language plpgsql as $$
declare
    who uuid := case tg_table_name when 'decisions' then (to_jsonb(new) ->> 'decided_by')::uuid else (to_jsonb(new) ->> 'person_id')::uuid end;
begin
    if authored(new.round_id, who) then
        raise exception 'an author of the round may not judge it' using errcode = 'check_violation', constraint = 'four_eyes';
    end if;
    return new;
end $$;
