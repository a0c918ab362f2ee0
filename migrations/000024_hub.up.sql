-- Rooms: internal/evidence writes connections, internal/remediation items.
alter table connections add column version int not null default 1;
alter table connections add column hub_region text not null default '';
alter table connections add constraint connections_hub check (hub = (hub_region <> ''));
create unique index connections_one_hub on connections (hub) where hub and removed_at is null;

-- Closed for itself, not with its workload: it does not open when that comes back.
alter table items add column closed_alone bool not null default false;

-- Evidence verifies a high item alone: nobody did the work by name, and nobody verified it.
alter table items drop constraint items_four_eyes;
alter table items add constraint items_four_eyes check (
    state <> 'verified' or cause_kind = 'evidence' or risk <> 'high' and cause_kind not in ('condition', 'incident') or verified_by is distinct from done_by);

-- A page of facts is read by account and Region, whatever else is stored. The same columns
-- are unique in another order; one index less is written than with a second.
create unique index facts_place on facts (account, region, source, control, resource);
alter table facts drop constraint facts_unique;
