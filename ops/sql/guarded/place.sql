-- Which database of which running server is this, whatever road leads there? A copy of a server does not share its start.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select pg_catalog.pg_postmaster_start_time(), d.oid::bigint
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()
