-- Which tables have many dead rows, and when was each last vacuumed?
-- Locks: none. Lowest version: 15.
select
    s.schemaname || '.' || s.relname as name,
    s.n_live_tup as live,
    s.n_dead_tup as dead,
    greatest(s.last_vacuum, s.last_autovacuum) as vacuumed,
    s.last_autovacuum as autovacuumed,
    pg_catalog.age(c.relfrozenxid) as age,
    coalesce(c.reloptions @> array['autovacuum_enabled=false'] or c.reloptions @> array['autovacuum_enabled=off'], false)
        as switched_off
from pg_catalog.pg_stat_user_tables s
join pg_catalog.pg_class c on c.oid = s.relid
order by s.n_dead_tup desc
