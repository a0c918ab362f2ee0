drop table attachments, mentions, comment_revisions, comments, threads;
drop function guard_attachment();
