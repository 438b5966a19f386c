-- Which tables and views the GraphQL endpoint names to anybody who has signed up, where pg_graphql is installed.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'pg_graphql_authenticated_table_exposed' as lint,
    t.schema,
    t.name,
    case t.kind
        when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table'
    end as type,
    '' as part,
    pg_catalog.format('pg_graphql_authenticated_table_exposed_%%s_%%s', t.schema, t.name) as cache_key,
    '{}'::jsonb as facts
from relations as t
join pg_catalog.pg_roles as r on r.rolname = 'authenticated'
where
    t.kind in ('r', 'v', 'm', 'f')
    and not t.of_platform
    and exists (select from pg_catalog.pg_extension as e where e.extname = 'pg_graphql')
    -- One column that may be read shows the whole.
    and pg_catalog.has_any_column_privilege(r.oid, t.oid, 'SELECT')
