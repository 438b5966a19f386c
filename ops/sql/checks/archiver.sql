-- Does the server archive its WAL, did the last attempt work, and how much that is complete is behind what was archived?
-- Locks: none. Lowest version: 15.
with segment as (
    select s.setting::bigint as bytes from pg_catalog.pg_settings s where s.name = 'wal_segment_size'
)
select
    pg_catalog.current_setting('archive_mode') as mode,
    pg_catalog.pg_is_in_recovery() as replica,
    a.last_archived_time as archived,
    a.last_failed_time as failed,
    coalesce(a.last_failed_wal, '') as failed_wal,
    g.bytes as segment,
    -- Of a segment its name tells the place: a timeline, and twice eight digits; a history file has none.
    case when a.last_archived_wal ~ '^[0-9A-F]{24}' and not pg_catalog.pg_is_in_recovery() then
        div(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0'), g.bytes)::bigint * g.bytes
        - ('x' || substr(a.last_archived_wal, 9, 8))::bit(32)::bigint * 4294967296
        - (('x' || substr(a.last_archived_wal, 17, 8))::bit(32)::bigint + 1) * g.bytes
    end as behind,
    pg_catalog.has_function_privilege('pg_catalog.pg_ls_archive_statusdir()', 'EXECUTE') as told
from pg_catalog.pg_stat_archiver a
cross join segment g
