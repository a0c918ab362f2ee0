-- Room: internal/audit writes idempotency_keys, internal/identity the rest.

-- A request that a program repeats is one act. The first record of the act keeps the key that the
-- program chose, what it asked (a digest), and what it acted on.
create table idempotency_keys (
    token_id uuid not null references tokens,
    key text not null check (key ~ '^[ -~]{1,255}$'),
    request_sha256 bytea not null,
    attempt uuid not null,
    target_kind text not null,
    target_id text not null,
    at timestamptz not null,
    primary key (token_id, key)
);
create index idempotency_keys_at on idempotency_keys (at);
comment on table idempotency_keys is 'internal/audit: the keys under which programs did what they did, kept for a week; attempt tells the request that did it from its repeats';

-- A service is somebody of a team who is no person: it never signs in and never judges.
alter table people add column service_team uuid references teams;
create index people_services on people (service_team) where service_team is not null;
comment on column people.service_team is 'the team of a service: a pipeline or a ticket system with a token and no password; null for people';

-- The orders that lists are read in, page by page.
drop index items_due;
create index items_due on items (due_on, id);
create index items_workload_due on items (workload_id, due_on, id);
create index reviews_started on reviews (started_at, id);
create index audit_records_at on audit_records (at, stream, seq);
