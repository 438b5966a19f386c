-- Which indexes has no query used since the server counts, though they only cost?
-- Locks: ACCESS SHARE for a moment. Lowest version: 15.
select
    s.schemaname || '.' || s.indexrelname as name,
    s.schemaname || '.' || s.relname as on_table,
    pg_catalog.pg_relation_size(s.indexrelid) as bytes
from pg_catalog.pg_stat_user_indexes s
join pg_catalog.pg_index i on i.indexrelid = s.indexrelid
where s.idx_scan = 0 and i.indisvalid and not i.indisunique and not i.indisexclusion and not i.indisreplident
    and not i.indisclustered
    and not exists (select from pg_catalog.pg_constraint c where c.conindid = s.indexrelid)
    and not exists (select from pg_catalog.pg_inherits h where h.inhrelid = s.indexrelid)
    and s.schemaname not in ('auth', 'storage', 'realtime', 'supabase_functions', 'vault', 'cron', 'net', 'graphql',
        'pgmq', 'extensions', 'runbooks', 'supabase_migrations', '_realtime', '_analytics', 'pgbouncer')
order by 3 desc
