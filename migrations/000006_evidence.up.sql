-- Room: internal/evidence writes every table of this file.
create table runs (
    id uuid primary key,
    workload_id uuid not null references workloads,
    scope_id uuid not null references scopes,
    state text not null check (state in ('running', 'complete', 'partial', 'failed')),
    requested_by uuid references people,
    requested_at timestamptz not null,
    finished_at timestamptz
);
create unique index runs_one_open on runs (workload_id) where state = 'running';
create index runs_workload on runs (workload_id, requested_at desc);
comment on table runs is 'internal/evidence: collections of evidence';

create table run_cells (
    run_id uuid not null references runs,
    account text not null,
    region text not null,
    source text not null,
    state text not null check (state in ('queued', 'running', 'done')),
    outcome text not null check (outcome in ('', 'ok', 'partial', 'denied', 'throttled', 'off', 'wrong_account', 'expired', 'region_off', 'error')),
    detail text not null,
    permission text not null,
    facts int not null,
    started_at timestamptz,
    finished_at timestamptz,
    primary key (run_id, account, region, source)
);
comment on table run_cells is 'internal/evidence: the ledger of a run, per account, Region and source';

create table facts (
    id bigint generated always as identity primary key,
    source text not null,
    control text not null,
    account text not null,
    region text not null,
    resource text not null,
    state text not null check (state in ('pass', 'fail', 'suppressed', 'not_applicable', 'unknown')),
    reason text not null,
    title text not null,
    detail jsonb not null,
    tags text[] not null,
    application_arn text not null,
    hash bytea not null,
    observed_at timestamptz not null,
    changed_at timestamptz not null,
    run_id uuid not null references runs,
    gone_at timestamptz,
    constraint facts_unique unique (source, control, account, region, resource)
);
comment on table facts is 'internal/evidence: dated facts read from AWS; written only when they change';

create table verdicts (
    workload_id uuid not null references workloads,
    check_digest text not null,
    verdict text not null check (verdict in ('supports', 'contradicts', 'mixed', 'cannot_tell')),
    reason text not null,
    detail text not null,
    passed int not null,
    failed int not null,
    suppressed int not null,
    not_evaluated int not null,
    failing jsonb not null,
    as_of timestamptz,
    run_id uuid not null references runs,
    computed_at timestamptz not null,
    primary key (workload_id, check_digest)
);
comment on table verdicts is 'internal/evidence: how the facts bear on a check for a workload, stored at the end of a run';
