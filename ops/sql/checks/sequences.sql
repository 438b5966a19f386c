-- How far has each sequence come on the way to its end, or to that of the column that it numbers?
-- Locks: ACCESS SHARE for a moment. Lowest version: 15.
select
    n.nspname || '.' || c.relname as name,
    coalesce(o.relname || '.' || a.attname, '') as numbers,
    s.seqincrement as step,
    greatest(s.seqmin::numeric, b.lowest) as lowest,
    least(s.seqmax::numeric, b.highest) as highest,
    pg_catalog.has_sequence_privilege(c.oid, 'USAGE, SELECT') as readable,
    case when pg_catalog.has_sequence_privilege(c.oid, 'USAGE, SELECT')
         then pg_catalog.pg_sequence_last_value(c.oid) end as last
from pg_catalog.pg_sequence s
join pg_catalog.pg_class c on c.oid = s.seqrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype in ('a', 'i') and d.refobjsubid > 0
left join pg_catalog.pg_class o on o.oid = d.refobjid
left join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
cross join lateral (
    select case a.atttypid when 'pg_catalog.int2'::pg_catalog.regtype then -32768
                           when 'pg_catalog.int4'::pg_catalog.regtype then -2147483648
                           else -9223372036854775808 end as lowest,
           case a.atttypid when 'pg_catalog.int2'::pg_catalog.regtype then 32767
                           when 'pg_catalog.int4'::pg_catalog.regtype then 2147483647
                           else 9223372036854775807 end as highest
) b
where not s.seqcycle and n.nspname not like 'pg\_temp\_%%' and n.nspname <> 'pg_catalog'
order by 1
