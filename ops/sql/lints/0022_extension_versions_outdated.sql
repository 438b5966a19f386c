-- Which extensions are of another version than the server would install today.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'extension_versions_outdated' as lint,
    n.nspname::text as schema,
    e.extname::text as name,
    'extension' as type,
    '' as part,
    pg_catalog.format('extension_versions_outdated_%%s_%%s', e.extname, e.extversion) as cache_key,
    pg_catalog.jsonb_build_object('installed_version', e.extversion, 'default_version', a.default_version) as facts
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
join pg_catalog.pg_available_extensions as a on a.name = e.extname
where
    a.default_version <> e.extversion
    -- An upgrade of the server leaves versions behind that it does not know itself.
    and exists (
        select from pg_catalog.pg_available_extension_versions as v
        where v.name = e.extname and v.version = e.extversion
    )
