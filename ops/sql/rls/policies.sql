-- Which policies stand on the tables of these schemas, for whom, and with which predicates.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    p.polrelid::bigint as relation,
    p.polname::text as name,
    p.polcmd::text as command,
    p.polpermissive as permissive,
    0 = any(p.polroles) as for_public,
    exists (
        select from unnest(p.polroles) as r (oid)
        join pg_roles as anon on anon.rolname = 'anon'
        where r.oid <> 0 and pg_has_role(anon.oid, r.oid, 'USAGE')
    ) as for_anon,
    pg_get_expr(p.polqual, p.polrelid) as using_predicate,
    pg_get_expr(p.polwithcheck, p.polrelid) as check_predicate
from pg_policy as p
join pg_class as c on c.oid = p.polrelid
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s)
order by n.nspname, c.relname, p.polname
