-- How many segments of WAL wait to be archived, and since when does the oldest?
-- Locks: none. Lowest version: 15.
select count(*) as waiting, min(f.modification) as since
from pg_catalog.pg_ls_archive_statusdir() f
where f.name ~ '^[0-9A-F]{24}\.ready$'
