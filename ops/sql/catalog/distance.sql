-- How far is the WAL flushed, and how many bytes is that from the last position?
-- Locks: none. Lowest version: 15.
select flushed::text, pg_catalog.pg_wal_lsn_diff(flushed, %(start)s::text::pg_lsn)::bigint
from pg_catalog.pg_current_wal_flush_lsn() as flushed
