-- Which server process runs this statement.
-- Locks: none. Lowest version: 15.
select pg_catalog.pg_backend_pid()
