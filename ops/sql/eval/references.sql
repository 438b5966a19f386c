-- Which table and column does this column refer to by a foreign key?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select fn.nspname::text as schema, f.relname::text as name, fa.attname::text as column
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid and c.relname = %(name)s
join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = %(schema)s
join pg_catalog.pg_attribute a on a.attrelid = c.oid and k.conkey = array[a.attnum] and a.attname = %(column)s
join pg_catalog.pg_class f on f.oid = k.confrelid
join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
join pg_catalog.pg_attribute fa on fa.attrelid = f.oid and k.confkey = array[fa.attnum]
where k.contype = 'f'
order by k.oid
