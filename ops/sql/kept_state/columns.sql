-- Which columns has this table: is each part of the primary key, a time that a trigger may set, or generated?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select a.attname,
       coalesce(a.attnum = any (i.indkey), false) as of_key,
       a.atttypid in ('timestamp'::regtype, 'timestamptz'::regtype) as is_time,
       a.attgenerated <> '' as generated,
       pg_catalog.row_security_active(c.oid) as hidden
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
where n.nspname = %(schema)s and c.relname = %(name)s and c.relkind in ('r', 'p')
order by a.attnum
