-- Is there an index of this name in this schema, or on the search path?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select c.oid
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('i', 'I')
  and c.relname = %(name)s
  and (n.nspname = %(schema)s or (%(schema)s = '' and pg_catalog.pg_table_is_visible(c.oid)))
