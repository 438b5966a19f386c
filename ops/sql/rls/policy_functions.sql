-- Which functions of the project's own do the policies of these schemas call, and what is written in them?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select distinct
    t.nspname || '.' || c.relname as caller,
    n.nspname || '.' || f.proname as function,
    f.prosrc || coalesce(pg_catalog.pg_get_function_sqlbody(f.oid), '') as source,
    l.lanname = 'sql' as plain
from pg_catalog.pg_policy as p
join pg_catalog.pg_class as c on c.oid = p.polrelid
join pg_catalog.pg_namespace as t on t.oid = c.relnamespace
join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
    and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
join pg_catalog.pg_proc as f on f.oid = d.refobjid
join pg_catalog.pg_namespace as n on n.oid = f.pronamespace
join pg_catalog.pg_language as l on l.oid = f.prolang
where
    t.nspname = any(%(schemas)s::text[])
    and n.nspname not in ('pg_catalog', 'information_schema', 'auth')
    and l.lanname not in ('internal', 'c')
order by 1, 2, 3
