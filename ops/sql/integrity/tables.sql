-- Which tables are there beside the system's, which of them are the app's (no extension's, not the platform's), by which
-- columns is a row known, and of what kind is each column? Partitions are looked at through their table.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with recursive typ as (
    select t.oid, t.oid as base from pg_catalog.pg_type t where t.typtype <> 'd'
    union all
    select d.oid, typ.base from typ join pg_catalog.pg_type d on d.typtype = 'd' and d.typbasetype = typ.oid
),
hashable as (
    select o.opcintype as oid
    from pg_catalog.pg_opclass o
    join pg_catalog.pg_am m on m.oid = o.opcmethod
    where m.amname = 'hash' and o.opcdefault
    union
    select t.oid from pg_catalog.pg_type t where t.typtype = 'e'
    union
    select 'pg_catalog.varchar'::regtype::oid
),
relation as (
    select c.oid, n.nspname, n.nspowner, c.relname, c.relkind, c.relowner
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
      and n.nspname !~ '^pg_'
      and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
)
select r.oid::bigint as oid,
       r.nspname::text as schema,
       r.relname::text as name,
       r.relkind = 'p' as partitioned,
       not exists (
           select from pg_catalog.pg_depend e
           where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = r.oid and e.deptype = 'e')
       and not (pg_catalog.pg_get_userbyid(r.relowner) ~ '^supabase_.*admin$'
                and pg_catalog.pg_get_userbyid(r.nspowner) ~ '^supabase_.*admin$') as of_app,
       coalesce((
           select pg_catalog.array_agg(a.attname::text order by k.number)
           from pg_catalog.pg_index i
           cross join pg_catalog.unnest(i.indkey::int2[]) with ordinality k (attnum, number)
           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
           where i.indrelid = r.oid and i.indisprimary
       ), '{}') as key,
       coalesce((
           select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'name', a.attname,
               'type', b.oid::regtype::text,
               'hashable', b.oid in (select h.oid from hashable h)
                           or (b.typcategory = 'A' and b.typelem in (select h.oid from hashable h)),
               'time', b.oid in ('pg_catalog.timestamptz'::regtype, 'pg_catalog.timestamp'::regtype,
                                 'pg_catalog.date'::regtype, 'pg_catalog.time'::regtype, 'pg_catalog.timetz'::regtype),
               'made', a.attidentity <> '' or a.attgenerated <> ''
                       -- Not by pg_get_expr(), which waits for whoever has the table locked.
                       or exists (
                           select from pg_catalog.regexp_matches(d.adbin::text, ':funcid (\d+)', 'g') f (found)
                           join pg_catalog.pg_proc p on p.oid = f.found[1]::oid
                           where p.proname ~* '(nextval|uuid|random)')
           ) order by a.attnum)
           from pg_catalog.pg_attribute a
           join typ on typ.oid = a.atttypid
           join pg_catalog.pg_type b on b.oid = typ.base
           left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
           where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
       ), '[]') as columns
from relation r
order by r.nspname, r.relname
