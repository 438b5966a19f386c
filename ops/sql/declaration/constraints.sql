-- Which constraints do the tables of these schemas have, but those that say NOT NULL?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select n.nspname, c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid)
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s)
  and k.contype in ('p', 'u', 'f', 'c', 'x')
  and not c.relispartition
  and not exists (select from pg_catalog.pg_depend e
                  where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
order by 1, 2, 3
