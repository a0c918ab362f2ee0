-- Room: internal/webhook. How an endpoint answered last, so that those who are slow hold no others up.
alter table webhook_endpoints add column pace text not null default 'new' check (pace in ('new', 'brisk', 'slow'));
comment on column webhook_endpoints.pace is 'of its last attempt; brisk ones are sent several messages at once, slow ones have workers of their own';
