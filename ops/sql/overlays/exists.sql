-- Is there a journal?
-- Locks: none but those of reading catalogs. Lowest version: 15.
select pg_catalog.to_regclass('runbooks.journal') is not null as there
