-- Which extensions have put what they bring into the schema public.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'extension_in_public' as lint,
    n.nspname::text as schema,
    e.extname::text as name,
    'extension' as type,
    '' as part,
    pg_catalog.format('extension_in_public_%%s', e.extname) as cache_key,
    '{}'::jsonb as facts
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
where n.nspname = 'public' and e.extname <> 'plpgsql'
