-- Which queues of pgmq API roles may read with nothing in between, where the API serves queues.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'insecure_queue_exposed_in_api' as lint,
    t.schema,
    t.name,
    'table' as type,
    '' as part,
    -- The public linter gives a queue the key of a table; so do we, that its acknowledgements fit.
    pg_catalog.format('rls_disabled_in_public_%%s_%%s', t.schema, t.name) as cache_key,
    pg_catalog.jsonb_build_object('readers', t.readers) as facts
from relations as t
where
    t.schema = 'pgmq'
    and pg_catalog.starts_with(t.name, 'q_')
    and t.kind in ('r', 'p')
    and not t.guarded
    and t.readers <> '{}'
    and 'pgmq_public' = any(%(served)s::text[])
