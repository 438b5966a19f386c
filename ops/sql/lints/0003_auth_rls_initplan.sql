-- Which policies ask who is calling for each row again, since the call does not stand in a select of its own.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'auth_rls_initplan' as lint,
    p.schema,
    p.name,
    'table' as type,
    p.policy as part,
    pg_catalog.format('auth_rls_init_plan_%%s_%%s_%%s', p.schema, p.name, p.policy) as cache_key,
    '{}'::jsonb as facts
from policies as p
where
    p.guarded
    -- Projects write policies for realtime.messages themselves.
    and (not p.of_platform or p.schema = 'realtime')
    and pg_catalog.regexp_replace(
        pg_catalog.concat_ws(' ', p.readable, p.writable),
        'select\s+\(*(auth\.(uid|jwt|role|email)\(|current_setting\()',
        '', 'gi'
    ) ~ '(\mauth\.(uid|jwt|role|email)\(\)|\mcurrent_setting\()'
