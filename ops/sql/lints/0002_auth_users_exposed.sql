-- Which views that the API serves show auth.users without any policy in between.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'auth_users_exposed' as lint,
    v.schema,
    v.name,
    'view' as type,
    '' as part,
    pg_catalog.format('auth_users_exposed_%%s_%%s', v.schema, v.name) as cache_key,
    pg_catalog.jsonb_build_object('exposed_to', v.readers) as facts
from relations as v
where
    v.served
    and v.readers <> '{}'
    and v.oid in (
        select w.ev_class
        from pg_catalog.pg_depend as d
        join pg_catalog.pg_rewrite as w on w.oid = d.objid
        where
            d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.refobjid = (select u.oid from relations as u where u.schema = 'auth' and u.name = 'users')
            and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
            and d.deptype = 'n'
    )
    -- A view that reads as its caller is held by the policies of auth.users, where those are switched on.
    and (
        v.kind = 'm'
        or v.kind = 'v' and not (
            v.as_invoker
            and (select u.guarded from relations as u where u.schema = 'auth' and u.name = 'users')
        )
    )
