-- Of which table is this a partition, and has its detaching stopped half way?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select pn.nspname, p.relname, n.nspname, c.relname, h.inhdetachpending
from pg_catalog.pg_inherits h
join pg_catalog.pg_class c on c.oid = h.inhrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class p on p.oid = h.inhparent
join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
where c.relname = %(relation)s
  and (n.nspname = %(schema)s or (%(schema)s = '' and pg_catalog.pg_table_is_visible(c.oid)))
