alter table facts add constraint facts_unique unique (source, control, account, region, resource);
drop index facts_place;
alter table items drop constraint items_four_eyes;
alter table items add constraint items_four_eyes check (
    state <> 'verified' or risk <> 'high' and cause_kind not in ('condition', 'incident') or verified_by is distinct from done_by) not valid;
alter table items drop column closed_alone;
drop index connections_one_hub;
alter table connections drop constraint connections_hub;
alter table connections drop column hub_region;
alter table connections drop column version;
