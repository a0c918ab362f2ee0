drop table fact_changes;
drop table connections;
drop table account_allowances;
drop table accounts;
