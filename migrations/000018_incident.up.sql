-- Rooms: internal/incident writes the tables of this file; items belong to internal/remediation.
alter table items drop constraint items_cause_kind_check, drop constraint items_four_eyes;
alter table items
    add constraint items_cause_kind_check check (cause_kind in ('question', 'condition', 'evidence', 'manual', 'incident', 'follow_up')),
    add constraint items_four_eyes check (state <> 'verified' or risk <> 'high' and cause_kind not in ('condition', 'incident') or verified_by is distinct from done_by);
drop index items_to_verify;
create index items_to_verify on items (workload_id) where state = 'done' and (risk = 'high' or cause_kind in ('condition', 'incident'));

create table incidents (
    id uuid primary key,
    title text not null check (length(title) between 1 and 200),
    severity int not null check (severity between 1 and 4),
    link text not null check (length(link) <= 500),
    summary text not null check (length(summary) <= 10000),
    impact text not null check (length(impact) <= 10000),
    started_at timestamptz,
    detected_at timestamptz,
    mitigated_at timestamptz,
    resolved_at timestamptz,
    scenario text not null check (length(scenario) <= 10000),
    change text not null check (length(change) <= 10000),
    causes text[] not null check (cardinality(causes) <= 20),
    why_not_caught text not null check (length(why_not_caught) <= 10000),
    question_set text not null,
    question_id text not null,
    answered text not null check (answered in ('', 'not_asked', 'right', 'wrong')),
    state text not null check (state in ('draft', 'closed')),
    version int not null default 1,
    created_by uuid references people,
    created_at timestamptz not null,
    updated_by uuid references people,
    updated_at timestamptz not null,
    closed_by uuid references people,
    closed_at timestamptz,
    constraint incidents_closed check (state = 'draft' or summary <> '' and impact <> '' and cardinality(causes) > 0 and started_at is not null
        and detected_at is not null and mitigated_at is not null and resolved_at is not null and closed_at is not null),
    constraint incidents_order check (started_at <= detected_at and detected_at <= mitigated_at and mitigated_at <= resolved_at)
);
comment on table incidents is 'internal/incident: what a correction-of-errors record says, as far as others learn from it';

create table incident_workloads (
    incident_id uuid not null references incidents,
    workload_id uuid not null references workloads,
    primary key (incident_id, workload_id)
);
create index incident_workloads_workload on incident_workloads (workload_id);
comment on table incident_workloads is 'internal/incident: the workloads an incident touched, which decide who reads and writes it';

create table incident_related (
    incident_id uuid not null references incidents,
    related_id uuid not null references incidents,
    why text not null check (length(why) <= 2000),
    primary key (incident_id, related_id),
    check (incident_id <> related_id)
);
comment on table incident_related is 'internal/incident: earlier incidents of the kind, and why their actions did not prevent this one';

create table incident_actions (
    id uuid primary key,
    incident_id uuid not null references incidents,
    workload_id uuid not null references workloads,
    title text not null check (length(title) between 1 and 300),
    due_on date,
    item_id uuid references items,
    added_at timestamptz not null
);
create index incident_actions_incident on incident_actions (incident_id, added_at);
comment on table incident_actions is 'internal/incident: what shall prevent the next one; an item as soon as it has an owner';

create table lessons (
    id uuid primary key,
    incident_id uuid not null references incidents,
    title text not null check (length(title) between 1 and 200),
    failure text not null check (length(failure) between 1 and 4000),
    kind text not null check (kind in ('question', 'choice', 'change')),
    set_key text not null check (length(set_key) <= 40),
    question_id text not null check (length(question_id) <= 128),
    proposal text not null check (length(proposal) between 1 and 2000),
    why text not null check (length(why) <= 4000),
    max_risk text not null check (max_risk in ('high', 'medium')),
    prompts text[] not null check (cardinality(prompts) <= 20),
    tiers int[] not null check (tiers <@ '{1,2,3}'),
    tags text[] not null check (cardinality(tags) <= 20),
    concerns_set text not null check (length(concerns_set) <= 40),
    state text not null check (state in ('proposed', 'accepted', 'merged', 'declined')),
    merged_into uuid references lessons,
    reason text not null check (length(reason) <= 4000),
    due_days int not null default 30 check (due_days between 1 and 365),
    monthly bool not null default false,
    version int not null default 1,
    proposed_by uuid references people,
    proposed_at timestamptz not null,
    judged_by uuid references people,
    judged_at timestamptz,
    constraint lessons_merged check ((state = 'merged') = (merged_into is not null)),
    constraint lessons_declined check (state <> 'declined' or reason <> '')
);
create index lessons_incident on lessons (incident_id);
create index lessons_state on lessons (state, id);
comment on table lessons is 'internal/incident: what an incident taught, judged by a curator';

create table lesson_practices (
    lesson_id uuid not null references lessons,
    position int not null,
    title text not null check (length(title) between 1 and 500),
    url text not null check (length(url) <= 500),
    effect text not null check (effect in ('prevented', 'shortened', 'shrunk')),
    primary key (lesson_id, position)
);
comment on table lesson_practices is 'internal/incident: guidance of a lesson, and what it would have done in the incident';

create table lesson_questions (
    lesson_id uuid primary key references lessons,
    set_key text not null,
    question_id text not null,
    version_id uuid references questionnaire_versions,
    put_at timestamptz not null,
    published_at timestamptz
);
create index lesson_questions_question on lesson_questions (set_key, question_id);
comment on table lesson_questions is 'internal/incident: the question that a lesson became; version_id is the first published version that asks it';

create table follow_ups (
    id uuid primary key,
    lesson_id uuid not null references lessons,
    workload_id uuid not null references workloads,
    version_id uuid not null references questionnaire_versions,
    set_key text not null,
    question_id text not null,
    asked_on date not null,
    due_on date not null,
    state text not null check (state in ('open', 'answered', 'not_applicable')),
    chosen text[] not null default '{}',
    unknown bool not null default false,
    note text not null default '' check (length(note) <= 4000),
    risk text not null default 'unanswered' check (risk in ('none', 'medium', 'high', 'unanswered', 'not_applicable', 'unmatched')),
    item_id uuid references items,
    version int not null default 1,
    answered_by uuid references people,
    answered_at timestamptz,
    constraint follow_ups_once unique (workload_id, version_id, question_id),
    constraint follow_ups_answered check (state = 'open' or answered_at is not null),
    constraint follow_ups_reason check (state <> 'not_applicable' or note <> '')
);
create index follow_ups_lesson on follow_ups (lesson_id);
create index follow_ups_open on follow_ups (workload_id, due_on) where state = 'open';
comment on table follow_ups is 'internal/incident: one published question asked of one workload, without a review';
