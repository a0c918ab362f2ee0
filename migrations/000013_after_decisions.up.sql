-- Rooms: internal/audit writes signing_keys, internal/review every other table of this file.
create table signing_keys (
    id text primary key check (id ~ '^[0-9a-f]{16}$'),
    algorithm text not null check (algorithm = 'Ed25519'),
    public_key bytea not null check (length(public_key) = 32),
    first_used timestamptz not null
);
comment on table signing_keys is 'internal/audit: the public half of every key that this installation ever signed with';
create trigger signing_keys_immutable before update or delete on signing_keys for each row execute function refuse_change();

create table checkpoints (
    decision_id uuid primary key references decisions,
    key_id text not null references signing_keys,
    signed bytea not null,
    signature bytea not null check (length(signature) = 64)
);
comment on table checkpoints is 'internal/review: a signature over the hashes of a decision; signed holds the exact bytes';
create trigger checkpoints_immutable before update or delete on checkpoints for each row execute function refuse_change();

create table revocations (
    id uuid primary key,
    decision_id uuid not null references decisions,
    reason text not null check (length(reason) between 1 and 10000),
    revoked_by uuid not null references people,
    revoked_at timestamptz not null,
    constraint revocations_once unique (decision_id)
);
comment on table revocations is 'internal/review: decisions that were taken back; the sealed record stays as it was';
create trigger revocations_immutable before update or delete on revocations for each row execute function refuse_change();

create table emergency_decisions (
    id uuid primary key,
    review_id uuid not null references reviews,
    reason text not null check (length(reason) between 1 and 10000),
    ticket text not null check (length(ticket) between 9 and 500),
    decided_by uuid not null references people,
    decided_at timestamptz not null,
    ends_at timestamptz not null,
    constraint emergency_decisions_short check (ends_at > decided_at and ends_at <= decided_at + interval '336 hours')
);
create index emergency_decisions_review on emergency_decisions (review_id, decided_at);
comment on table emergency_decisions is 'internal/review: launches let through before the review was done, for 14 days at most; review_id is the full review that follows';
create trigger emergency_decisions_immutable before update or delete on emergency_decisions for each row execute function refuse_change();

create table emergency_revocations (
    id uuid primary key,
    emergency_id uuid not null references emergency_decisions,
    reason text not null check (length(reason) between 1 and 10000),
    revoked_by uuid not null references people,
    revoked_at timestamptz not null,
    constraint emergency_revocations_once unique (emergency_id)
);
comment on table emergency_revocations is 'internal/review: emergency decisions that were ended early';
create trigger emergency_revocations_immutable before update or delete on emergency_revocations for each row execute function refuse_change();

create table outside_decisions (
    id uuid primary key,
    workload_id uuid not null references workloads,
    outcome text not null check (outcome in ('go', 'conditional')),
    decided_on date not null,
    decided_by text not null check (length(decided_by) between 1 and 200),
    valid_until date not null,
    link text not null check (length(link) <= 500),
    note text not null check (length(note) <= 4000),
    file_name text not null check (length(file_name) <= 200),
    file_type text not null,
    file bytea,
    file_sha256 bytea,
    recorded_by uuid not null references people,
    recorded_at timestamptz not null,
    constraint outside_decisions_dates check (valid_until > decided_on and valid_until <= decided_on + 1100),
    constraint outside_decisions_file check ((file is null) = (file_sha256 is null) and length(file) <= 10485760)
);
create index outside_decisions_workload on outside_decisions (workload_id, recorded_at);
comment on table outside_decisions is 'internal/review: decisions made before Orrery, as somebody recorded them; one counts once it is confirmed';
create trigger outside_decisions_immutable before update or delete on outside_decisions for each row execute function refuse_change();

create table outside_verdicts (
    outside_id uuid not null references outside_decisions,
    verdict text not null check (verdict in ('confirmed', 'refused')),
    note text not null check (length(note) <= 4000),
    given_by uuid not null references people,
    given_at timestamptz not null,
    primary key (outside_id, verdict)
);
comment on table outside_verdicts is 'internal/review: an approver''s word on a recorded decision; refused weighs more than confirmed';
create trigger outside_verdicts_immutable before update or delete on outside_verdicts for each row execute function refuse_change();

-- Four eyes holds for what comes after a decision as well: no author of the decided content
-- revokes it, no author of the open round lets it through in an emergency, and nobody
-- confirms what they recorded.
create function guard_four_eyes_after() returns trigger language plpgsql as $$
declare
    line jsonb := to_jsonb(new);
    who uuid := coalesce(line ->> 'revoked_by', line ->> 'decided_by', line ->> 'given_by')::uuid;
    round uuid;
begin
    if tg_table_name = 'outside_verdicts' then
        if (line ->> 'verdict') = 'confirmed' and exists (select from outside_decisions where id = (line ->> 'outside_id')::uuid and recorded_by = who) then
            raise exception 'nobody confirms what they recorded' using errcode = 'check_violation', constraint = 'four_eyes';
        end if;
        return new;
    end if;
    if tg_table_name = 'revocations' then
        round := (select round_id from decisions where id = (line ->> 'decision_id')::uuid);
    else
        round := (select id from rounds where review_id = (line ->> 'review_id')::uuid order by number desc limit 1);
    end if;
    if authored(round, who) then
        raise exception 'an author of the round may not judge it' using errcode = 'check_violation', constraint = 'four_eyes';
    end if;
    return new;
end $$;
create trigger revocations_four_eyes before insert on revocations for each row execute function guard_four_eyes_after();
create trigger emergency_decisions_four_eyes before insert on emergency_decisions for each row execute function guard_four_eyes_after();
create trigger outside_verdicts_four_eyes before insert on outside_verdicts for each row execute function guard_four_eyes_after();

-- What governs launches, as a series of acts: the newest act of a subject governs, whatever
-- came before. So a decision that was revoked, or that ended, brings no older one back, and
-- neither does cancelling its review. A decision made outside comes before every other.
create view launch_acts as
    select r.workload_id, r.change_key, r.id as review_id, c.id, c.id as decision_id, c.outcome, c.decided_at as acted_at, c.decided_at, c.valid_until
    from reviews r join rounds x on x.review_id = r.id and x.state = 'sealed' join decisions c on c.round_id = x.id
    where r.gates_launch
    union all
    select r.workload_id, r.change_key, r.id, v.id, c.id, 'revoked', v.revoked_at, c.decided_at, null
    from reviews r join rounds x on x.review_id = r.id and x.state = 'sealed' join decisions c on c.round_id = x.id join revocations v on v.decision_id = c.id
    where r.gates_launch
    union all
    select r.workload_id, r.change_key, r.id, e.id, null, 'emergency', e.decided_at, e.decided_at, e.ends_at
    from reviews r join emergency_decisions e on e.review_id = r.id
    union all
    select r.workload_id, r.change_key, r.id, v.id, null, 'revoked', v.revoked_at, e.decided_at, null
    from reviews r join emergency_decisions e on e.review_id = r.id join emergency_revocations v on v.emergency_id = e.id
    union all
    select o.workload_id, '', null, o.id, null, 'elsewhere_' || o.outcome, '-infinity', o.decided_on::timestamp at time zone 'UTC', (o.valid_until + interval '1 day' - interval '1 second') at time zone 'UTC'
    from outside_decisions o
    where exists (select from outside_verdicts v where v.outside_id = o.id and v.verdict = 'confirmed')
        and not exists (select from outside_verdicts v where v.outside_id = o.id and v.verdict = 'refused');
comment on view launch_acts is 'internal/review: order by acted_at desc, decided_at desc, id desc; the first line governs';
