-- Is a transaction under way that has written something, and may still commit it?
-- Locks: none. Lowest version: 15.
select pg_catalog.pg_snapshot_xmin(s) < pg_catalog.pg_snapshot_xmax(s) from pg_catalog.pg_current_snapshot() s
