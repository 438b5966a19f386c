-- Which server process runs this statement.
-- Locks: none. Lowest version: PostgreSQL 13.
select pg_catalog.pg_backend_pid()
