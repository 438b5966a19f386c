-- Which foreign keys hold on to a unique column of the schema auth that is no primary key.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'fkey_to_auth_unique' as lint,
    t.schema,
    t.name,
    'table' as type,
    k.conname::text as part,
    pg_catalog.format('fkey_to_auth_unique_%%s_%%s_%%s', t.schema, t.name, k.conname) as cache_key,
    pg_catalog.jsonb_build_object('foreign_key', k.conname) as facts
from pg_catalog.pg_constraint as k
join relations as t on t.oid = k.conrelid
join relations as referenced on referenced.oid = k.confrelid
join pg_catalog.pg_index as i on i.indexrelid = k.conindid
where k.contype = 'f' and referenced.schema = 'auth' and i.indisunique and not i.indisprimary
