-- By which names can an error tell of these tables: their partitions and heirs, views over them, constraints and indexes of
-- all of these, and the functions of their triggers?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with recursive watched (oid) as (
    select t.oid::pg_catalog.oid from pg_catalog.unnest(%(tables)s::bigint[]) t (oid)
    union
    select n.oid
    from watched w
    cross join lateral (
        select i.inhrelid as oid from pg_catalog.pg_inherits i where i.inhparent = w.oid
        union all
        select r.ev_class
        from pg_catalog.pg_depend d
        join pg_catalog.pg_rewrite r on r.oid = d.objid
        where d.classid = 'pg_catalog.pg_rewrite'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
          and d.refobjid = w.oid
    ) n
)
select 'relation' as kind, c.relname::text as name
from watched w
join pg_catalog.pg_class c on c.oid = w.oid
union
select 'constraint', x.conname::text
from watched w
join pg_catalog.pg_constraint x on x.conrelid = w.oid
union
select 'constraint', c.relname::text
from watched w
join pg_catalog.pg_index i on i.indrelid = w.oid
join pg_catalog.pg_class c on c.oid = i.indexrelid
union
select 'trigger', p.proname::text
from watched w
join pg_catalog.pg_trigger t on t.tgrelid = w.oid and not t.tgisinternal
join pg_catalog.pg_proc p on p.oid = t.tgfoid
