-- Room: internal/questionnaire writes every table of this file.
alter table questionnaire_versions add column published_by uuid references people;
comment on column questionnaire_versions.published_by is 'who published it; null for what the program or the command line published';

create table questionnaire_drafts (
    id uuid primary key,
    key text not null check (key ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
    revision int not null,
    document bytea not null,
    created_by uuid references people,
    created_at timestamptz not null,
    updated_by uuid references people,
    updated_at timestamptz not null,
    constraint questionnaire_drafts_key_unique unique (key)
);
comment on table questionnaire_drafts is 'internal/questionnaire: versions of the organisation''s sets while they are written; the document may be incomplete';

create table switched_off_questions (
    id uuid primary key,
    questionnaire_key text not null references questionnaires,
    question_id text not null,
    reason text not null check (length(reason) between 1 and 2000),
    review_on date not null,
    switched_by uuid references people,
    switched_at timestamptz not null,
    ended_by uuid references people,
    ended_at timestamptz
);
create unique index switched_off_questions_once on switched_off_questions (questionnaire_key, question_id) where ended_at is null;
comment on table switched_off_questions is 'internal/questionnaire: questions of shipped sets that new reviews do not ask until their day of review';
