alter table items drop column closed_alone;
drop index connections_one_hub;
alter table connections drop constraint connections_hub;
alter table connections drop column hub_region;
alter table connections drop column version;
