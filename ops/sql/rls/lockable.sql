-- Which relations may be read or written, and how many locks does that take: of it, its indexes and its sequences?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    c.oid::bigint as oid,
    n.nspname::text as schema,
    c.relname::text as name,
    c.relkind::text as kind,
    1 + (select count(*) from pg_catalog.pg_index as i where i.indrelid = c.oid) as locks
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
order by 1
