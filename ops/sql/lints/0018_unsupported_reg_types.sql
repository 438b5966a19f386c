-- Which columns have a type that pg_upgrade cannot carry over.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'unsupported_reg_types' as lint,
    n.nspname::text as schema,
    c.relname::text as name,
    'table' as type,
    a.attname::text as part,
    pg_catalog.format('unsupported_reg_types_%%s_%%s_%%s', n.nspname, c.relname, a.attname) as cache_key,
    pg_catalog.jsonb_build_object('column', a.attname, 'column_type', pg_catalog.format_type(a.atttypid, null)) as facts
from pg_catalog.pg_attribute as a
join pg_catalog.pg_class as c on c.oid = a.attrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where
    a.atttypid = any(
        '{pg_catalog.regcollation,pg_catalog.regconfig,pg_catalog.regdictionary,pg_catalog.regnamespace,pg_catalog.regoper,pg_catalog.regoperator,pg_catalog.regproc,pg_catalog.regprocedure}'::pg_catalog.regtype[]
    )
    and n.nspname not in ('pg_catalog', 'information_schema', 'pgsodium')
