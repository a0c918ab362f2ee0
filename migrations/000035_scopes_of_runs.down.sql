drop table item_scopes;
alter table runs drop column left_out;
alter table runs drop column application_arn;
alter table runs drop column tags;
