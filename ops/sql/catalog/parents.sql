-- To which objects do these parts (indexes, constraints, triggers, row and array types, members of families) belong?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
-- What is no part, or not there, is not in the answer.
with wanted as (
    select w.classid, w.objid
    from rows from (pg_catalog.unnest(%(classes)s::oid[]), pg_catalog.unnest(%(oids)s::oid[])) as w (classid, objid)
)
select w.classid, w.objid, w.classid as class, i.indrelid as oid
from wanted w join pg_catalog.pg_index i on i.indexrelid = w.objid
where w.classid = 'pg_catalog.pg_class'::regclass
union all
select w.classid, w.objid,
       case when k.conrelid <> 0 then 'pg_catalog.pg_class'::regclass else 'pg_catalog.pg_type'::regclass end::oid,
       case when k.conrelid <> 0 then k.conrelid else k.contypid end
from wanted w join pg_catalog.pg_constraint k on k.oid = w.objid
where w.classid = 'pg_catalog.pg_constraint'::regclass
union all
select w.classid, w.objid, 'pg_catalog.pg_class'::regclass::oid, d.adrelid
from wanted w join pg_catalog.pg_attrdef d on d.oid = w.objid
where w.classid = 'pg_catalog.pg_attrdef'::regclass
union all
select w.classid, w.objid, 'pg_catalog.pg_class'::regclass::oid, t.tgrelid
from wanted w join pg_catalog.pg_trigger t on t.oid = w.objid
where w.classid = 'pg_catalog.pg_trigger'::regclass
union all
select w.classid, w.objid, 'pg_catalog.pg_class'::regclass::oid, p.polrelid
from wanted w join pg_catalog.pg_policy p on p.oid = w.objid
where w.classid = 'pg_catalog.pg_policy'::regclass
union all
select w.classid, w.objid, 'pg_catalog.pg_class'::regclass::oid, r.ev_class
from wanted w join pg_catalog.pg_rewrite r on r.oid = w.objid
where w.classid = 'pg_catalog.pg_rewrite'::regclass
union all
select w.classid, w.objid, 'pg_catalog.pg_class'::regclass::oid, s.stxrelid
from wanted w join pg_catalog.pg_statistic_ext s on s.oid = w.objid
where w.classid = 'pg_catalog.pg_statistic_ext'::regclass
union all
select w.classid, w.objid,
       case when e.typrelid <> 0 then 'pg_catalog.pg_class'::regclass else 'pg_catalog.pg_type'::regclass end::oid,
       case when e.typrelid <> 0 then e.typrelid else e.oid end
from wanted w
join pg_catalog.pg_type t on t.oid = w.objid
join pg_catalog.pg_type e on e.oid = case when t.typrelid <> 0 then t.oid else t.typelem end
where w.classid = 'pg_catalog.pg_type'::regclass and (t.typrelid <> 0 or e.typarray = t.oid)
union all
select w.classid, w.objid, w.classid, r.rngtypid
from wanted w join pg_catalog.pg_range r on r.rngmultitypid = w.objid
where w.classid = 'pg_catalog.pg_type'::regclass
union all
select w.classid, w.objid, 'pg_catalog.pg_opfamily'::regclass::oid, o.amopfamily
from wanted w join pg_catalog.pg_amop o on o.oid = w.objid
where w.classid = 'pg_catalog.pg_amop'::regclass
union all
select w.classid, w.objid, 'pg_catalog.pg_opfamily'::regclass::oid, f.amprocfamily
from wanted w join pg_catalog.pg_amproc f on f.oid = w.objid
where w.classid = 'pg_catalog.pg_amproc'::regclass
union all
select w.classid, w.objid, 'pg_catalog.pg_publication'::regclass::oid, r.prpubid
from wanted w join pg_catalog.pg_publication_rel r on r.oid = w.objid
where w.classid = 'pg_catalog.pg_publication_rel'::regclass
union all
select w.classid, w.objid, 'pg_catalog.pg_publication'::regclass::oid, n.pnpubid
from wanted w join pg_catalog.pg_publication_namespace n on n.oid = w.objid
where w.classid = 'pg_catalog.pg_publication_namespace'::regclass
