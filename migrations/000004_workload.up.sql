-- Room: internal/workload writes every table of this file.
create table workloads (
    id uuid primary key,
    key text not null check (key ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
    name text not null check (length(name) between 1 and 120),
    description text not null check (length(description) <= 2000),
    team_id uuid not null references teams,
    tier int not null check (tier between 1 and 3),
    stage text not null check (stage in ('planned', 'live', 'retired')),
    restricted bool not null,
    launch_on date,
    version int not null default 1,
    created_by uuid references people,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint workloads_key_unique unique (key)
);
create index workloads_team on workloads (team_id);
create index workloads_name on workloads (lower(name), id);
comment on table workloads is 'internal/workload: the systems under review';

create table workload_keys (
    key text primary key,
    workload_id uuid not null references workloads
);
comment on table workload_keys is 'internal/workload: keys a workload had before; they redirect for ever';

create table scopes (
    id uuid primary key,
    workload_id uuid not null references workloads,
    name text not null check (length(name) between 1 and 60),
    production bool not null,
    accounts text[] not null,
    regions text[] not null,
    tags text[] not null,
    application_arn text not null,
    constraint scopes_name_unique unique (workload_id, name)
);
create unique index scopes_one_production on scopes (workload_id) where production;
comment on table scopes is 'internal/workload: parts of a workload in AWS; tags as key=value';

alter table grants add constraint grants_workload_known foreign key (workload_id) references workloads;
