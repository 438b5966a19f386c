-- Which functions are there, in which language, of which extension, and what does each call and read?
-- Trees are read as they are kept, since to write them out takes locks on tables.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    p.oid::bigint as oid,
    n.nspname::text as schema,
    p.proname::text as name,
    l.lanname::text as language,
    l.lanpltrusted as trusted,
    e.extname::text as extension,
    case when p.prosqlbody is null and l.lanname not in ('internal', 'c') then p.prosrc else '' end as source,
    array(
        select distinct f.found[1]::bigint
        from pg_catalog.regexp_matches(
            pg_catalog.concat(p.prosqlbody, p.proargdefaults), ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g'
        ) as f (found)
        union
        select u.oid::bigint
        from pg_catalog.pg_aggregate as a
        cross join lateral pg_catalog.unnest(
            array[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::oid[]
        ) as u (oid)
        where a.aggfnoid = p.oid and u.oid <> 0
    ) as functions,
    array(
        select distinct f.found[1]::bigint
        from pg_catalog.regexp_matches(p.prosqlbody::text, ':relid ([1-9]\d*)', 'g') as f (found)
    ) as relations,
    array(
        select o.oprname::text from pg_catalog.pg_operator as o
        where o.oprcode = p.oid and l.lanname not in ('internal', 'c')
    ) as operators,
    coalesce(p.prosqlbody::text ~ ':commandType [2-5]', false) as writes
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
join pg_catalog.pg_language as l on l.oid = p.prolang
left join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'
left join pg_catalog.pg_extension as e on e.oid = d.refobjid
order by 1
