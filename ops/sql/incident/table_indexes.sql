-- About how many rows has a table, and with which columns do its indexes begin that a query may use?
-- Locks: none but those of reading catalogs. Lowest version: 15.
select greatest(c.reltuples, 0)::bigint as rows,
       coalesce(array(
           select a.attname::text
           from pg_catalog.pg_index i
           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
           where i.indrelid = c.oid and i.indisvalid and i.indpred is null
       ), '{}') as leading
from pg_catalog.pg_class c
where c.oid = to_regclass(pg_catalog.format('%%I.%%I', %(schema)s::text, %(table)s::text))
