-- Which tables have no primary key.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'no_primary_key' as lint,
    t.schema,
    t.name,
    'table' as type,
    '' as part,
    pg_catalog.format('no_primary_key_%%s_%%s', t.schema, t.name) as cache_key,
    '{}'::jsonb as facts
from relations as t
where
    t.kind = 'r'
    and not t.of_platform
    and not t.of_extension
    and t.oid not in (select i.indrelid from pg_catalog.pg_index as i where i.indisprimary)
