-- Is autovacuum on, and does the server count what it needs for it?
-- Locks: none. Lowest version: 15.
select
    pg_catalog.current_setting('autovacuum')::boolean as autovacuum,
    pg_catalog.current_setting('track_counts')::boolean as counts
