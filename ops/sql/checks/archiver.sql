-- Does the server archive its WAL, and did the last attempt work?
-- Locks: none. Lowest version: 15.
select
    pg_catalog.current_setting('archive_mode') as mode,
    a.last_archived_time as archived,
    a.last_failed_time as failed,
    coalesce(a.last_failed_wal, '') as failed_wal
from pg_catalog.pg_stat_archiver a
