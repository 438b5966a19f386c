-- Which indexes do these tables have, but those that a constraint brings along, and does the server use them?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select i.indrelid::bigint as relation,
       x.relname::text as name,
       pg_catalog.pg_get_indexdef(i.indexrelid) as definition,
       case when i.indisvalid then '' else 'INVALID: the server does not use it' end as comment
from pg_catalog.pg_index i
join pg_catalog.pg_class x on x.oid = i.indexrelid
where i.indrelid = any(%(oids)s::oid[])
  and not exists (select from pg_catalog.pg_constraint k
                  where k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x'))
order by x.relname collate "C", i.indexrelid
