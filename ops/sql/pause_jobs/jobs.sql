-- Which jobs does pg_cron run in this database, as far as this login may see them?
-- Locks: ACCESS SHARE on cron.job. Lowest version: 15.
select j.jobid, j.jobname, j.schedule, j.active::text
from cron.job j
where j.database = pg_catalog.current_database()
order by j.jobid
