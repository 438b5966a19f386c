-- Which comments and security labels do these objects and their parts have?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with wanted as (
    select w.classid, w.objid
    from rows from (pg_catalog.unnest(%(classes)s::oid[]), pg_catalog.unnest(%(oids)s::oid[])) as w (classid, objid)
),
parts as (
    select classid as rootclass, objid as rootid, classid, objid from wanted
    union all
    select w.classid, w.objid, k.tableoid, k.oid from wanted w join pg_catalog.pg_constraint k on k.conrelid = w.objid
    where w.classid = 'pg_catalog.pg_class'::regclass
    union all
    select w.classid, w.objid, k.tableoid, k.oid from wanted w join pg_catalog.pg_constraint k on k.contypid = w.objid
    where w.classid = 'pg_catalog.pg_type'::regclass
    union all
    select w.classid, w.objid, w.classid, i.indexrelid from wanted w join pg_catalog.pg_index i on i.indrelid = w.objid
    where w.classid = 'pg_catalog.pg_class'::regclass
    union all
    select w.classid, w.objid, t.tableoid, t.oid from wanted w join pg_catalog.pg_trigger t on t.tgrelid = w.objid
    where w.classid = 'pg_catalog.pg_class'::regclass and not t.tgisinternal
    union all
    select w.classid, w.objid, p.tableoid, p.oid from wanted w join pg_catalog.pg_policy p on p.polrelid = w.objid
    where w.classid = 'pg_catalog.pg_class'::regclass
    union all
    select w.classid, w.objid, r.tableoid, r.oid from wanted w join pg_catalog.pg_rewrite r on r.ev_class = w.objid
    where w.classid = 'pg_catalog.pg_class'::regclass
    union all
    select w.classid, w.objid, s.tableoid, s.oid from wanted w join pg_catalog.pg_statistic_ext s on s.stxrelid = w.objid
    where w.classid = 'pg_catalog.pg_class'::regclass
    union all
    select w.classid, w.objid, t.tableoid, t.oid from wanted w
    join pg_catalog.pg_class c on c.oid = w.objid and c.relkind = 'c'
    join pg_catalog.pg_type t on t.oid = c.reltype
    where w.classid = 'pg_catalog.pg_class'::regclass
),
said as (
    select p.rootclass, p.rootid, p.classid, p.objid, d.objsubid as sub, 'comment' as kind, '' as provider, d.description as text
    from parts p join pg_catalog.pg_description d on d.objoid = p.objid and d.classoid = p.classid
    union all
    select p.rootclass, p.rootid, p.classid, p.objid, l.objsubid, 'security label', l.provider || ' on ', l.label
    from parts p join pg_catalog.pg_seclabel l on l.objoid = p.objid and l.classoid = p.classid
)
select s.rootclass::bigint, s.rootid::bigint, s.kind,
       pg_catalog.format('%%s%%s %%s', s.provider, o.type,
           case when s.classid = 'pg_catalog.pg_proc'::regclass then s.objid::regprocedure::text else o.identity end) as identity,
       s.text as definition
from said s, pg_catalog.pg_identify_object(s.classid, s.objid, s.sub) o
where coalesce(o.schema, '') !~ '^pg_' and coalesce(o.schema, '') not in ('information_schema', 'runbooks', 'supabase_migrations')
  and not exists (
      select from pg_catalog.pg_depend e
      where e.classid = s.classid and e.objid = s.objid and e.deptype = 'e')
