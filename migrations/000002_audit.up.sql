-- Room: internal/audit writes every table of this file.
create table audit_heads (
    stream text primary key,
    seq bigint not null,
    hash bytea not null
);
comment on table audit_heads is 'internal/audit: the newest record of each stream, locked last in a transaction';

create table audit_records (
    stream text not null,
    seq bigint not null check (seq > 0),
    at timestamptz not null,
    actor_id uuid,
    verb text not null,
    target_kind text not null,
    target_id text not null,
    body bytea not null,
    prev_hash bytea not null,
    hash bytea not null,
    primary key (stream, seq)
);
create index audit_records_target on audit_records (target_kind, target_id);
comment on table audit_records is 'internal/audit: append-only; hash = SHA-256(tag, prev_hash, body); the columns repeat what body says';

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never changed', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger audit_records_immutable before update or delete on audit_records for each row execute function refuse_change();
create trigger audit_records_no_truncate before truncate on audit_records for each statement execute function refuse_change();
