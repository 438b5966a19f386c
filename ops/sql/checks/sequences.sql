-- Which sequences are there, and where does each end, or the column that it numbers?
-- Its last number is asked of itself: pg_sequence_last_value would take ROW EXCLUSIVE. Locks: none. Lowest version: 15.
select
    n.nspname as schema,
    c.relname as relation,
    coalesce(o.relname || '.' || a.attname, '') as numbers,
    s.seqincrement as step,
    greatest(s.seqmin::numeric, b.lowest) as lowest,
    least(s.seqmax::numeric, b.highest) as highest,
    pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
        and pg_catalog.has_schema_privilege(n.oid, 'USAGE') as readable
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
order by 1, 2
