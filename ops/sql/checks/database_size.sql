-- How large is this database, and all of them together, as far as this login is told?
-- Locks: none. Lowest version: 15.
select
    pg_catalog.pg_database_size(pg_catalog.current_database()) as own,
    coalesce(sum(pg_catalog.pg_database_size(d.oid)) filter (
        where pg_catalog.has_database_privilege(d.oid, 'CONNECT')), 0)::bigint as whole
from pg_catalog.pg_database d
