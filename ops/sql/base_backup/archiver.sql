-- How far has the archiver come, what failed last, and where is the server writing now?
-- Locks: none. Lowest version: 15.
select a.last_archived_wal, a.last_archived_time, a.last_failed_wal, a.last_failed_time, a.failed_count,
       (select t.timeline_id from pg_catalog.pg_control_checkpoint() t) as timeline,
       case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
            else pg_catalog.pg_current_wal_lsn() end as lsn,
       pg_catalog.clock_timestamp() as now
from pg_catalog.pg_stat_archiver a
