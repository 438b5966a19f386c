-- Lets nobody else add a row to the audit log until the transaction ends; what they have added is seen by the next statement.
-- Locks: an advisory one, for this transaction. Lowest version: 15.
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('supabase-runbooks/audit', 0))
