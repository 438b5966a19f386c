-- Which statements run at this moment, whose are they, since when, and what do they wait for? Own ones are left out.
-- Locks: none. Lowest version: 15.
select
    a.pid,
    coalesce(a.usename, a.backend_type)::text as role,
    coalesce(a.application_name, '') as application,
    coalesce(a.datname, '')::text as database,
    a.datname = pg_catalog.current_database() as here,
    a.query_start as since,
    pg_catalog.clock_timestamp() - a.query_start as lasted,
    pg_catalog.concat_ws(': ', a.wait_event_type, a.wait_event) as waits_for,
    coalesce(a.query_id::text, '') as id,
    a.query as text,
    pg_catalog.octet_length(a.query) >= (
        select s.setting::int - 4 from pg_catalog.pg_settings s where s.name = 'track_activity_query_size'
    ) as cut
from pg_catalog.pg_stat_activity a
where a.state = 'active'
    and a.backend_type in ('client backend', 'pg_cron')
    and a.pid <> pg_catalog.pg_backend_pid()
    and a.query_start is not null
order by a.query_start, a.pid
