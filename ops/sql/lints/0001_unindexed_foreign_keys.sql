-- Which foreign keys have no index that begins with their columns in their order.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'unindexed_foreign_keys' as lint,
    t.schema,
    t.name,
    'table' as type,
    k.conname::text as part,
    pg_catalog.format('unindexed_foreign_keys_%%s_%%s_%%s', t.schema, t.name, k.conname) as cache_key,
    pg_catalog.jsonb_build_object('fkey_name', k.conname, 'fkey_columns', k.conkey) as facts
from pg_catalog.pg_constraint as k
join relations as t on t.oid = k.conrelid
where
    k.contype = 'f'
    and not t.of_platform
    and not t.of_extension
    and not exists (
        select from pg_catalog.pg_index as i
        where
            i.indrelid = k.conrelid
            and i.indisvalid
            and (i.indkey::int2[])[0:pg_catalog.cardinality(k.conkey) - 1] = k.conkey
    )
