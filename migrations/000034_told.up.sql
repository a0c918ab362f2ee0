-- Rooms: items belong to internal/remediation, notices to internal/notify, follow_ups to internal/incident.
-- Who reads an item need not read the incident: its title goes out of the items that exist.
update items set detail = 'It shall keep an incident from happening again.' where cause_kind = 'incident';

alter table notices drop constraint notices_kind_check;
alter table notices add constraint notices_kind_check check (kind in ('assigned', 'decide', 'due', 'ending', 'evidence', 'handed_over', 'judged'));
create index notices_href on notices (href) where read_at is null;

create index follow_ups_version on follow_ups (version_id, question_id);
