-- Which foreign keys are there on the app's tables, between which columns, by which operators, and are they validated?
-- A key of a partitioned table is asked once, of the table. Keys with PERIOD (18) are told apart.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with recursive family as (
    select given.oid from pg_catalog.unnest(%(oids)s::oid[]) given (oid)
    union
    select i.inhrelid
    from family
    join pg_catalog.pg_inherits i on i.inhparent = family.oid
    join pg_catalog.pg_class p on p.oid = i.inhrelid and p.relispartition
)
select c.oid::bigint as oid,
       c.conname::text as name,
       c.conrelid::bigint as child,
       cn.nspname::text as child_schema,
       cr.relname::text as child_name,
       cr.relkind = 'p' as child_partitioned,
       pn.nspname::text as parent_schema,
       pr.relname::text as parent_name,
       pr.relkind = 'p' as parent_partitioned,
       (select pg_catalog.array_agg(a.attname::text order by k.number)
        from pg_catalog.unnest(c.conkey) with ordinality k (attnum, number)
        join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum) as columns,
       (select pg_catalog.array_agg(a.attname::text order by k.number)
        from pg_catalog.unnest(c.confkey) with ordinality k (attnum, number)
        join pg_catalog.pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.attnum) as referenced,
       (select pg_catalog.array_agg(n.nspname::text order by k.number)
        from pg_catalog.unnest(c.conpfeqop) with ordinality k (oper, number)
        join pg_catalog.pg_operator o on o.oid = k.oper
        join pg_catalog.pg_namespace n on n.oid = o.oprnamespace) as operator_schemas,
       (select pg_catalog.array_agg(o.oprname::text order by k.number)
        from pg_catalog.unnest(c.conpfeqop) with ordinality k (oper, number)
        join pg_catalog.pg_operator o on o.oid = k.oper) as operators,
       c.confmatchtype = 'f' as match_full,
       coalesce((pg_catalog.to_jsonb(c) ->> 'conperiod')::boolean, false) as period,
       coalesce((
           select pg_catalog.array_agg(a.attname::text order by k.number)
           from pg_catalog.pg_index i
           cross join pg_catalog.unnest(i.indkey::int2[]) with ordinality k (attnum, number)
           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
           where i.indrelid = c.conrelid and i.indisprimary
       ), '{}') as key
from pg_catalog.pg_constraint c
join pg_catalog.pg_class cr on cr.oid = c.conrelid
join pg_catalog.pg_namespace cn on cn.oid = cr.relnamespace
join pg_catalog.pg_class pr on pr.oid = c.confrelid
join pg_catalog.pg_namespace pn on pn.oid = pr.relnamespace
where c.contype = 'f' and c.conparentid = 0
  and c.conrelid in (select family.oid from family)
order by cn.nspname, cr.relname, c.conname
