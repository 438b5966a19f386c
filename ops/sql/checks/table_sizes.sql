-- How large are the largest tables, each with its indexes and what is kept apart? One that somebody has locked is not told.
-- Locks: ACCESS SHARE for a moment. Lowest version: 15.
with locked as (
    -- Whoever waits for such a lock already lets nobody else pass.
    select l.relation as oid
    from pg_catalog.pg_locks l
    where l.mode = 'AccessExclusiveLock' and l.locktype = 'relation'
        and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
)
select
    n.nspname || '.' || c.relname as name,
    case
        when c.oid in (select oid from locked) or c.reltoastrelid in (select oid from locked)
            or exists (
                select from pg_catalog.pg_index i
                where i.indrelid in (c.oid, c.reltoastrelid) and i.indexrelid in (select oid from locked)) then null
        else coalesce(pg_catalog.pg_total_relation_size(c.oid), 0)
    end as bytes
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
order by c.relpages desc, 2 desc nulls last
limit 200
