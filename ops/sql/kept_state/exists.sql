-- Is there anything kept in this database at all?
-- Locks: ACCESS SHARE on the catalogs. Lowest version: 15.
select pg_catalog.to_regclass('runbooks.kept_states') is not null
