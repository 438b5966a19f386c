-- Which roles are there, what may each of them, and until when do their passwords hold?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    r.rolname::text as name,
    r.rolcanlogin as login,
    r.rolsuper as superuser,
    r.rolbypassrls as bypass_rls,
    r.rolcreaterole as create_role,
    r.rolcreatedb as create_database,
    r.rolreplication as replication,
    case when r.rolvaliduntil < pg_catalog.now() then r.rolvaliduntil end as expired
from pg_catalog.pg_roles as r
where r.rolname !~ '^pg_'
order by r.rolname
