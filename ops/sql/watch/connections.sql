-- How many sessions of clients are in which state, how old is the oldest transaction of each, and how many may there be?
-- Our own session is not counted. Locks: none but those of reading catalogs. Lowest version: 15.
select /* supabase-runbooks watch */ coalesce(a.state, 'hidden') as state,
       pg_catalog.count(*)::int as sessions,
       coalesce(pg_catalog.date_part('epoch', pg_catalog.max(pg_catalog.clock_timestamp() - a.xact_start)), 0)::float8
           as oldest,
       pg_catalog.current_setting('max_connections')::int as most
from pg_catalog.pg_stat_activity a
where a.backend_type = 'client backend' and a.pid <> pg_catalog.pg_backend_pid()
group by coalesce(a.state, 'hidden')
