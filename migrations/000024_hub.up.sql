-- Rooms: internal/evidence writes connections, internal/remediation items.
alter table connections add column version int not null default 1;
alter table connections add column hub_region text not null default '';
alter table connections add constraint connections_hub check (hub = (hub_region <> ''));
create unique index connections_one_hub on connections (hub) where hub and removed_at is null;

-- Closed for itself, not with its workload: it does not open when that comes back.
alter table items add column closed_alone bool not null default false;
