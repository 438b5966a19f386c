-- Pauses or resumes one job, as its owner may.
-- Locks: ROW EXCLUSIVE on cron.job. Lowest version: 15.
select cron.alter_job(job_id => %(job)s::bigint, active => %(active)s::boolean)
