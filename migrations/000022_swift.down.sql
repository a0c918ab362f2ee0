drop index items_verify, items_unfinished;
create index answers_author on answers (round_id, saved_by) where saved_by is not null;
drop index answers_by;
create index answer_revisions_author on answer_revisions (round_id, saved_by);
drop index answer_revisions_by;
drop trigger rounds_risks on rounds;
drop function keep_round_risks;
drop view round_risks_now;
drop table round_risks;
