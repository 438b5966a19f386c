-- What has each sequence counted to?
-- Locks: ACCESS SHARE on the catalog. Lowest version: 15.
select s.schemaname || '.' || s.sequencename as name, s.last_value as value
from pg_catalog.pg_sequences s
where s.schemaname not in ('runbooks', 'supabase_migrations', 'pg_catalog')
order by 1
