-- Room: internal/remediation writes every table of this file.
create table items (
    id uuid primary key,
    workload_id uuid not null references workloads,
    cause_kind text not null check (cause_kind in ('question', 'condition', 'evidence', 'manual')),
    cause_key text not null,
    title text not null check (length(title) between 1 and 300),
    detail text not null,
    risk text not null check (risk in ('high', 'medium', 'none')),
    timing text not null check (timing in ('', 'before_launch', 'after_launch')),
    href text not null,
    owner_id uuid not null references people,
    due_on date not null,
    state text not null check (state in ('open', 'in_progress', 'done', 'verified')),
    resolution text not null,
    version int not null default 1,
    opened_by uuid references people,
    opened_at timestamptz not null,
    done_by uuid references people,
    done_at timestamptz,
    verified_by uuid references people,
    verified_at timestamptz,
    constraint items_cause_unique unique (workload_id, cause_kind, cause_key),
    constraint items_four_eyes check (state <> 'verified' or risk <> 'high' and cause_kind <> 'condition' or verified_by is distinct from done_by)
);
create index items_owner on items (owner_id) where state in ('open', 'in_progress');
create index items_due on items (due_on, id) where state <> 'verified';
comment on table items is 'internal/remediation: dated work on a workload; one row per cause, reopened rather than doubled';
