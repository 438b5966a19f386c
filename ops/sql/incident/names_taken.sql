-- Which of these names does something in this schema have already?
-- Locks: none but those of reading catalogs. Lowest version: 15.
select coalesce(array_agg(c.relname::text), '{}') as taken
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relname = any(%(names)s::text[])
