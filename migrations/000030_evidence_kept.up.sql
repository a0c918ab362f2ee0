-- Room: internal/discussion. What a person says on a day, without a file or a link, stands as evidence
-- beside these: a row with neither address nor hash, whose name is what was said.
alter table attachments drop constraint attachments_file_or_link;
alter table attachments add constraint attachments_kind check (
    url <> '' and sha256 is null and content is null
    or url = '' and sha256 is not null and (content is not null or removed_at is not null)
    or url = '' and sha256 is null and content is null and media_type = '' and size = 0);

-- Room: internal/evidence. What may belong to the workload and carries no tag to tell by.
alter table verdicts add column untagged int not null default 0;
comment on column verdicts.untagged is 'resources without any tag, which were not counted; 0 for verdicts from before';
