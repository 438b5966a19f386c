-- Writes a heartbeat, and takes away those that are older than a month; a job of pg_cron runs it too.
-- Locks: ROW EXCLUSIVE on runbooks.heartbeat. Lowest version: 15.
with gone as (delete from runbooks.heartbeat where at < clock_timestamp() - interval '31 days')
insert into runbooks.heartbeat default values returning id, at
