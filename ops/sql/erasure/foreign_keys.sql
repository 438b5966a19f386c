-- Which foreign keys are there, between which columns of which tables, and by which operators?
-- A key of a partitioned table is asked once, of the table. Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select c.conname::text as name,
       cn.nspname || '.' || cr.relname as child,
       pn.nspname || '.' || pr.relname as parent,
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
       coalesce((pg_catalog.to_jsonb(c) ->> 'conperiod')::boolean, false) as period
from pg_catalog.pg_constraint c
join pg_catalog.pg_class cr on cr.oid = c.conrelid
join pg_catalog.pg_namespace cn on cn.oid = cr.relnamespace
join pg_catalog.pg_class pr on pr.oid = c.confrelid
join pg_catalog.pg_namespace pn on pn.oid = pr.relnamespace
where c.contype = 'f' and c.conparentid = 0
order by cn.nspname, cr.relname, c.conname
