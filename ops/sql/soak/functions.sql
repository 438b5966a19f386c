-- What do the functions and procedures of the app do? Those of the system and of extensions are left out.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select p.proname::text as name,
       l.lanname::text as language,
       coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc, '') as body,
       n.nspname::text as schema,
       pg_catalog.oidvectortypes(p.proargtypes) as arguments
from pg_catalog.pg_proc p
join pg_catalog.pg_language l on l.oid = p.prolang
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where p.prokind in ('f', 'p')
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks')
  and l.lanname not in ('c', 'internal')
  and not exists (
      select from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
  )
