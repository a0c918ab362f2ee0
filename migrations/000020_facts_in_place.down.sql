alter table facts reset (fillfactor, autovacuum_vacuum_scale_factor);
