-- How many blocks does each catalog have?
-- Locks: ACCESS SHARE on pg_class, and on each catalog for a moment. Lowest version: 15.
select c.relname::text,
       (pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint)::bigint
from pg_catalog.pg_class c
where c.relnamespace = 'pg_catalog'::regnamespace and c.relname = any (%(catalogs)s)
