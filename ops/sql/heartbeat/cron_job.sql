-- Is there an active job of this name?
-- Locks: ACCESS SHARE on cron.job. Lowest version: 15.
select j.jobid from cron.job j where j.jobname = %(name)s and j.active
