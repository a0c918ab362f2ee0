update ticket_links set status = left(status, 100) where length(status) > 100;
alter table ticket_links
    drop column sent_at,
    drop constraint ticket_links_status_check,
    add constraint ticket_links_status_check check (length(status) <= 100);
