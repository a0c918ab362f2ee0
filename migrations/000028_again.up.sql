-- Room: internal/review. What an approver read before they asked for changes, to say what
-- became of it when the round is submitted again.
alter table rounds add column content_before bytea;
comment on column rounds.content_before is 'what was submitted before in this round; null when it was submitted once';

-- Room: internal/review. CHG-1 and chg-1 are one subject. Reviews that are open twice already
-- stay as they are, the older one counts: nobody chose which of them to give up.
alter table reviews add column twin bool not null default false;
comment on column reviews.twin is 'it was open beside an older review of the same change, written in another case';
update reviews r set twin = true
where r.state = 'open' and exists (
    select from reviews o
    where o.workload_id = r.workload_id and o.state = 'open' and lower(o.change_key) = lower(r.change_key) and (o.started_at, o.id) < (r.started_at, r.id));
drop index reviews_one_open;
create unique index reviews_one_open on reviews (workload_id, lower(change_key)) where state = 'open' and not twin;
