-- What has this name: an index of which columns, with nothing special, is it valid, and is another session building it?
-- Locks: none but those of reading catalogs. Lowest version: 15.
select coalesce(t.relname, '')::text as table,
       coalesce(array(
           select a.attname::text
           from unnest(i.indkey::int2[]) with ordinality k (attnum, place)
           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
           order by k.place
       ), '{}') as columns,
       coalesce(i.indpred is null and i.indexprs is null and not i.indisunique and m.amname = 'btree', false) as plain,
       coalesce(i.indisvalid and i.indisready, false) as valid,
       exists (
           select from pg_catalog.pg_stat_progress_create_index p
           where p.index_relid = c.oid and p.pid <> pg_catalog.pg_backend_pid()
       ) as building
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_index i on i.indexrelid = c.oid
left join pg_catalog.pg_class t on t.oid = i.indrelid and t.relnamespace = n.oid
left join pg_catalog.pg_am m on m.oid = c.relam
where n.nspname = %(schema)s and c.relname = %(name)s
