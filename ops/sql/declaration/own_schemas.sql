-- Which schemas are the project's own, and not the platform's or an extension's?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select n.nspname
from pg_catalog.pg_namespace n
where n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
  and n.nspname <> all(%(platform)s)
  and not exists (select from pg_catalog.pg_depend e
                  where e.classid = 'pg_catalog.pg_namespace'::regclass and e.objid = n.oid and e.deptype = 'e')
order by 1
