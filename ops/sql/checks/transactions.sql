-- Which transactions are open for long, and which of them do nothing?
-- Locks: none. Lowest version: 15.
select
    coalesce(a.usename, a.backend_type, '') as role,
    coalesce(a.application_name, '') as application,
    coalesce(a.datname, '') as database,
    a.pid,
    a.xact_start as since,
    a.state_change as idle_since,
    coalesce(a.state like 'idle in transaction%%', false) as idle
from pg_catalog.pg_stat_activity a
where a.xact_start is not null
    and a.pid <> pg_catalog.pg_backend_pid()
    and a.backend_type not in ('autovacuum worker', 'walsender', 'parallel worker')
    and ((a.state like 'idle in transaction%%' and a.state_change < pg_catalog.clock_timestamp() - %(idle)s::interval)
        or a.xact_start < pg_catalog.clock_timestamp() - %(transaction)s::interval)
order by a.xact_start
