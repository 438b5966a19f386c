-- Which policies stand on these tables, for whom, and with which predicates?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select p.polrelid::bigint as relation,
       p.polname::text as name,
       case when p.polpermissive then '' else 'restrictive ' end
       || 'for ' || case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                                  when 'd' then 'delete' else 'all' end
       || ' to ' || (select pg_catalog.string_agg(coalesce(r.rolname::text, 'public'), ', ' order by r.rolname collate "C")
                     from pg_catalog.unnest(p.polroles) u (oid)
                     left join pg_catalog.pg_roles r on r.oid = u.oid)
       || coalesce(' using (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '')
       || coalesce(' with check (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') as definition,
       '' as comment
from pg_catalog.pg_policy p
where p.polrelid = any(%(oids)s::oid[])
order by p.polname collate "C"
