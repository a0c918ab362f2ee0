drop index follow_ups_version;
drop index notices_href;

delete from notices where kind = 'judged';
alter table notices drop constraint notices_kind_check;
alter table notices add constraint notices_kind_check check (kind in ('assigned', 'decide', 'due', 'ending', 'evidence', 'handed_over'));
