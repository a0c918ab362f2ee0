drop index reviews_one_open;
create unique index reviews_one_open on reviews (workload_id, change_key) where state = 'open';
alter table reviews drop column twin;
alter table rounds drop column content_before;
