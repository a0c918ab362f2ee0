drop table question_marks;
