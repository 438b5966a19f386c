-- Which indexes that guard nothing were never scanned since the statistics began.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'unused_index' as lint,
    t.schema,
    t.name,
    'table' as type,
    c.relname::text as part,
    pg_catalog.format('unused_index_%%s_%%s_%%s', t.schema, t.name, c.relname) as cache_key,
    pg_catalog.jsonb_build_object('index', c.relname) as facts
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indexrelid and c.relkind = 'i'
join relations as t on t.oid = i.indrelid
where
    t.kind in ('r', 'm')
    and not t.of_platform
    and not t.of_extension
    and not i.indisunique
    and pg_catalog.pg_stat_get_numscans(i.indexrelid) = 0
