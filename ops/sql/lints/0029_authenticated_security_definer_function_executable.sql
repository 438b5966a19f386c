-- Which functions that the API serves anybody who has signed up may call with the rights of their owner.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'authenticated_security_definer_function_executable' as lint,
    n.nspname::text as schema,
    f.proname::text as name,
    'function' as type,
    pg_catalog.pg_get_function_identity_arguments(f.oid) as part,
    pg_catalog.format(
        'authenticated_security_definer_function_executable_%%s_%%s_%%s',
        n.nspname, f.proname, pg_catalog.pg_get_function_identity_arguments(f.oid)
    ) as cache_key,
    pg_catalog.jsonb_build_object(
        'arguments', pg_catalog.pg_get_function_identity_arguments(f.oid), 'language', l.lanname
    ) as facts
from pg_catalog.pg_proc as f
join pg_catalog.pg_namespace as n on n.oid = f.pronamespace
join pg_catalog.pg_language as l on l.oid = f.prolang
join pg_catalog.pg_roles as r on r.rolname = 'authenticated'
where
    f.prosecdef
    and n.nspname = any(%(served)s::text[])
    and n.nspname <> all(%(platform)s::text[])
    and pg_catalog.has_function_privilege(r.oid, f.oid, 'EXECUTE')
