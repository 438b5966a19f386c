-- How many connections may there be, and how many of them are kept for superusers and the like?
-- Locks: none. Lowest version: 15.
select
    pg_catalog.current_setting('max_connections')::integer as most,
    pg_catalog.current_setting('superuser_reserved_connections')::integer as superusers,
    coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::integer as reserved
