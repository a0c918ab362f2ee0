-- Room: internal/tickets. When a tracker was asked last to make the ticket, so that one whose answer
-- was lost is looked for only when a search finds it; and a status as long as the API takes it.
alter table ticket_links
    add column sent_at timestamptz,
    drop constraint ticket_links_status_check,
    add constraint ticket_links_status_check check (length(status) <= 200);
comment on column ticket_links.sent_at is 'the tracker may have made the ticket then';
