-- Which policies stand on which tables, for whom, and with which predicates as the server writes them.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    t.oid as relation,
    t.schema,
    t.name,
    t.kind,
    t.guarded,
    t.of_platform,
    t.of_extension,
    p.polname::text as policy,
    p.polcmd::text as command,
    p.polpermissive as permissive,
    p.polroles as roles,
    p.polroles && array(
        select r.oid from pg_catalog.pg_roles as r where r.rolname in ('anon', 'authenticated') union all select 0
    ) as for_api,
    pg_catalog.pg_get_expr(p.polqual, p.polrelid) as readable,
    pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as writable
from pg_catalog.pg_policy as p
join relations as t on t.oid = p.polrelid
