-- Which indexes of one table say the same in every respect?
-- Locks: ACCESS SHARE for a moment. Lowest version: 15.
select
    n.nspname || '.' || t.relname as on_table,
    array_agg(c.relname::text order by
        (exists (select from pg_catalog.pg_constraint k where k.conindid = i.indexrelid)) desc, i.indisprimary desc,
        i.indisunique desc, c.relname) as names,
    min(pg_catalog.pg_relation_size(i.indexrelid)) as bytes
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'auth', 'storage', 'realtime', 'vault', 'cron',
        'net', 'supabase_functions', 'extensions', 'runbooks', 'supabase_migrations')
    and i.indisvalid
group by n.nspname, t.relname, i.indrelid, c.relam, i.indkey::text, i.indclass::text, i.indcollation::text,
    i.indoption::text, i.indnkeyatts, coalesce(pg_catalog.pg_get_expr(i.indexprs, i.indrelid), ''),
    coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), ''), c.reloptions
having count(*) > 1
order by 1
