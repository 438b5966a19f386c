-- Which plan of uploads was the last to end here, and how?
-- Locks: ACCESS SHARE. Lowest version: 15.
select u.plan_digest, u.outcome
from runbooks.storage_uploads u
where u.environment = %(environment)s and u.outcome is not null
order by u.ended_at desc, u.id desc
limit 1
