-- Who waits for a lock, since when, on what, and for whom?
-- Locks: the shared lock manager's for a moment, none on a table. Lowest version: 15.
select
    a.pid,
    coalesce(a.usename, a.backend_type, '') as role,
    coalesce(a.application_name, '') as application,
    coalesce(a.state, '') as state,
    a.xact_start as since,
    w.waits_since,
    coalesce(w.what, '') as what,
    pg_catalog.pg_blocking_pids(a.pid) as blockers
from pg_catalog.pg_stat_activity a
left join lateral (
    select min(l.waitstart) as waits_since,
           max(coalesce(l.relation::pg_catalog.regclass::text, l.locktype)) as what
    from pg_catalog.pg_locks l
    where l.pid = a.pid and not l.granted
) w on true
where a.datid is not null
order by a.pid
