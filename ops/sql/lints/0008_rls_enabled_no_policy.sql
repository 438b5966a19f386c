-- Which tables have row level security on and no policy, so that nobody but their owner and service_role sees a row.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'rls_enabled_no_policy' as lint,
    t.schema,
    t.name,
    'table' as type,
    '' as part,
    pg_catalog.format('rls_enabled_no_policy_%%s_%%s', t.schema, t.name) as cache_key,
    '{}'::jsonb as facts
from relations as t
where
    t.kind in ('r', 'p')
    and t.guarded
    and not t.of_platform
    and not t.of_extension
    and t.oid not in (select p.relation from policies as p)
