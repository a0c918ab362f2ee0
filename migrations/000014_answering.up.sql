create table person_settings (
    person_id uuid primary key references people,
    section_pages bool not null default false,
    single_keys bool not null default true
);
comment on table person_settings is 'internal/identity: how a person likes to answer; no row is the defaults';

create table answer_assignments (
    review_id uuid not null references reviews,
    questionnaire_key text not null,
    question_id text not null,
    person_id uuid not null references people,
    assigned_by uuid not null references people,
    assigned_at timestamptz not null,
    primary key (review_id, questionnaire_key, question_id)
);
create index answer_assignments_person on answer_assignments (person_id, review_id);
comment on table answer_assignments is 'internal/review: who should answer a question; of the review, so that it stands in its next rounds too';
