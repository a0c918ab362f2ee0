alter table attachments drop constraint attachments_kind;
alter table attachments add constraint attachments_file_or_link check (url <> '' and sha256 is null and content is null
    or url = '' and sha256 is not null and (content is not null or removed_at is not null)) not valid;
alter table verdicts drop column untagged;
