-- What runs code of the project's own when a row of these tables, or of their partitions, is written?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with recursive family (root, oid) as (
    select c.oid, c.oid from pg_catalog.pg_class c where c.oid = any(%(oids)s::bigint[]::oid[])
    union
    select f.root, i.inhrelid from family f join pg_catalog.pg_inherits i on i.inhparent = f.oid
)
select f.root::bigint as oid, 'trigger ' || t.tgname as what, (t.tgtype & 2) = 0 as leaves
from family f join pg_catalog.pg_trigger t on t.tgrelid = f.oid
where not t.tgisinternal and t.tgenabled <> 'D'
union
select f.root::bigint, 'rule ' || r.rulename, true
from family f join pg_catalog.pg_rewrite r on r.ev_class = f.oid
where r.ev_type <> '1'
union
select f.root::bigint, 'view ' || c.relname, true
from family f join pg_catalog.pg_class c on c.oid = f.oid
where c.relkind = 'v'
union
select f.root::bigint, 'default of ' || a.attname, true
from family f
join pg_catalog.pg_attrdef e on e.adrelid = f.oid
join pg_catalog.pg_attribute a on a.attrelid = e.adrelid and a.attnum = e.adnum
-- A sequence that is named as a text is nothing that the catalog knows of.
where pg_catalog.pg_get_expr(e.adbin, e.adrelid) ~ '\m(nextval|setval)\(' and not exists (
    select from pg_catalog.pg_depend d join pg_catalog.pg_class s on s.oid = d.refobjid and s.relkind = 'S'
    where d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = e.oid
      and d.refclassid = 'pg_catalog.pg_class'::regclass)
union
select f.root::bigint, o.what || ' by ' || p.proname, true
from family f
cross join lateral (
    select 'pg_catalog.pg_attrdef'::regclass as class, e.oid, 'default' as what
    from pg_catalog.pg_attrdef e where e.adrelid = f.oid
    union all
    select 'pg_catalog.pg_policy'::regclass, l.oid, 'policy' from pg_catalog.pg_policy l where l.polrelid = f.oid
    union all
    select 'pg_catalog.pg_constraint'::regclass, k.oid, 'check' from pg_catalog.pg_constraint k where k.conrelid = f.oid
) o
join pg_catalog.pg_depend d on d.classid = o.class and d.objid = o.oid
    and d.refclassid = 'pg_catalog.pg_proc'::regclass
join pg_catalog.pg_proc p on p.oid = d.refobjid and p.provolatile = 'v'
order by 1, 2
