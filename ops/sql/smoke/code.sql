-- What runs code of the project's own when a row of these tables is written: triggers, rules, defaults, views?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select t.tgrelid::bigint as oid, 'trigger ' || t.tgname as what, (t.tgtype & 2) = 0 as leaves
from pg_catalog.pg_trigger t
where t.tgrelid = any(%(oids)s::bigint[]::oid[]) and not t.tgisinternal and t.tgenabled <> 'D'
union all
select r.ev_class::bigint, 'rule ' || r.rulename, true
from pg_catalog.pg_rewrite r
where r.ev_class = any(%(oids)s::bigint[]::oid[]) and r.ev_type <> '1'
union all
select c.oid::bigint, 'view ' || c.relname, true
from pg_catalog.pg_class c
where c.oid = any(%(oids)s::bigint[]::oid[]) and c.relkind = 'v'
union all
select a.adrelid::bigint, 'default by ' || p.proname, true
from pg_catalog.pg_attrdef a
join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = a.oid
    and d.refclassid = 'pg_catalog.pg_proc'::regclass
join pg_catalog.pg_proc p on p.oid = d.refobjid and p.provolatile = 'v'
where a.adrelid = any(%(oids)s::bigint[]::oid[])
order by 1, 2
