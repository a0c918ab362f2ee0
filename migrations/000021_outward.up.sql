-- Rooms: each table's comment names the one that writes it.
create table audit_events (
    id uuid primary key,
    stream text not null,
    seq bigint not null,
    due_at timestamptz not null,
    tries int not null default 0,
    constraint audit_events_once unique (stream, seq)
);
create index audit_events_due on audit_events (due_at, id);
comment on table audit_events is 'internal/audit: acts that wait to be handed on; written with the record of the act, gone once every subscriber has taken it';

create table webhook_endpoints (
    id uuid primary key,
    name text not null check (length(name) between 1 and 100),
    url text not null check (length(url) between 1 and 2000),
    events text[] not null,
    restricted bool not null,
    state text not null check (state in ('on', 'off', 'gone')),
    secret bytea not null,
    secret_before bytea,
    before_until timestamptz,
    version int not null default 1,
    made_by uuid references people,
    made_at timestamptz not null,
    constraint webhook_endpoints_rotation check ((secret_before is null) = (before_until is null))
);
comment on table webhook_endpoints is 'internal/webhook: who is told of events; secrets are sealed; events empty: all of them; gone: the receiver answered 410';

create table webhook_deliveries (
    id uuid primary key,
    endpoint_id uuid not null references webhook_endpoints,
    event_id uuid not null,
    type text not null,
    body bytea not null,
    state text not null check (state in ('pending', 'delivered', 'failed')),
    attempts int not null default 0,
    made_at timestamptz not null,
    due_at timestamptz not null,
    leased_until timestamptz,
    ended_at timestamptz,
    constraint webhook_deliveries_once unique (endpoint_id, event_id)
);
create index webhook_deliveries_log on webhook_deliveries (endpoint_id, made_at desc, id desc);
create index webhook_deliveries_pending on webhook_deliveries (due_at) where state = 'pending';
create index webhook_deliveries_ended on webhook_deliveries (ended_at) where state <> 'pending';
comment on table webhook_deliveries is 'internal/webhook: one event for one endpoint, with the bytes that are signed; kept for 30 days after it ended';

create table webhook_attempts (
    delivery_id uuid not null references webhook_deliveries on delete cascade,
    number int not null,
    at timestamptz not null,
    took_ms int not null,
    status int not null,
    problem text not null check (length(problem) <= 500),
    primary key (delivery_id, number)
);
comment on table webhook_attempts is 'internal/webhook: what became of each attempt; status 0: there was no answer';

-- An item without an owner is in the queue of the team that owns its workload.
alter table items alter column owner_id drop not null;
create index items_queue on items (workload_id) where owner_id is null;
create index items_workload on items (workload_id, due_on, id);

create table due_policy (
    risk text not null check (risk in ('high', 'medium', 'none')),
    tier int not null check (tier between 1 and 3),
    days int not null check (days between 1 and 730),
    primary key (risk, tier)
);
comment on table due_policy is 'internal/remediation: days until an item is due, where an admin chose other than the default';

create table item_batches (
    id uuid primary key,
    person_id uuid not null references people,
    made_at timestamptz not null,
    undone_at timestamptz,
    changes jsonb not null
);
comment on table item_batches is 'internal/remediation: changes of many items at once, with what to put back';

create table trackers (
    id uuid primary key,
    kind text not null check (kind in ('jira', 'github')),
    name text not null check (length(name) between 1 and 100),
    url text not null check (length(url) between 1 and 500),
    project text not null check (length(project) between 1 and 200),
    account text not null check (length(account) <= 320),
    issue_type text not null check (length(issue_type) <= 100),
    token bytea not null,
    hook_secret bytea not null,
    active bool not null,
    version int not null default 1,
    made_by uuid references people,
    made_at timestamptz not null
);
comment on table trackers is 'internal/tickets: where tickets are made; token and secret are sealed';

create table ticket_links (
    id uuid primary key,
    item_id uuid not null references items,
    tracker_id uuid references trackers,
    key text not null check (length(key) <= 200),
    url text not null check (length(url) <= 2000),
    state text not null check (state in ('creating', 'linked', 'failed', 'removed')),
    status text not null check (length(status) <= 100),
    closed bool not null,
    told_resolved bool not null default false,
    changed_at timestamptz,
    synced_at timestamptz,
    problem text not null check (length(problem) <= 500),
    made_by uuid references people,
    made_at timestamptz not null
);
create unique index ticket_links_one on ticket_links (item_id, tracker_id) where tracker_id is not null and state <> 'removed';
create index ticket_links_item on ticket_links (item_id, made_at);
create index ticket_links_key on ticket_links (tracker_id, lower(key)) where state = 'linked';
create index ticket_links_poll on ticket_links (synced_at) where state = 'linked' and tracker_id is not null;
comment on table ticket_links is 'internal/tickets: tickets of items; changed_at is the tracker''s own time of the status; without a tracker the link was written by hand and is not followed';

create table tracker_messages (
    tracker_id uuid not null references trackers,
    message text not null check (length(message) between 1 and 200),
    at timestamptz not null,
    primary key (tracker_id, message)
);
create index tracker_messages_at on tracker_messages (at);
comment on table tracker_messages is 'internal/tickets: ids of webhooks that were taken, so that none is taken twice; kept for 30 days';

create table notices (
    id uuid primary key,
    person_id uuid not null references people,
    kind text not null check (kind in ('assigned', 'decide', 'due', 'ending', 'evidence', 'handed_over')),
    key text not null check (length(key) <= 300),
    workload_id uuid references workloads,
    title text not null check (length(title) between 1 and 500),
    href text not null check (length(href) <= 500),
    at timestamptz not null,
    read_at timestamptz,
    mailed_at timestamptz,
    constraint notices_once unique (person_id, kind, key)
);
create index notices_person on notices (person_id, at desc, id desc);
create index notices_unmailed on notices (person_id, at) where mailed_at is null;
comment on table notices is 'internal/notify: what a person is told; key keeps the same thing from being told twice; mailed_at also when mail is off';

create table notice_settings (
    person_id uuid primary key references people,
    pace text not null check (pace in ('once', 'daily', 'off')),
    saved_at timestamptz not null
);
comment on table notice_settings is 'internal/notify: how a person wants mail; none stored: at once';

create table team_channels (
    team_id uuid primary key references teams,
    kind text not null check (kind in ('slack', 'teams')),
    url bytea not null,
    host text not null,
    active bool not null,
    problem text not null default '' check (length(problem) <= 500),
    saved_by uuid references people,
    saved_at timestamptz not null
);
comment on table team_channels is 'internal/notify: where a team is told in its chat; the address is a secret and sealed, host is what is shown of it';
