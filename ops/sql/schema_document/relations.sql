-- Which tables and views do these schemas have, of which kind, with what row level security and comment? Partitions are
-- counted with their table.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select c.oid::bigint as oid,
       n.nspname::text as schema,
       c.relname::text as name,
       case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
                      when 'm' then 'materialized view' else 'foreign table' end as kind,
       c.relrowsecurity as secured,
       (select pg_catalog.count(*) from pg_catalog.pg_inherits i
        where i.inhparent = c.oid and c.relkind = 'p') as partitions,
       pg_catalog.obj_description(c.oid, 'pg_class') as comment
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s::text[])
  and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and not c.relispartition
  and not exists (select from pg_catalog.pg_depend e
                  where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
order by n.nspname collate "C", c.relname collate "C"
