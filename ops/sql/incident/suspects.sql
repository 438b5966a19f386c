-- What was applied here or rolled back of late, by which run?
-- Locks: ACCESS SHARE. Lowest version: 15.
select j.file, j.version, j.action, j.at, j.run
from runbooks.journal j
where j.action in ('apply', 'rollback') and j.at > pg_catalog.clock_timestamp() - %(span)s::interval
order by j.id desc
limit 10
