-- After how many seconds without one does this server switch to a new WAL segment; 0 is never?
-- Locks: none. Lowest version: 15.
select setting::int from pg_catalog.pg_settings where name = 'archive_timeout'
