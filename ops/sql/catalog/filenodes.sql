-- Under which file does each catalog lie, and is it the whole cluster's?
-- Locks: ACCESS SHARE on pg_class. Lowest version: 15.
select c.relname::text, c.relisshared, pg_catalog.pg_relation_filenode(c.oid)::bigint
from pg_catalog.pg_class c
where c.relnamespace = 'pg_catalog'::regnamespace and c.relname = any (%(catalogs)s)
