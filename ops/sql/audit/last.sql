-- Which row is the last of the audit log, and what time is it here? Nobody else adds one until the transaction ends.
-- Locks: an advisory one, for this transaction. Lowest version: 15.
select l.id, l.hash, pg_catalog.clock_timestamp()
from (select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('supabase-runbooks/audit', 0))) taken
left join lateral (select a.id, a.hash from runbooks.audit_log a order by a.id desc limit 1) l on true
