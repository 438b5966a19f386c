-- Which tables that the API serves can be read with nothing in between.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'rls_disabled_in_public' as lint,
    t.schema,
    t.name,
    'table' as type,
    '' as part,
    pg_catalog.format('rls_disabled_in_public_%%s_%%s', t.schema, t.name) as cache_key,
    pg_catalog.jsonb_build_object('readers', t.readers) as facts
from relations as t
where
    t.kind in ('r', 'p')
    and not t.guarded
    and t.served
    and t.readers <> '{}'
    and not t.of_platform
