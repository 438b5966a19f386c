-- On which tables two indexes are the same but for their name.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15 (indnullsnotdistinct).
select
    'duplicate_index' as lint,
    t.schema,
    t.name,
    case t.kind when 'm' then 'materialized view' else 'table' end as type,
    pg_catalog.string_agg(c.relname, ', ' order by c.relname) as part,
    pg_catalog.format(
        'duplicate_index_%%s_%%s_%%s', t.schema, t.name, pg_catalog.array_agg(c.relname order by c.relname)
    ) as cache_key,
    pg_catalog.jsonb_build_object('indexes', pg_catalog.jsonb_agg(c.relname order by c.relname)) as facts
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indexrelid
join relations as t on t.oid = i.indrelid
where
    t.kind in ('r', 'm')
    and not t.of_platform
    and not t.of_extension
group by
    t.oid, t.schema, t.name, t.kind, c.relam, c.reloptions, i.indisunique, i.indnullsnotdistinct,
    i.indnkeyatts, i.indkey::text, i.indcollation::text, i.indclass::text, i.indoption::text,
    pg_catalog.pg_get_expr(i.indexprs, i.indrelid), pg_catalog.pg_get_expr(i.indpred, i.indrelid)
having pg_catalog.count(*) > 1
