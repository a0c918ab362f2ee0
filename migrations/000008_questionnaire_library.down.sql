drop table switched_off_questions;
drop table questionnaire_drafts;
alter table questionnaire_versions drop column published_by;
