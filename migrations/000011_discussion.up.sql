-- Room: internal/discussion writes every table of this file.
create table threads (
    id uuid primary key,
    workload_id uuid not null references workloads,
    review_id uuid references reviews,
    target_kind text not null check (target_kind in ('question', 'item', 'review')),
    target_id text not null check (length(target_id) between 1 and 300),
    title text not null,
    kind text not null check (kind in ('comment', 'challenge')),
    state text not null,
    started_by uuid not null references people,
    started_at timestamptz not null,
    moved_by uuid references people,
    moved_at timestamptz,
    constraint threads_state check (kind = 'comment' and state in ('open', 'resolved') or kind = 'challenge' and state in ('challenged', 'answered', 'resolved'))
);
create index threads_target on threads (target_kind, target_id, started_at);
create index threads_review on threads (review_id);
comment on table threads is 'internal/discussion: talk about a question of a review, an item or a review; title is what it was called when the thread began';

create table comments (
    id uuid primary key,
    thread_id uuid not null references threads,
    author_id uuid not null references people,
    body text not null check (length(body) <= 10000),
    answers bool not null,
    version int not null default 1,
    written_at timestamptz not null,
    edited_at timestamptz,
    removed_at timestamptz,
    constraint comments_removed_or_said check ((removed_at is not null) = (body = ''))
);
create index comments_thread on comments (thread_id, written_at, id);
comment on table comments is 'internal/discussion: what people wrote; a removed comment keeps its row and loses its text';

create table comment_revisions (
    comment_id uuid not null references comments,
    version int not null,
    body text not null,
    written_at timestamptz not null,
    primary key (comment_id, version)
);
comment on table comment_revisions is 'internal/discussion: what a comment said before it was edited; gone when its author removes the comment';

create table mentions (
    comment_id uuid not null references comments,
    person_id uuid not null references people,
    mentioned_at timestamptz not null,
    read_at timestamptz,
    primary key (comment_id, person_id)
);
create index mentions_unread on mentions (person_id, mentioned_at desc) where read_at is null;
comment on table mentions is 'internal/discussion: who was called by a comment, and when they said that they read it';

create table attachments (
    id uuid primary key,
    workload_id uuid not null references workloads,
    review_id uuid references reviews,
    target_kind text not null check (target_kind in ('question', 'item', 'review')),
    target_id text not null check (length(target_id) between 1 and 300),
    thread_id uuid references threads,
    name text not null check (length(name) between 1 and 200),
    description text not null check (length(description) <= 500),
    dated date not null,
    choice text not null,
    url text not null check (length(url) <= 2000),
    media_type text not null,
    size int not null check (size between 0 and 10485760),
    sha256 bytea,
    content bytea,
    added_by uuid not null references people,
    added_at timestamptz not null,
    removed_by uuid references people,
    removed_at timestamptz,
    constraint attachments_file_or_link check (url <> '' and sha256 is null and content is null or url = '' and sha256 is not null and (content is not null or removed_at is not null)),
    constraint attachments_removed check ((removed_by is null) = (removed_at is null))
);
create index attachments_target on attachments (target_kind, target_id, added_at);
create index attachments_review on attachments (review_id);
comment on table attachments is 'internal/discussion: files and links that people bring as dated evidence; a removed one keeps its row, and its bytes where a decided round had it';

-- What was there when a round was submitted is neither changed nor taken away while it waits, and a
-- decided round keeps its bytes for good.
create function guard_attachment() returns trigger language plpgsql as $$
begin
    if exists (select from rounds where review_id = old.review_id and state = 'submitted') then
        raise exception 'a submitted round keeps its attachments' using errcode = 'restrict_violation', constraint = 'attachments_frozen';
    end if;
    if (tg_op = 'DELETE' or new.content is null and old.content is not null or new.sha256 is distinct from old.sha256)
        and exists (select from rounds where review_id = old.review_id and state = 'sealed' and submitted_at >= old.added_at) then
        raise exception 'a sealed round keeps its attachments' using errcode = 'restrict_violation', constraint = 'attachments_sealed';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end $$;
create trigger attachments_guard before update or delete on attachments for each row execute function guard_attachment();
