alter table grants drop constraint grants_workload_known;
drop table scopes, workload_keys, workloads;
