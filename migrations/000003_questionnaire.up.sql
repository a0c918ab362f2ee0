-- Room: internal/questionnaire writes every table of this file.
create table questionnaires (
    key text primary key check (key ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
    name text not null,
    origin text not null check (origin in ('shipped', 'organisation')),
    created_at timestamptz not null
);
comment on table questionnaires is 'internal/questionnaire: the sets of questions';

create table questionnaire_versions (
    id uuid primary key,
    questionnaire_key text not null references questionnaires,
    version text not null,
    source bytea not null,
    sha256 bytea not null,
    questions int not null,
    published_at timestamptz not null,
    constraint questionnaire_versions_unique unique (questionnaire_key, version)
);
comment on table questionnaire_versions is 'internal/questionnaire: published versions as they were written; never changed';
create trigger questionnaire_versions_immutable before update or delete on questionnaire_versions for each row execute function refuse_change();
