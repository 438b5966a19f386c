-- How much WAL has this backend written, in bytes?
-- Locks: none. Lowest version: 18.
select wal_bytes from pg_catalog.pg_stat_get_backend_wal(pg_backend_pid())
