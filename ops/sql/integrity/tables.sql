-- Which tables are there beside the system's, which of them are the app's (no extension's, not the platform's), and by
-- which columns is a row known? Partitions are looked at through their table.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select c.oid::bigint as oid,
       n.nspname::text as schema,
       c.relname::text as name,
       c.relkind = 'p' as partitioned,
       e.objid is null
       and not (o.rolname ~ '^supabase_.*admin$' and s.rolname ~ '^supabase_.*admin$') as of_app,
       coalesce(k.columns, '{}') as key
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_roles o on o.oid = c.relowner
join pg_catalog.pg_roles s on s.oid = n.nspowner
left join (
    select d.objid
    from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_class'::regclass and d.objsubid = 0 and d.deptype = 'e'
) e on e.objid = c.oid
left join lateral (
    select pg_catalog.array_agg(a.attname::text order by u.number) as columns
    from pg_catalog.pg_index i
    cross join pg_catalog.unnest(i.indkey::int2[]) with ordinality u (attnum, number)
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = u.attnum
    where i.indrelid = c.oid and i.indisprimary
) k on true
where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
order by n.nspname, c.relname
