-- Since when is the postmaster up that answers? No copy of its files has the same one.
-- Locks: none. Lowest version: 15.
select pg_catalog.pg_postmaster_start_time() as up_since
