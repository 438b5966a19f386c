-- What plan of uploads has this run given up, as a whole and as it was then?
-- Locks: ACCESS SHARE. Lowest version: 15.
select u.plan_digest, u.item, u.reason, u.state, u.run, u.planned_at
from runbooks.storage_uploads u
where u.environment = %(environment)s and u.outcome = 'abandoned' and u.ended_by = %(run)s
order by u.id
