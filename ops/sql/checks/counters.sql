-- What has the server counted in this database since it began to count?
-- Locks: none. Lowest version: 15.
select
    d.stats_reset as since,
    d.deadlocks,
    d.conflicts,
    coalesce(d.checksum_failures, 0) as checksum_failures,
    d.sessions_fatal,
    d.sessions_killed,
    d.xact_commit as commits,
    d.xact_rollback as rollbacks,
    d.temp_files,
    d.temp_bytes,
    d.blks_hit as hits,
    d.blks_read as reads
from pg_catalog.pg_stat_database d
where d.datname = pg_catalog.current_database()
