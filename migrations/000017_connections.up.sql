-- Room: internal/workload writes accounts and account_allowances; internal/evidence writes
-- connections and fact_changes.
create table accounts (
    account text primary key check (account ~ '^[0-9]{12}$'),
    team_id uuid not null references teams,
    set_at timestamptz not null
);
comment on table accounts is 'internal/workload: the team that owns an AWS account; kept when its connection is removed';

create table account_allowances (
    account text not null references accounts,
    workload_id uuid not null references workloads,
    allowed_by uuid references people,
    allowed_at timestamptz not null,
    primary key (account, workload_id)
);
comment on table account_allowances is 'internal/workload: workloads that may name an account of another team in their scope';

create table connections (
    id uuid primary key,
    account text not null check (account ~ '^[0-9]{12}$'),
    name text not null check (length(name) between 1 and 120),
    mode text not null check (mode in ('default', 'assume_role')),
    role_arn text not null,
    external_id text not null,
    regions text[] not null,
    sources_off text[] not null,
    hub bool not null default false,
    created_by uuid references people,
    created_at timestamptz not null,
    removed_by uuid references people,
    removed_at timestamptz,
    constraint connections_role check ((mode = 'assume_role') = (role_arn <> ''))
);
create unique index connections_one_active on connections (account) where removed_at is null;
comment on table connections is 'internal/evidence: how AWS accounts are reached; no keys are kept';

create table fact_changes (
    fact_id bigint not null references facts,
    at timestamptz not null,
    run_id uuid not null references runs,
    before text not null,
    after text not null,
    primary key (fact_id, at)
);
create index fact_changes_at on fact_changes (at);
comment on table fact_changes is 'internal/evidence: when a fact said something else than before; empty: it was not there';

insert into fact_changes (fact_id, at, run_id, before, after)
select id, changed_at, run_id, '', state from facts;
insert into fact_changes (fact_id, at, run_id, before, after)
select id, gone_at, run_id, state, '' from facts where gone_at > changed_at;
