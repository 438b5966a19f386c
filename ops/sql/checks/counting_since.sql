-- Since when does the server count what this database does?
-- Locks: none. Lowest version: 15.
select coalesce(d.stats_reset, pg_catalog.pg_postmaster_start_time()) as since
from pg_catalog.pg_stat_database d
where d.datname = pg_catalog.current_database()
