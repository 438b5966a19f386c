-- In which schema is pg_stat_statements, if this database has it?
-- Locks: none but those of reading catalogs. Lowest version: 15.
select /* supabase-runbooks watch */ n.nspname::text as schema
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'
