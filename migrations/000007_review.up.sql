-- Room: internal/review writes every table of this file.
create table review_types (
    key text primary key check (key ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
    name text not null,
    description text not null,
    questionnaires text[] not null,
    core_path bool not null,
    gates_launch bool not null,
    gate_mode text not null check (gate_mode in ('advise', 'enforce')),
    valid_days int not null check (valid_days between 1 and 1100),
    signoffs int[] not null check (cardinality(signoffs) = 3)
);
comment on table review_types is 'internal/review: what to ask on an occasion; signoffs are for tier 1, 2, 3';

create table reviews (
    id uuid primary key,
    workload_id uuid not null references workloads,
    type_key text not null references review_types,
    change_key text not null check (change_key ~ '^[A-Za-z0-9._/-]{0,80}$'),
    change_title text not null check (length(change_title) <= 200),
    change_ticket text not null check (length(change_ticket) <= 500),
    state text not null check (state in ('open', 'closed', 'cancelled')),
    core_path bool not null,
    gates_launch bool not null,
    valid_days int not null,
    signoffs int not null,
    tier int not null,
    started_by uuid references people,
    started_at timestamptz not null,
    closed_at timestamptz
);
create unique index reviews_one_open on reviews (workload_id, change_key) where state = 'open';
create index reviews_workload on reviews (workload_id, started_at desc);
comment on table reviews is 'internal/review: one review type on one subject; an empty change_key is the whole workload';

create table review_questionnaires (
    review_id uuid not null references reviews,
    position int not null,
    questionnaire_key text not null,
    version_id uuid not null references questionnaire_versions,
    primary key (review_id, questionnaire_key)
);
comment on table review_questionnaires is 'internal/review: the versions a review is pinned to';

create table rounds (
    id uuid primary key,
    review_id uuid not null references reviews,
    number int not null,
    state text not null check (state in ('draft', 'submitted', 'sealed', 'cancelled')),
    opened_at timestamptz not null,
    submissions int not null default 0,
    submitted_by uuid references people,
    submitted_at timestamptz,
    content bytea,
    content_sha256 bytea,
    returned_note text not null default '' check (length(returned_note) <= 4000),
    returned_by uuid references people,
    returned_at timestamptz,
    constraint rounds_number_unique unique (review_id, number),
    constraint rounds_frozen check (state not in ('submitted', 'sealed') or (content is not null and content_sha256 is not null and submitted_by is not null and submitted_at is not null))
);
create unique index rounds_one_working on rounds (review_id) where state in ('draft', 'submitted');
comment on table rounds is 'internal/review: draft, submitted (frozen), sealed; content is the snapshot that sign-offs bind to';

create table answers (
    round_id uuid not null references rounds,
    version_id uuid not null references questionnaire_versions,
    question_id text not null,
    position int not null,
    required bool not null,
    chosen text[] not null default '{}',
    unknown bool not null default false,
    not_applicable bool not null default false,
    reason text not null default '',
    na_choices text[] not null default '{}',
    na_reasons text[] not null default '{}',
    notes text not null default '',
    risk text not null default 'unanswered' check (risk in ('none', 'medium', 'high', 'unanswered', 'not_applicable', 'unmatched')),
    version int not null default 0,
    saved_by uuid references people,
    saved_at timestamptz,
    primary key (round_id, version_id, question_id),
    constraint answers_reasons check (cardinality(na_choices) = cardinality(na_reasons))
);
comment on table answers is 'internal/review: one row per question from the start; version 0 is unanswered';

create table answer_revisions (
    round_id uuid not null,
    version_id uuid not null,
    question_id text not null,
    version int not null,
    chosen text[] not null,
    unknown bool not null,
    not_applicable bool not null,
    reason text not null,
    na_choices text[] not null,
    na_reasons text[] not null,
    notes text not null,
    risk text not null,
    saved_by uuid not null references people,
    saved_at timestamptz not null,
    primary key (round_id, version_id, question_id, version),
    foreign key (round_id, version_id, question_id) references answers
);
create index answer_revisions_author on answer_revisions (round_id, saved_by);
comment on table answer_revisions is 'internal/review: every saved state of every answer, append-only';
create trigger answer_revisions_immutable before update or delete on answer_revisions for each row execute function refuse_change();

create table signoffs (
    id uuid primary key,
    round_id uuid not null references rounds,
    person_id uuid not null references people,
    voice text not null check (voice in ('agree', 'object')),
    note text not null check (length(note) <= 4000),
    outside_team bool not null,
    content_sha256 bytea not null,
    signed_at timestamptz not null
);
create index signoffs_round on signoffs (round_id, signed_at);
comment on table signoffs is 'internal/review: approvers'' voices on a submitted content; a later one of the same person replaces an earlier';
create trigger signoffs_immutable before update or delete on signoffs for each row execute function refuse_change();

create table decisions (
    id uuid primary key,
    round_id uuid not null references rounds,
    outcome text not null check (outcome in ('go', 'conditional', 'no_go')),
    reason text not null check (length(reason) <= 10000),
    decided_by uuid not null references people,
    decided_at timestamptz not null,
    valid_until timestamptz,
    content_sha256 bytea not null,
    seal bytea not null,
    seal_sha256 bytea not null,
    constraint decisions_one_per_round unique (round_id)
);
comment on table decisions is 'internal/review: the outcome of a round; seal is the whole sealed record as it was encoded';
create trigger decisions_immutable before update or delete on decisions for each row execute function refuse_change();

create table conditions (
    decision_id uuid not null references decisions,
    position int not null,
    text text not null check (length(text) between 1 and 300),
    timing text not null check (timing in ('before_launch', 'after_launch')),
    due_on date not null,
    owner_id uuid not null references people,
    item_id uuid not null references items,
    primary key (decision_id, position)
);
comment on table conditions is 'internal/review: what a conditional decision demands, each with its item';
create trigger conditions_immutable before update or delete on conditions for each row execute function refuse_change();

-- A sealed round and its answers are never changed; answers change in a draft only.
create function guard_round() returns trigger language plpgsql as $$
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
create trigger rounds_guard before update or delete on rounds for each row execute function guard_round();

create function guard_answer() returns trigger language plpgsql as $$
begin
    if (select state from rounds where id = old.round_id) <> 'draft' then
        raise exception 'answers are changed in a draft only' using errcode = 'restrict_violation', constraint = 'answers_frozen';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end $$;
create trigger answers_guard before update or delete on answers for each row execute function guard_answer();

-- Four eyes: nobody who saved an answer in a round, or one that it carries on from the round
-- before, signs it off or decides it.
create function guard_four_eyes() returns trigger language plpgsql as $$
declare
    who uuid := case tg_table_name when 'decisions' then (to_jsonb(new) ->> 'decided_by')::uuid else (to_jsonb(new) ->> 'person_id')::uuid end;
begin
    if exists (select from answer_revisions where round_id = new.round_id and saved_by = who)
        or exists (select from answers where round_id = new.round_id and saved_by = who) then
        raise exception 'an author of the round may not judge it' using errcode = 'check_violation', constraint = 'four_eyes';
    end if;
    return new;
end $$;
create trigger signoffs_four_eyes before insert on signoffs for each row execute function guard_four_eyes();
create trigger decisions_four_eyes before insert on decisions for each row execute function guard_four_eyes();
