-- Flush all of the WAL by a commit of our own, since a file may have committed without waiting for that.
-- Locks: none. Lowest version: 15.
select pg_catalog.pg_logical_emit_message(true, 'runbooks', '')
