-- Which foreign keys do these tables have, to where, by which columns; may one be left empty, and are its columns unique?
-- A partition's copy of its table's key is left out.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select k.conrelid::bigint as relation,
       k.conname::text as name,
       n.nspname::text as parent_schema,
       p.relname::text as parent_name,
       (select pg_catalog.array_agg(a.attname::text order by u.number)
        from pg_catalog.unnest(k.conkey) with ordinality u (attnum, number)
        join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum) as columns,
       exists (select from pg_catalog.pg_attribute a
               where a.attrelid = k.conrelid and a.attnum = any(k.conkey) and not a.attnotnull) as optional,
       exists (select from pg_catalog.pg_index i
               where i.indrelid = k.conrelid and i.indisunique and i.indisvalid and i.indpred is null
                 and (i.indkey::int2[])[0:i.indnkeyatts - 1] <@ k.conkey) as single
from pg_catalog.pg_constraint k
join pg_catalog.pg_class p on p.oid = k.confrelid
join pg_catalog.pg_namespace n on n.oid = p.relnamespace
where k.contype = 'f' and k.conrelid = any(%(oids)s::oid[])
  and not exists (select from pg_catalog.pg_constraint o
                  where o.oid = k.conparentid and o.conrelid = k.conrelid)
order by k.conname collate "C", k.oid
