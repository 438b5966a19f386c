-- Which materialized views, which no policy can guard, API roles may read.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'materialized_view_in_api' as lint,
    v.schema,
    v.name,
    'materialized view' as type,
    '' as part,
    pg_catalog.format('materialized_view_in_api_%%s_%%s', v.schema, v.name) as cache_key,
    pg_catalog.jsonb_build_object('readers', v.readers) as facts
from relations as v
where
    v.kind = 'm'
    and v.served
    and v.readers <> '{}'
    and not v.of_platform
    and not v.of_extension
