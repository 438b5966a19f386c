-- Which file of the WAL did this server archive last, and how large is a segment?
-- Locks: none. Lowest version: 15.
select a.last_archived_wal,
       (select s.setting::bigint from pg_catalog.pg_settings s where s.name = 'wal_segment_size') as segment_size
from pg_catalog.pg_stat_archiver a
