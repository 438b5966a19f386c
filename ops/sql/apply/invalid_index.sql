-- Is there an index of this name in this schema or on the search path, is it valid, and is somebody building it?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select n.nspname,
       c.relname,
       i.indisvalid,
       exists (
           select from pg_catalog.pg_stat_progress_create_index p where p.index_relid = i.indexrelid
       ) as building
from pg_catalog.pg_class c
join pg_catalog.pg_index i on i.indexrelid = c.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
where c.relname = %(index)s
  and t.relname = %(table)s
  and (tn.nspname = %(schema)s or (%(schema)s = '' and pg_catalog.pg_table_is_visible(t.oid)))
