-- Has recovery ended, with all of the WAL that there is?
-- Locks: none. Lowest version: 15.
select not pg_catalog.pg_is_in_recovery()
