drop table answer_assignments, person_settings;
