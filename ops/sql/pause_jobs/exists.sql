-- Is pg_cron, or what stands in for it, in this database?
-- Locks: ACCESS SHARE on the catalogs. Lowest version: 15.
select pg_catalog.to_regclass('cron.job') is not null
