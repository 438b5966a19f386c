-- Which roles does this server have?
-- Locks: ACCESS SHARE on pg_authid. Lowest version: 15.
select rolname from pg_catalog.pg_roles
