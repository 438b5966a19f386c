-- Under which file does each catalog lie, is it the whole cluster's, and is a transaction under way that has written
-- something, and may still commit it?
-- Locks: ACCESS SHARE on pg_class. Lowest version: 15.
select pg_catalog.string_agg(pg_catalog.format('%%s %%s %%s', c.relname, pg_catalog.left(c.relisshared::text, 1),
                                               pg_catalog.pg_relation_filenode(c.oid)), E'\n' order by c.relname),
       (select pg_catalog.pg_snapshot_xmin(s) < pg_catalog.pg_snapshot_xmax(s) from pg_catalog.pg_current_snapshot() s)
from pg_catalog.pg_class c
where c.relnamespace = 'pg_catalog'::regnamespace and c.relname = any (%(catalogs)s::name[])
