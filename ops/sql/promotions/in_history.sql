-- Does the history have this migration?
-- Locks: ACCESS SHARE. Lowest version: 15.
select exists (select from supabase_migrations.schema_migrations m where m.version = %(version)s) as there
