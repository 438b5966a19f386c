-- Is there a record of paused writes in this database?
-- Locks: ACCESS SHARE on the catalogs. Lowest version: 15.
select pg_catalog.to_regclass('runbooks.write_pauses') is not null
