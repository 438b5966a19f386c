-- Which policies believe what users write about themselves.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'rls_references_user_metadata' as lint,
    p.schema,
    p.name,
    'table' as type,
    p.policy as part,
    pg_catalog.format('rls_references_user_metadata_%%s_%%s_%%s', p.schema, p.name, p.policy) as cache_key,
    '{}'::jsonb as facts
from policies as p
where
    not p.of_platform
    and exists (
        select from (values (p.readable), (p.writable)) as e (predicate)
        where e.predicate ~ '(\mauth\.jwt\(\)|\mcurrent_setting\(.*request\.jwt\.claims).*user_metadata'
    )
