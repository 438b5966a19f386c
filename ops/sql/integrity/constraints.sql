-- Which constraints of the app's tables and domains were never checked against the rows that were there before them?
-- Those that are declared NOT ENFORCED (18) are meant so.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with recursive family as (
    select given.oid from pg_catalog.unnest(%(oids)s::oid[]) given (oid)
    union
    select i.inhrelid
    from family
    join pg_catalog.pg_inherits i on i.inhparent = family.oid
    join pg_catalog.pg_class p on p.oid = i.inhrelid and p.relispartition
),
typ as (
    select t.oid, t.oid as domain from pg_catalog.pg_type t where t.typtype = 'd'
    union all
    select d.oid, typ.domain from typ join pg_catalog.pg_type d on d.typtype = 'd' and d.typbasetype = typ.oid
)
select c.oid::bigint as oid,
       c.conname::text as name,
       c.contype::text as type,
       rn.nspname::text as schema,
       coalesce(r.relname, y.typname)::text as owner,
       coalesce(r.relkind = 'p', false) as partitioned,
       c.conrelid = 0 as of_domain,
       c.contypid::bigint as domain,
       case when c.contype = 'n' then (
           select a.attname::text from pg_catalog.pg_attribute a
           where a.attrelid = c.conrelid and a.attnum = c.conkey[1])
       end as column,
       coalesce((
           select pg_catalog.array_agg(a.attname::text order by k.number)
           from pg_catalog.pg_index i
           cross join pg_catalog.unnest(i.indkey::int2[]) with ordinality k (attnum, number)
           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
           where i.indrelid = c.conrelid and i.indisprimary
       ), '{}') as key
from pg_catalog.pg_constraint c
left join pg_catalog.pg_class r on r.oid = c.conrelid
left join pg_catalog.pg_type y on y.oid = c.contypid
join pg_catalog.pg_namespace rn on rn.oid = coalesce(r.relnamespace, y.typnamespace)
where not c.convalidated
  and coalesce((pg_catalog.to_jsonb(c) ->> 'conenforced')::boolean, true)
  and c.contype in ('c', 'f', 'n')
  and c.conparentid = 0
  and ((c.conrelid in (select family.oid from family) and (c.conislocal or not r.relispartition))
       or (c.conrelid = 0 and exists (
           select from pg_catalog.pg_attribute a
           join family on family.oid = a.attrelid
           join typ on typ.oid = a.atttypid
           where typ.domain = c.contypid and not a.attisdropped)))
order by rn.nspname, coalesce(r.relname, y.typname), c.conname
