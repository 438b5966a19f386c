-- Which views that the API serves read with their owner's rights, so that the policies of the tables below do not hold.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15 (security_invoker).
select
    'security_definer_view' as lint,
    v.schema,
    v.name,
    'view' as type,
    '' as part,
    pg_catalog.format('security_definer_view_%%s_%%s', v.schema, v.name) as cache_key,
    pg_catalog.jsonb_build_object('readers', v.readers) as facts
from relations as v
where
    v.kind = 'v'
    and v.served
    and v.readers <> '{}'
    and not v.as_invoker
    and not v.of_platform
    and not v.of_extension
