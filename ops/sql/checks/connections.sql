-- How many connections are there, by role and application, beside how many there may be?
-- Locks: none. Lowest version: 15.
select
    coalesce(a.usename, '') as role,
    a.application_name as application,
    count(*)::integer as count,
    coalesce(max(r.rolconnlimit), -1) as role_limit,
    coalesce(bool_or(r.rolsuper), false) as superuser,
    min(a.backend_start) as since
from pg_catalog.pg_stat_activity a
left join pg_catalog.pg_roles r on r.oid = a.usesysid
where a.datid is not null and a.backend_type is distinct from 'autovacuum worker'
    and a.backend_type is distinct from 'parallel worker' and a.usesysid is not null
group by a.usename, a.application_name
order by count(*) desc, 1, 2
