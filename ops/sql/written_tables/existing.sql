-- Which tables and views are there that an app could write to?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select n.nspname, c.relname, c.oid::bigint
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'f')
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
order by 1, 2
