-- Which sessions of this database wait for a lock, for how long, and who keeps them from it?
-- Locks: for a moment those of the lock manager's own tables. Lowest version: 15.
select /* supabase-runbooks watch */ w.pid,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - w.since)::float8 as seconds,
       w.query,
       pg_catalog.array_agg(b.pid order by b.pid) filter (where b.pid is not null) as blockers,
       pg_catalog.min(coalesce(b.application_name, '')) as blocker_application,
       pg_catalog.min(coalesce(b.state, '')) as blocker_state,
       pg_catalog.min(coalesce(b.query, '')) as blocker_query
from (
    select a.pid, coalesce(pg_catalog.min(l.waitstart), pg_catalog.clock_timestamp()) as since, a.query
    from pg_catalog.pg_stat_activity a
    join pg_catalog.pg_locks l on l.pid = a.pid and not l.granted
    where a.datname = pg_catalog.current_database()
    group by a.pid, a.query
) w
left join pg_catalog.pg_stat_activity b on b.pid = any (pg_catalog.pg_blocking_pids(w.pid))
group by w.pid, w.since, w.query
order by w.since
