drop table acceptances;
drop function guard_acceptance, acceptance_author;
