-- Are there files of Storage, and how large is the table that lists them?
-- Locks: ACCESS SHARE for a moment. Lowest version: 15.
select pg_catalog.pg_relation_size(pg_catalog.to_regclass('storage.objects')) as bytes
