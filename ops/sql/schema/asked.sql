-- Which of these relations are there that are not the system's, this tool's or the history's?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select c.oid, c.relkind, n.nspname, c.relname,
       -- Not EXISTS, which is planned as a scan of all that depends on anything.
       (select pg_catalog.count(*) from pg_catalog.pg_depend e
        where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e') > 0 as of_extension
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = any (%(oids)s::oid[])
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
