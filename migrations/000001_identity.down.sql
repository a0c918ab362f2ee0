drop table sign_in_attempts, one_time_links, tokens, sessions, grants, memberships, teams, org_roles, people, organisation;
