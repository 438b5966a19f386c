-- Which triggers of these tables do what no transaction takes back: call another server, or count a sequence by name?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select t.tgrelid::bigint as oid, t.tgname::text as trigger, p.proname::text as function
from pg_catalog.pg_trigger as t
join pg_catalog.pg_proc as p on p.oid = t.tgfoid
join pg_catalog.pg_language as l on l.oid = p.prolang
where
    not t.tgisinternal
    and t.tgenabled <> 'D'
    and t.tgrelid = any(%(oids)s::bigint[]::oid[])
    and (
        p.prosrc ~* '\m(dblink\w*|http|http_(get|post|put|patch|delete|head)|setval|nextval|lo_(create|import|export))\s*\('
        or not l.lanpltrusted
        and l.lanname not in ('internal', 'c')
    )
order by 1, 2
