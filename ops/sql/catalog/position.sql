-- How far is the WAL flushed, and which database is this?
-- Locks: ACCESS SHARE on pg_database. Lowest version: 15.
select pg_catalog.pg_current_wal_flush_lsn()::text,
       (select d.oid::bigint from pg_catalog.pg_database d where d.datname = %(name)s)
