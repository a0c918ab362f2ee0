-- Room: internal/remediation writes every table of this file.
create table acceptances (
    id uuid primary key,
    workload_id uuid not null references workloads,
    question text not null check (question ~ '^[^/]+/[^/]+$'),
    title text not null check (length(title) between 1 and 300),
    risk text not null check (risk in ('high', 'medium')),
    href text not null,
    reason text not null check (length(reason) between 1 and 4000),
    control text not null check (length(control) between 1 and 4000),
    wanted_until date not null,
    asked_by uuid not null references people,
    asked_at timestamptz not null,
    state text not null check (state in ('asked', 'granted', 'declined', 'withdrawn', 'revoked', 'replaced')),
    until date,
    judged_by uuid references people,
    judged_at timestamptz,
    note text not null default '' check (length(note) <= 4000),
    closed_by uuid references people,
    closed_at timestamptz,
    close_note text not null default '' check (length(close_note) <= 4000),
    settled_at timestamptz,
    constraint acceptances_end check (state not in ('granted', 'revoked', 'replaced') or until is not null and until <= wanted_until),
    constraint acceptances_waiting_unjudged check (state <> 'asked' or num_nonnulls(until, judged_by, judged_at) = 0),
    constraint acceptances_judged check (state not in ('granted', 'declined') or judged_by is not null and judged_at is not null),
    constraint acceptances_closed check (state not in ('withdrawn', 'revoked', 'replaced') or closed_at is not null)
);
create unique index acceptances_one_asked on acceptances (workload_id, question) where state = 'asked' and settled_at is null;
create unique index acceptances_one_granted on acceptances (workload_id, question) where state = 'granted' and settled_at is null;
create index acceptances_workload on acceptances (workload_id, question, asked_at desc);
create index acceptances_until on acceptances (until, id) where state = 'granted' and settled_at is null;
create index acceptances_waiting on acceptances (wanted_until, id) where state = 'asked' and settled_at is null;
comment on table acceptances is 'internal/remediation: risks of a workload''s questions that were asked to be accepted; each ends on a day, whether it has is compared when read; settled_at: the risk was mended';

-- Nothing is deleted, the terms never change, and states only go forward. Four eyes: who judges
-- holds an approver grant by somebody else's word, did not ask, and wrote no answer to the
-- question in an open round.
create function guard_acceptance() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'an acceptance is never deleted' using errcode = 'restrict_violation', constraint = 'acceptances_kept';
    end if;
    if tg_op = 'INSERT' then
        if new.state <> 'asked' or num_nonnulls(new.until, new.judged_by, new.judged_at, new.closed_by, new.closed_at, new.settled_at) > 0 then
            raise exception 'an acceptance begins by being asked' using errcode = 'restrict_violation', constraint = 'acceptances_transition';
        end if;
        return new;
    end if;
    if (new.id, new.workload_id, new.question, new.title, new.risk, new.href, new.reason, new.control, new.wanted_until, new.asked_by, new.asked_at)
        is distinct from (old.id, old.workload_id, old.question, old.title, old.risk, old.href, old.reason, old.control, old.wanted_until, old.asked_by, old.asked_at)
        or old.state <> 'asked' and (new.until, new.judged_by, new.judged_at, new.note) is distinct from (old.until, old.judged_by, old.judged_at, old.note)
        or old.closed_at is not null and (new.closed_by, new.closed_at, new.close_note) is distinct from (old.closed_by, old.closed_at, old.close_note)
        or old.settled_at is not null and new.settled_at is distinct from old.settled_at then
        raise exception 'the terms of an acceptance never change' using errcode = 'restrict_violation', constraint = 'acceptances_terms';
    end if;
    if not (old.state = new.state
        or old.settled_at is null and old.state = 'asked' and new.state in ('granted', 'declined', 'withdrawn')
        or old.settled_at is null and old.state = 'granted' and new.state in ('withdrawn', 'revoked', 'replaced')) then
        raise exception 'an acceptance does not go from % to %', old.state, new.state using errcode = 'restrict_violation', constraint = 'acceptances_transition';
    end if;
    if old.state = 'asked' and new.state in ('granted', 'declined') and (new.judged_by = new.asked_by
        or not exists (select from grants g where g.person_id = new.judged_by and g.kind = 'approver' and g.granted_by is distinct from g.person_id
            and (g.workload_id is null or g.workload_id = new.workload_id))
        or acceptance_author(new.workload_id, new.question, new.judged_by)) then
        raise exception 'who asked or answered may not judge the acceptance' using errcode = 'check_violation', constraint = 'acceptances_four_eyes';
    end if;
    return new;
end $$;

-- acceptance_author: whether the person saved an answer to the question that stands or stood in
-- a round of the workload that is not decided yet.
create function acceptance_author(workload uuid, asked text, person uuid) returns boolean language sql stable as $$
    select exists (
        select from reviews r
        join rounds d on d.review_id = r.id and d.state in ('draft', 'submitted')
        join review_questionnaires p on p.review_id = r.id and p.questionnaire_key = split_part(asked, '/', 1)
        where r.workload_id = workload and (
            exists (select from answers a where a.round_id = d.id and a.version_id = p.version_id and a.question_id = split_part(asked, '/', 2) and a.saved_by = person)
            or exists (select from answer_revisions a where a.round_id = d.id and a.version_id = p.version_id and a.question_id = split_part(asked, '/', 2) and a.saved_by = person)))
$$;
create trigger acceptances_guard before insert or update or delete on acceptances for each row execute function guard_acceptance();
