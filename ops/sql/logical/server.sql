-- Which server is this, how large is the database, and where in the WAL does this transaction's snapshot stand?
-- Locks: none. Lowest version: 15.
select current_setting('server_version') as version,
       (select c.system_identifier::text from pg_catalog.pg_control_system() c) as system_identifier,
       case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
            else pg_catalog.pg_current_wal_insert_lsn() end::text as lsn,
       pg_catalog.pg_database_size(pg_catalog.current_database()) as size,
       pg_catalog.pg_export_snapshot() as snapshot
