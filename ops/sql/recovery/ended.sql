-- Has recovery come to the end of the WAL, so that the server opened?
-- Locks: none. Lowest version: 15.
select not pg_catalog.pg_is_in_recovery()
