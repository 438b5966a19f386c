-- Which tables have policies that do nothing, since row level security is off.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'policy_exists_rls_disabled' as lint,
    p.schema,
    p.name,
    'table' as type,
    '' as part,
    pg_catalog.format('policy_exists_rls_disabled_%%s_%%s', p.schema, p.name) as cache_key,
    pg_catalog.jsonb_build_object('policies', pg_catalog.jsonb_agg(p.policy order by p.policy)) as facts
from policies as p
where
    p.kind in ('r', 'p')
    and not p.guarded
    and not p.of_platform
    and not p.of_extension
group by p.schema, p.name
