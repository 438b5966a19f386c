-- Which of the records by which a moment can be told are in this database?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select pg_catalog.to_regclass('runbooks.heartbeat') is not null as heartbeat,
       pg_catalog.to_regclass('runbooks.audit_log') is not null as audit_log,
       pg_catalog.to_regclass('runbooks.journal') is not null as journal,
       pg_catalog.to_regclass('supabase_migrations.schema_migrations') is not null as history,
       pg_catalog.current_setting('track_commit_timestamp')::boolean as commits
