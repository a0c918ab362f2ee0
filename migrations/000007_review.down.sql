drop table conditions, decisions, signoffs, answer_revisions, answers, rounds, review_questionnaires, reviews, review_types;
drop function guard_four_eyes, guard_answer, guard_round;
