-- How far has a session come with an index that it builds: in which phase, and how much of what is done?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select coalesce(i.relname, t.relname, 'an index')::text,
       p.phase,
       case u.unit when 'sessions' then p.lockers_done when 'blocks' then p.blocks_done else p.tuples_done end,
       case u.unit when 'sessions' then p.lockers_total when 'blocks' then p.blocks_total else p.tuples_total end,
       u.unit
from pg_catalog.pg_stat_progress_create_index p
-- Counters of the phases before stay as they were, so that the phase says which of them counts.
cross join lateral (
    select case
        when p.phase like 'waiting%%' then 'sessions'
        when p.phase like '%%scanning%%' then 'blocks'
        else 'tuples'
    end as unit
) u
left join pg_catalog.pg_class i on i.oid = p.index_relid
left join pg_catalog.pg_class t on t.oid = p.relid
where p.pid = %(pid)s::int
