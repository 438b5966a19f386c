-- Which rows of other tables must a row of this table point to?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select n.nspname as schema, c.relname as table, c.oid::bigint as oid,
       (select array_agg(a.attname::text order by u.place) from unnest(k.conkey) with ordinality as u (num, place)
        join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num) as columns,
       (select array_agg(a.attname::text order by u.place) from unnest(k.confkey) with ordinality as u (num, place)
        join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.num) as referenced
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.confrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where k.contype = 'f' and k.conrelid = %(oid)s
order by k.conname
