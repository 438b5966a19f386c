-- What has this database counted since its statistics began, when did they begin, and when did the server start?
-- Locks: none but those of reading catalogs. Lowest version: 15.
select /* supabase-runbooks watch */ d.xact_commit as commits,
       d.xact_rollback as rollbacks,
       d.deadlocks,
       d.conflicts,
       d.temp_bytes,
       d.sessions_fatal,
       d.sessions_killed,
       d.sessions_abandoned,
       d.blks_read,
       d.blks_hit,
       d.stats_reset,
       pg_catalog.pg_postmaster_start_time() as started
from pg_catalog.pg_stat_database d
where d.datname = pg_catalog.current_database()
