-- Schedules a job, in the place of one of the same name.
-- Locks: ROW EXCLUSIVE on cron.job. Lowest version: 15.
select cron.schedule(%(name)s::text, %(schedule)s::text, %(command)s::text)
