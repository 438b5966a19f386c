-- Which constraints do these tables have, but those that say NOT NULL, and the copies of a key for each partition that it
-- leads to?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select k.conrelid::bigint as relation,
       k.conname::text as name,
       pg_catalog.pg_get_constraintdef(k.oid) as definition,
       '' as comment
from pg_catalog.pg_constraint k
where k.conrelid = any(%(oids)s::oid[]) and k.contype in ('p', 'u', 'f', 'c', 'x')
  and not exists (select from pg_catalog.pg_constraint o
                  where o.oid = k.conparentid and o.conrelid = k.conrelid)
order by pg_catalog.strpos('pufcx', k.contype::text), k.conname collate "C", k.oid
