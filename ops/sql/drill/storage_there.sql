-- Does this database list files of Storage?
-- Locks: none. Lowest version: 15.
select pg_catalog.to_regclass('storage.objects') is not null
