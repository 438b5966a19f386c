-- Has recovery ended, so that this cluster has a life of its own?
-- Locks: none. Lowest version: 15.
select not pg_catalog.pg_is_in_recovery()
