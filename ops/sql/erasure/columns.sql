-- Which columns do all tables outside the server's own schemas have, and which may be written, emptied or searched?
-- A partition is asked of its table. Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select n.nspname || '.' || c.relname as table_name,
       a.attname::text as name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
       a.attnotnull as required,
       a.attgenerated <> '' or a.attidentity = 'a' as generated,
       coalesce(a.attnum = any (i.indkey::int2[]), false) as of_key,
       t.typcategory::text in ('A', 'E', 'S', 'U') and t.typname <> 'bytea' as searched,
       pg_catalog.row_security_active(c.oid) as hidden
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type d on d.oid = a.atttypid
join pg_catalog.pg_type t on t.oid = case d.typtype when 'd' then d.typbasetype else d.oid end
left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
  and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
order by n.nspname, c.relname, a.attnum
