-- Which indexes has a table or materialized view (or, of an index, its table), are they valid, is somebody building them?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select i.indexrelid::bigint,
       n.nspname,
       c.relname,
       i.indisvalid and i.indisready,
       exists (
           select from pg_catalog.pg_stat_progress_create_index p
           where p.index_relid = i.indexrelid and p.pid <> pg_catalog.pg_backend_pid()
       )
from pg_catalog.pg_class t
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
left join pg_catalog.pg_index own on own.indexrelid = t.oid
join pg_catalog.pg_index i on i.indrelid = coalesce(own.indrelid, t.oid)
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where t.relname = %(relation)s
  and (tn.nspname = %(schema)s or (%(schema)s = '' and pg_catalog.pg_table_is_visible(t.oid)))
order by i.indexrelid
