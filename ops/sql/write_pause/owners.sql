-- Who can write whatever is revoked: the owners of tables, and superusers who may log in?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select r.rolname::text as role, r.rolsuper as superuser,
       count(c.oid) filter (where c.relowner = r.oid) as tables
from pg_catalog.pg_roles r
left join (
    pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname !~ '^pg_'
         and n.nspname not in ('information_schema', 'runbooks')
) on c.relowner = r.oid and c.relkind in ('r', 'p')
group by r.oid, r.rolname, r.rolsuper, r.rolcanlogin
having count(c.oid) > 0 or (r.rolsuper and r.rolcanlogin)
order by 1
