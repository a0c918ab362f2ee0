drop table team_channels, notice_settings, notices, tracker_messages, ticket_links, trackers, item_batches, due_policy, webhook_attempts, webhook_deliveries, webhook_endpoints, audit_events;
drop index items_queue, items_workload;
delete from items where owner_id is null;
alter table items alter column owner_id set not null;
