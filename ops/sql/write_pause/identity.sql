-- Which server and database is this, on which timeline, since when is it up, and does it replay?
-- Locks: none. Lowest version: 15.
select s.system_identifier::text as system_identifier, pg_catalog.current_database()::text as database,
       -- The control file has a new timeline only after the first checkpoint on it.
       case when pg_catalog.pg_is_in_recovery() then c.timeline_id
            else ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))::bit(32)::int
       end as timeline, pg_catalog.pg_postmaster_start_time() as started,
       pg_catalog.pg_is_in_recovery() as in_recovery, pg_catalog.clock_timestamp() as now,
       pg_catalog.current_setting('server_version_num')::int / 10000 as major
from pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c
