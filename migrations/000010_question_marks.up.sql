-- Room: internal/questionnaire writes every table of this file.
create table question_marks (
    id uuid primary key,
    questionnaire_key text not null references questionnaires,
    question_id text not null,
    version_id uuid not null references questionnaire_versions,
    kind text not null check (kind in ('unclear', 'not_useful')),
    note text not null check (length(note) <= 500),
    marked_by uuid not null references people,
    marked_at timestamptz not null,
    settled_by uuid references people,
    settled_at timestamptz,
    settled_note text not null default '' check (length(settled_note) <= 500),
    check ((settled_at is null) = (settled_note = ''))
);
create unique index question_marks_once on question_marks (questionnaire_key, question_id, marked_by) where settled_at is null;
create index question_marks_newest on question_marks (questionnaire_key, id desc);
comment on table question_marks is 'internal/questionnaire: what readers found unclear or not useful; says nothing of the workload that was reviewed';
