-- Is pg_cron in this database?
-- Locks: ACCESS SHARE on the catalog. Lowest version: 15.
select exists (select from pg_catalog.pg_extension where extname = 'pg_cron')
   and pg_catalog.to_regclass('cron.job') is not null
