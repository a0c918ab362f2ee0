-- Room: internal/discussion. What a person says on a day, without a file or a link, stands as evidence
-- beside these: a row with neither address nor hash, whose name is what was said.
alter table attachments drop constraint attachments_file_or_link;
alter table attachments add constraint attachments_kind check (
    url <> '' and sha256 is null and content is null
    or url = '' and sha256 is not null and (content is not null or removed_at is not null)
    or url = '' and sha256 is null and content is null and media_type = '' and size = 0);
