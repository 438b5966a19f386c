-- Writes something to the WAL after the snapshot, so that recovery can stop between the two.
-- Locks: none. Lowest version: 15.
select pg_catalog.pg_logical_emit_message(true, 'supabase-runbooks', 'reference')
