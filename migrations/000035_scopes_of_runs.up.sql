-- Room: internal/evidence. A run remembers the scope it judges for, so that its verdicts end with it.
alter table runs add column tags text[];
alter table runs add column application_arn text;
alter table runs add column left_out text[];
comment on column runs.tags is 'of the scope when the run was started; null: not known, so its verdicts count as outgrown';
comment on column runs.application_arn is 'of the scope when the run was started; null: not known';
comment on column runs.left_out is 'accounts of other teams that had not lent them when the run was judged; null: it was not judged, or before this was kept';

-- Who was not changed since has the scope of then.
update runs r set tags = s.tags, application_arn = s.application_arn
from scopes s join workloads w on w.id = s.workload_id
where s.id = r.scope_id and w.updated_at <= r.requested_at;

create table item_scopes (
    workload_id uuid not null references workloads,
    cause_key text not null,
    accounts text[] not null,
    regions text[] not null,
    tags text[] not null,
    application_arns text[] not null,
    everything bool not null,
    primary key (workload_id, cause_key)
);
comment on table item_scopes is 'internal/evidence: the scopes under which the cause of an item was found to fail, joined, while the item is not finished; everything: a scope without tags and application was one of them';

insert into item_scopes (workload_id, cause_key, accounts, regions, tags, application_arns, everything)
select i.workload_id, i.cause_key, s.accounts, s.regions, s.tags,
    case when s.application_arn = '' then '{}'::text[] else array[s.application_arn] end, s.tags = '{}' and s.application_arn = ''
from items i join scopes s on s.workload_id = i.workload_id and s.production
where i.cause_kind = 'evidence' and i.state not in ('verified', 'closed');
