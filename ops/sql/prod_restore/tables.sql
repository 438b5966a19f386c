-- Which tables are there beside the system's, with row level security and so many policies?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select n.nspname::text || '.' || c.relname::text as name, c.relrowsecurity as rls,
       (select count(*) from pg_catalog.pg_policy p where p.polrelid = c.oid) as policies
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by 1
