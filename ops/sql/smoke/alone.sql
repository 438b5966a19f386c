-- Is this the only smoke that goes through the API at this time?
-- Locks: one advisory lock of this transaction. Lowest version: 15.
select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('supabase-runbooks/smoke', 0))
