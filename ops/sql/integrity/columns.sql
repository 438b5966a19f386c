-- Which columns do these tables have, of which base type, has that an equality that can be hashed, and does the server
-- make the values itself (identity, generated, a default that is a number of a sequence, random or a UUID)?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with recursive hashable as materialized (
    select o.opcintype as oid
    from pg_catalog.pg_opclass o
    join pg_catalog.pg_am m on m.oid = o.opcmethod
    where m.amname = 'hash' and o.opcdefault
    union
    select t.oid from pg_catalog.pg_type t where t.typtype = 'e'
    union
    select 'pg_catalog.varchar'::regtype::oid
),
held as materialized (
    select a.attrelid, a.attnum, a.attname, a.atttypid, a.attidentity, a.attgenerated
    from pg_catalog.pg_attribute a
    where a.attrelid = any (%(oids)s::oid[]) and a.attnum > 0 and not a.attisdropped
),
typ as (
    select t.oid, t.oid as base from pg_catalog.pg_type t where t.typtype <> 'd'
    union all
    select d.oid, typ.base from typ join pg_catalog.pg_type d on d.typtype = 'd' and d.typbasetype = typ.oid
),
kind as materialized (
    select typ.oid, typ.base, typ.base::regtype::text as name,
           typ.base in (select h.oid from hashable h)
           or (b.typcategory = 'A' and b.typelem in (select h.oid from hashable h)) as hashable
    from typ
    join pg_catalog.pg_type b on b.oid = typ.base
    where typ.oid in (select held.atttypid from held)
),
made as materialized (
    select d.adrelid, d.adnum
    from pg_catalog.pg_attrdef d
    -- Not by pg_get_expr(), which waits for whoever has the table locked.
    cross join lateral pg_catalog.regexp_matches(d.adbin::text, ':funcid (\d+)', 'g') f (found)
    join pg_catalog.pg_proc p on p.oid = f.found[1]::oid and p.proname ~* '(nextval|uuid|random)'
    where d.adrelid = any (%(oids)s::oid[])
    group by d.adrelid, d.adnum
)
select a.attrelid::bigint as relation,
       a.attname::text as name,
       k.name as type,
       k.hashable,
       k.base in ('pg_catalog.timestamptz'::regtype, 'pg_catalog.timestamp'::regtype, 'pg_catalog.date'::regtype,
                  'pg_catalog.time'::regtype, 'pg_catalog.timetz'::regtype) as time,
       a.attidentity <> '' or a.attgenerated <> '' or m.adrelid is not null as made
from held a
join kind k on k.oid = a.atttypid
left join made m on m.adrelid = a.attrelid and m.adnum = a.attnum
order by a.attrelid, a.attnum
