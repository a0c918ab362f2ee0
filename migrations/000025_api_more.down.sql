drop table report_orders;
drop table own_verdicts;
drop table own_facts;
drop index ticket_links_outside;
alter table ticket_links drop column version;
alter table ticket_links drop column system;
comment on table ticket_links is 'internal/tickets: tickets of items; changed_at is the tracker''s own time of the status; without a tracker the link was written by hand and is not followed';
