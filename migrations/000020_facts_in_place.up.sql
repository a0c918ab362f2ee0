-- Room: internal/evidence. Most facts only get a later observed_at with each run. A page keeps
-- room for a second version of its rows, so that they are renewed in place and the table grows
-- by what changes, not by what is seen.
alter table facts set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1);
