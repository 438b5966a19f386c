-- At which place in the WAL, on which cluster and when is this snapshot?
-- Locks: none. Lowest version: 15.
select (pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_catalog.pg_lsn)::bigint as lsn,
       (select system_identifier::text from pg_catalog.pg_control_system()) as system_identifier,
       (select timeline_id from pg_catalog.pg_control_checkpoint()) as timeline,
       pg_catalog.clock_timestamp() as taken,
       pg_catalog.current_database() as database
