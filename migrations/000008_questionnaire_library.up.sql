-- Room: internal/questionnaire writes every table of this file.
alter table questionnaire_versions add column published_by uuid references people;
comment on column questionnaire_versions.published_by is 'who published it; null for what the program or the command line published';
