-- What depends on these objects, and may say their names in its definition? (of a `grown` one: what may list its columns)
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with recursive reached as (
    select w.classid, w.objid, w.grown
    from rows from (pg_catalog.unnest(%(classes)s::oid[]), pg_catalog.unnest(%(oids)s::oid[]),
                    pg_catalog.unnest(%(grown)s::boolean[])) as w (classid, objid, grown)
    union
    select d.classid, d.objid, r.grown
    from reached r
    join pg_catalog.pg_depend d on d.refclassid = r.classid and d.refobjid = r.objid
    where not r.grown or d.classid in (
        'pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_policy'::regclass)
)
select distinct r.classid::bigint, r.objid::bigint from reached r
