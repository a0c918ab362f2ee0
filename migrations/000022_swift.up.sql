-- Room: internal/review. What dashboards add up, kept when a round is frozen: counting the answers
-- of every round anew would read all of them for each reader.
create table round_risks (
    round_id uuid not null references rounds,
    version_id uuid not null references questionnaire_versions,
    high text not null,
    medium text not null,
    primary key (round_id, version_id)
);
comment on table round_risks is 'internal/review: the ids of a frozen round''s questions that carry a risk, with spaces between, written by a trigger at submission; of a draft it is what was submitted last';

create view round_risks_now as
select a.round_id, a.version_id,
    coalesce(string_agg(a.question_id, ' ' order by a.position) filter (where a.risk <> 'medium'), '') as high,
    coalesce(string_agg(a.question_id, ' ' order by a.position) filter (where a.risk = 'medium'), '') as medium
from answers a
where a.risk in ('high', 'medium', 'unmatched')
group by a.round_id, a.version_id;
comment on view round_risks_now is 'internal/review: how round_risks follows from answers';

create function keep_round_risks() returns trigger language plpgsql as $$
begin
    delete from round_risks where round_id = new.id;
    insert into round_risks select * from round_risks_now where round_id = new.id;
    return null;
end $$;
create trigger rounds_risks after update of state on rounds for each row
    when (new.state = 'submitted' and old.state <> 'submitted') execute function keep_round_risks();

insert into round_risks
select n.* from round_risks_now n join rounds x on x.id = n.round_id where x.state in ('submitted', 'sealed');

create table decided_rounds (
    decision_id uuid primary key references decisions,
    review_id uuid not null references reviews,
    workload_id uuid not null references workloads,
    outcome text not null,
    decided_at timestamptz not null,
    days float8 not null
);
comment on table decided_rounds is 'internal/review: a decision with its workload and the days since its round was opened, written by a trigger beside it';

create view decided_rounds_now as
select c.id as decision_id, r.id as review_id, r.workload_id, c.outcome, c.decided_at, extract(epoch from c.decided_at - x.opened_at)::float8 / 86400 as days
from decisions c join rounds x on x.id = c.round_id join reviews r on r.id = x.review_id;
comment on view decided_rounds_now is 'internal/review: how decided_rounds follows from decisions';

create function keep_decided_round() returns trigger language plpgsql as $$
begin
    insert into decided_rounds select * from decided_rounds_now where decision_id = new.id;
    return null;
end $$;
create trigger decisions_kept after insert on decisions for each row execute function keep_decided_round();

insert into decided_rounds select * from decided_rounds_now;

-- The rounds that a person wrote in are found by the person: a home asks for all of them at once.
create index answer_revisions_by on answer_revisions (saved_by, round_id);
drop index answer_revisions_author;
create index answers_by on answers (saved_by, round_id) where saved_by is not null;
drop index answers_author;

-- What is overdue, and what waits to be verified, in the order of the days.
create index items_unfinished on items (due_on) include (workload_id)
    where not (state in ('verified', 'closed') or state = 'done' and risk <> 'high' and cause_kind not in ('condition', 'incident'));
create index items_verify on items (due_on, id) include (workload_id, done_by) where state = 'done' and (risk = 'high' or cause_kind in ('condition', 'incident'));
