-- Who is this login here, can this server be written to, and may it make a temporary table?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select current_user::text as role,
       pg_catalog.current_database()::text as database,
       pg_catalog.current_setting('transaction_read_only')::boolean as read_only,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'temporary') as temporary
