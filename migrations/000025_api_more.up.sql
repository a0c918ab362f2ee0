-- Rooms: each table's comment names the one that writes it.
-- Tickets that other systems link by their name and key.
alter table ticket_links add column system text not null default '' check (length(system) <= 40);
alter table ticket_links add column version int not null default 1;
create unique index ticket_links_outside on ticket_links (item_id, system, lower(key)) where tracker_id is null and system <> '' and state <> 'removed';
comment on table ticket_links is 'internal/tickets: tickets of items; changed_at is the tracker''s own time of the status; without a tracker the link was written by hand or by another system, named in system, and is not followed';

-- Facts that programs of the organisation report.
create table own_facts (
    id uuid primary key,
    workload_id uuid not null references workloads,
    source text not null check (source like 'own:%' and length(source) <= 44),
    key text not null check (length(key) between 1 and 100),
    subject text not null check (length(subject) <= 300),
    state text not null check (state in ('pass', 'fail', 'unknown')),
    title text not null check (length(title) between 1 and 300),
    link text not null check (length(link) <= 1000),
    document jsonb not null,
    observed_at timestamptz not null,
    valid_until timestamptz not null check (valid_until > observed_at),
    reporter_id uuid not null references people,
    token_id uuid references tokens,
    reported_at timestamptz not null,
    constraint own_facts_one unique (workload_id, source, key, subject, reporter_id)
);
comment on table own_facts is 'internal/evidence: dated facts that programs report, the newest of each reporter; document is JSON null when there is none';

create table own_verdicts (
    workload_id uuid not null references workloads,
    check_digest text not null,
    verdict text not null check (verdict in ('supports', 'contradicts', 'mixed', 'cannot_tell')),
    reason text not null,
    detail text not null,
    passed int not null,
    failed int not null,
    not_evaluated int not null,
    failing jsonb not null,
    as_of timestamptz,
    valid_until timestamptz,
    computed_at timestamptz not null,
    primary key (workload_id, check_digest)
);
comment on table own_verdicts is 'internal/evidence: how the facts that were reported bear on a check for a workload; after valid_until it is stale';

-- Reports that programs ask for.
create table report_orders (
    id uuid primary key,
    review_id uuid not null references reviews,
    round int not null,
    extent text not null check (extent in ('full', 'readout', 'risks')),
    comments bool not null,
    state text not null check (state in ('queued', 'running', 'done', 'failed')),
    problem text not null check (length(problem) <= 500),
    name text not null check (length(name) <= 300),
    size int not null,
    file bytea,
    order_by uuid not null references people,
    asked_at timestamptz not null,
    done_at timestamptz,
    ends_at timestamptz not null
);
create index report_orders_ends on report_orders (ends_at);
create index report_orders_person on report_orders (order_by, ends_at);
comment on table report_orders is 'internal/report: PDFs that were asked for, with the file once it is made; kept for a day';
