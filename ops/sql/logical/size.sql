-- How large is the database by now?
-- Locks: none. Lowest version: 15.
select pg_catalog.pg_database_size(pg_catalog.current_database())
