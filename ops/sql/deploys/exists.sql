-- Is there a table of deploys?
-- Locks: none but those of reading catalogs. Lowest version: 15.
select pg_catalog.to_regclass('runbooks.deploys') is not null as there
