-- Who is the superuser that this cluster was made with?
-- Locks: ACCESS SHARE on pg_authid. Lowest version: 15.
select rolname from pg_catalog.pg_roles where oid = 10
