-- Which indexes do the tables of these schemas have, but those that a constraint brings along?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select n.nspname, c.relname, x.relname, pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indrelid
join pg_catalog.pg_class x on x.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s)
  and not c.relispartition
  and not exists (select from pg_catalog.pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
  and not exists (select from pg_catalog.pg_depend e
                  where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
order by 1, 2, 3
