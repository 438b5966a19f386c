-- Do the pages of this cluster have checksums?
-- Locks: none. Lowest version: 15.
select pg_catalog.current_setting('data_checksums')
