-- What became of the uploads of a plan, and when?
-- Locks: ACCESS SHARE. Lowest version: 15.
select u.bucket, u.name, u.state, u.said, u.run, u.planned_at, u.done_at, u.version
from runbooks.storage_uploads u
where u.environment = %(environment)s and u.plan_digest = %(plan_digest)s
order by u.id
