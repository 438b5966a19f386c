-- What runs when a row of a relation is read or written: which functions does it call, which relations does it name?
-- Trees are read as they are kept, since to write them out takes locks on tables.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with recursive domain (relation, oid) as (
    select a.attrelid, a.atttypid
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p')
    union
    select d.relation, t.typbasetype
    from domain as d
    join pg_catalog.pg_type as t on t.oid = d.oid
    where t.typtype = 'd'
),
code (relation, what, acts, called, tree) as (
    select
        t.tgrelid, 'trigger ' || t.tgname,
        array_remove(array[
            case when t.tgtype & 4 <> 0 then 'insert' end,
            case when t.tgtype & (8 | 32) <> 0 then 'delete' end,
            case when t.tgtype & 16 <> 0 then 'update' end
        ], null),
        t.tgfoid, t.tgqual::text
    from pg_catalog.pg_trigger as t
    where not t.tgisinternal and t.tgenabled <> 'D'
    union all
    select
        r.ev_class, 'rule ' || r.rulename,
        array[case r.ev_type when '1' then 'read' when '2' then 'update' when '3' then 'insert' else 'delete' end],
        0, pg_catalog.concat(r.ev_qual, r.ev_action)
    from pg_catalog.pg_rewrite as r
    where r.ev_enabled <> 'D'
    union all
    select d.adrelid, 'default of ' || a.attname, '{insert,update}', 0, d.adbin::text
    from pg_catalog.pg_attrdef as d
    join pg_catalog.pg_attribute as a on a.attrelid = d.adrelid and a.attnum = d.adnum
    union all
    select k.conrelid, 'check ' || k.conname, '{insert,update}', 0, k.conbin::text
    from pg_catalog.pg_constraint as k
    where k.contype = 'c' and k.conrelid <> 0
    union all
    select d.relation, 'check ' || k.conname, '{insert,update}', 0, k.conbin::text
    from domain as d
    join pg_catalog.pg_constraint as k on k.contypid = d.oid and k.conbin is not null
    union all
    select p.polrelid, 'policy ' || p.polname, '{read,insert,update,delete}', 0,
        pg_catalog.concat(p.polqual, p.polwithcheck)
    from pg_catalog.pg_policy as p
    union all
    select i.indrelid, 'index ' || c.relname, '{insert,update}', 0, pg_catalog.concat(i.indexprs, i.indpred)
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c on c.oid = i.indexrelid
    where i.indexprs is not null or i.indpred is not null
)
select
    c.relation::bigint as relation,
    c.what,
    c.acts::text[] as acts,
    array(
        select distinct f.found[1]::bigint
        from pg_catalog.regexp_matches(c.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') as f (found)
        union
        select c.called::bigint where c.called <> 0
    ) as functions,
    array(
        select distinct f.found[1]::bigint
        from pg_catalog.regexp_matches(c.tree, ':relid ([1-9]\d*)', 'g') as f (found)
    ) as relations,
    -- A view that an app may write is written by way of what it reads.
    coalesce(c.tree ~ ':commandType [2-5]', false) as writes
from code as c
join pg_catalog.pg_class as r on r.oid = c.relation
join pg_catalog.pg_namespace as n on n.oid = r.relnamespace
where n.nspname not in ('pg_catalog', 'information_schema')
order by 1, 2
