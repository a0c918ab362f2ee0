-- Room: internal/identity writes every table of this file.
create table organisation (
    one bool primary key default true check (one),
    name text not null check (length(name) between 1 and 120),
    sample_data bool not null default false
);
comment on table organisation is 'internal/identity: the one organisation of this installation';

create table people (
    id uuid primary key,
    email text not null check (email = lower(email) and length(email) between 3 and 254),
    name text not null check (length(name) between 1 and 120),
    password_hash text,
    issuer text,
    subject text,
    created_at timestamptz not null,
    deactivated_at timestamptz,
    constraint people_email_unique unique (email),
    constraint people_identity_unique unique (issuer, subject),
    constraint people_identity_whole check ((issuer is null) = (subject is null))
);
comment on table people is 'internal/identity: who may sign in; issuer and subject are the OpenID Connect identity';

create table org_roles (
    person_id uuid not null references people,
    role text not null check (role in ('admin', 'curator', 'auditor')),
    granted_by uuid references people,
    granted_at timestamptz not null,
    primary key (person_id, role)
);
comment on table org_roles is 'internal/identity: roles in the whole organisation; granted_by null: given by the installation';

create table teams (
    id uuid primary key,
    key text not null check (key ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
    name text not null check (length(name) between 1 and 120),
    created_at timestamptz not null,
    constraint teams_key_unique unique (key),
    constraint teams_name_unique unique (name)
);
comment on table teams is 'internal/identity: the teams that own workloads';

create table memberships (
    team_id uuid not null references teams,
    person_id uuid not null references people,
    role text not null check (role in ('lead', 'member')),
    granted_by uuid references people,
    granted_at timestamptz not null,
    primary key (person_id, team_id)
);
create index memberships_team on memberships (team_id);
comment on table memberships is 'internal/identity: who is in a team, as lead or member';

create table grants (
    id uuid primary key,
    person_id uuid not null references people,
    kind text not null check (kind in ('approver', 'facilitator')),
    workload_id uuid,
    granted_by uuid references people,
    granted_at timestamptz not null,
    constraint grants_unique unique nulls not distinct (person_id, kind, workload_id)
);
create index grants_workload on grants (workload_id);
comment on table grants is 'internal/identity: approvers and facilitators; workload_id null: for the whole organisation';

create table sessions (
    token_hash bytea primary key,
    person_id uuid not null references people,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at timestamptz not null,
    ip text not null,
    user_agent text not null
);
create index sessions_person on sessions (person_id);
comment on table sessions is 'internal/identity: signed-in browsers; the SHA-256 of the cookie, never the cookie';

create table tokens (
    id uuid primary key,
    person_id uuid not null references people,
    name text not null check (length(name) between 1 and 120),
    hash bytea not null,
    hint text not null,
    scopes text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint tokens_hash_unique unique (hash)
);
create index tokens_person on tokens (person_id);
comment on table tokens is 'internal/identity: API tokens; the SHA-256 of the secret, its last characters as a hint';

create table one_time_links (
    hash bytea primary key,
    purpose text not null check (purpose in ('first_admin', 'set_password')),
    person_id uuid references people,
    created_by uuid references people,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint one_time_links_person check ((purpose = 'first_admin') = (person_id is null))
);
create index one_time_links_person on one_time_links (person_id);
comment on table one_time_links is 'internal/identity: links that work once, by the SHA-256 of their secret';

create table sign_in_attempts (
    id bigint generated always as identity primary key,
    email_hash bytea not null,
    ip text not null,
    at timestamptz not null
);
create index sign_in_attempts_email on sign_in_attempts (email_hash, at);
create index sign_in_attempts_ip on sign_in_attempts (ip, at);
comment on table sign_in_attempts is 'internal/identity: failed sign-ins, counted to slow guessing';
