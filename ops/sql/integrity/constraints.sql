-- Which constraints of the app's tables and domains were never checked against the rows that were there before them?
-- Those that are declared NOT ENFORCED (18) are meant so.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with asked as (
    select oid from pg_catalog.unnest(%(oids)s::oid[]) given (oid)
),
relation as (
    select asked.oid, false as inherits from asked
    union
    select t.relid, true from asked cross join lateral pg_catalog.pg_partition_tree(asked.oid) t
    where t.parentrelid is not null
)
select c.oid::bigint as oid,
       c.conname::text as name,
       c.contype::text as type,
       rn.nspname::text as schema,
       coalesce(r.relname, y.typname)::text as owner,
       coalesce(r.relkind = 'p', false) as partitioned,
       case when c.contype = 'n' then pg_catalog.format('%%I is not null', (
                select a.attname from pg_catalog.pg_attribute a
                where a.attrelid = c.conrelid and a.attnum = c.conkey[1]))
            when c.conrelid <> 0 and c.contype = 'c' then pg_catalog.pg_get_expr(c.conbin, c.conrelid)
       end as expression,
       coalesce((
           select pg_catalog.array_agg(a.attname::text order by k.number)
           from pg_catalog.pg_index i
           cross join pg_catalog.unnest(i.indkey::int2[]) with ordinality k (attnum, number)
           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
           where i.indrelid = c.conrelid and i.indisprimary
       ), '{}') as key
from pg_catalog.pg_constraint c
left join relation on relation.oid = c.conrelid
left join pg_catalog.pg_class r on r.oid = c.conrelid
left join pg_catalog.pg_type y on y.oid = c.contypid
join pg_catalog.pg_namespace rn on rn.oid = coalesce(r.relnamespace, y.typnamespace)
where not c.convalidated
  and coalesce((pg_catalog.to_jsonb(c) ->> 'conenforced')::boolean, true)
  and c.contype in ('c', 'f', 'n')
  and c.conparentid = 0
  and ((relation.oid is not null and (c.conislocal or not relation.inherits))
       or (c.conrelid = 0 and exists (
           select from pg_catalog.pg_attribute a
           join asked on asked.oid = a.attrelid
           where a.atttypid = c.contypid and not a.attisdropped)))
order by rn.nspname, coalesce(r.relname, y.typname), c.conname
