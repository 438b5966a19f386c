-- Does recovery end here, so that the cluster can be written to?
-- Locks: none. Lowest version: 15.
select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_promote(true, 600) else true end
