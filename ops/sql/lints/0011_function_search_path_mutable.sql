-- Which functions look names up wherever their caller says.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'function_search_path_mutable' as lint,
    n.nspname::text as schema,
    f.proname::text as name,
    'function' as type,
    pg_catalog.pg_get_function_identity_arguments(f.oid) as part,
    pg_catalog.format(
        'function_search_path_mutable_%%s_%%s_%%s', n.nspname, f.proname, pg_catalog.md5(f.prosrc)
    ) as cache_key,
    '{}'::jsonb as facts
from pg_catalog.pg_proc as f
join pg_catalog.pg_namespace as n on n.oid = f.pronamespace
where
    n.nspname <> all(%(platform)s::text[])
    and f.oid not in (
        select d.objid from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.deptype = 'e'
    )
    and not exists (
        select from pg_catalog.unnest(f.proconfig) as s (setting)
        where pg_catalog.starts_with(s.setting, 'search_path=')
    )
