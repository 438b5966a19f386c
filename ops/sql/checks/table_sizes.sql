-- How large are the largest tables, each with its indexes and what is kept apart?
-- Locks: ACCESS SHARE for a moment. Lowest version: 15.
select n.nspname || '.' || c.relname as name, coalesce(pg_catalog.pg_total_relation_size(c.oid), 0) as bytes
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
order by c.relpages desc, 2 desc
limit 200
