-- Which foreign tables, which no policy can guard, API roles may read.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'foreign_table_in_api' as lint,
    t.schema,
    t.name,
    'foreign table' as type,
    '' as part,
    pg_catalog.format('foreign_table_in_api_%%s_%%s', t.schema, t.name) as cache_key,
    pg_catalog.jsonb_build_object('readers', t.readers) as facts
from relations as t
where
    t.kind = 'f'
    and t.served
    and t.readers <> '{}'
    and not t.of_platform
    and not t.of_extension
